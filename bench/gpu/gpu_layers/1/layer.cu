// One layer: y[b][i] = x[b][i] + 2^-12 * sum_j w[i][j] * x[b][j], a warp for each i, at most 8 rows of a batch at a time.
extern "C" __global__ void layer(const float4 *w, const float4 *x, float *y, int width, int batch) {
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
  int quads = width / 4;
  if (row >= width) return;
  for (int first = 0; first < batch; first += 8) {
    int rows = min(8, batch - first);
    float sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int j = lane; j < quads; j += 32) {
      float4 a = w[(long long)row * quads + j];
      #pragma unroll
      for (int b = 0; b < 8; b++) {
        if (b < rows) {
          float4 v = x[(long long)(first + b) * quads + j];
          sum[b] += a.x * v.x + a.y * v.y + a.z * v.z + a.w * v.w;
        }
      }
    }
    #pragma unroll
    for (int b = 0; b < 8; b++) {
      for (int offset = 16; offset > 0; offset /= 2) sum[b] += __shfl_down_sync(0xffffffff, sum[b], offset);
      if (lane == 0 && b < rows) {
        long long at = (long long)(first + b) * width + row;
        y[at] = ((const float *)x)[at] + sum[b] / 4096;
      }
    }
  }
}
