/*
 * A stand-in for the calls of libcudart.so.12 that Triton's core makes, to be preloaded, so that a CPU-only machine
 * has as many CUDA devices as $STAND_IN_GPUS says. Their memory is malloc's. With nvml.c behind its DCGM, Triton then
 * exports its GPU metrics. Device n sits on bus n + 1, as in nvml.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cudaError_t (driver_types.h). */
enum { SUCCESS = 0, MEMORY_ALLOCATION = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, NOT_SUPPORTED = 801 };

static int gpu_count(void) {
  const char *count = getenv("STAND_IN_GPUS");
  return count == NULL ? 0 : atoi(count);
}

/* Calls whose success has nothing to tell. */
#define DOES_NOTHING(name, ...) \
  int name(__VA_ARGS__) { return SUCCESS; }
#pragma GCC diagnostic ignored "-Wunused-parameter"
DOES_NOTHING(cudaSetDevice, int device)
DOES_NOTHING(cudaDeviceSynchronize, void)
DOES_NOTHING(cudaDeviceEnablePeerAccess, int peer, unsigned flags)
DOES_NOTHING(cudaGetLastError, void)
DOES_NOTHING(cudaStreamDestroy, void *stream)
DOES_NOTHING(cudaStreamSynchronize, void *stream)
DOES_NOTHING(cudaEventRecord, void *event, void *stream)
DOES_NOTHING(cudaEventDestroy, void *event)
DOES_NOTHING(cudaHostRegister, void *memory, size_t size, unsigned flags)
DOES_NOTHING(cudaHostUnregister, void *memory)
DOES_NOTHING(cudaIpcCloseMemHandle, void *memory)
DOES_NOTHING(cudaMemPrefetchAsync, const void *memory, size_t size, int device, void *stream)

int cudaGetDeviceCount(int *count) {
  *count = gpu_count();
  return *count == 0 ? NO_DEVICE : SUCCESS;
}
int cudaGetDevice(int *device) {
  *device = 0;
  return SUCCESS;
}
int cudaDeviceGetPCIBusId(char *id, int size, int device) {
  if (device < 0 || device >= gpu_count()) return INVALID_DEVICE;
  snprintf(id, (size_t)size, "0000:%02X:00.0", device + 1);
  return SUCCESS;
}
/* cudaDeviceProp of CUDA 12: name at 0, totalGlobalMem at 288, major and minor at 360. */
int cudaGetDeviceProperties_v2(char *properties, int device) {
  if (device < 0 || device >= gpu_count()) return INVALID_DEVICE;
  size_t memory = (size_t)16 << 30;
  int capability[] = {8, 9};
  memset(properties, 0, 1032);
  strcpy(properties, "Stand-in");
  memcpy(properties + 288, &memory, sizeof memory);
  memcpy(properties + 360, capability, sizeof capability);
  return SUCCESS;
}
static int zero(int *value) {
  *value = 0;
  return SUCCESS;
}
int cudaDeviceGetAttribute(int *value, int attribute, int device) { return zero(value); }
int cudaDeviceCanAccessPeer(int *can, int a, int b) { return zero(can); }
int cudaRuntimeGetVersion(int *version) {
  *version = 12060;
  return SUCCESS;
}
int cudaDriverGetVersion(int *version) { return cudaRuntimeGetVersion(version); }
int cudaGetDriverEntryPoint(const char *symbol, void **function, unsigned long long flags, int *status) {
  *function = NULL;
  if (status != NULL) *status = 1;
  return SUCCESS;
}
const char *cudaGetErrorString(int error) { return error == SUCCESS ? "no error" : "stand-in CUDA error"; }

int cudaMalloc(void **memory, size_t size) {
  *memory = malloc(size);
  return *memory == NULL ? MEMORY_ALLOCATION : SUCCESS;
}
int cudaMallocManaged(void **memory, size_t size, unsigned flags) { return cudaMalloc(memory, size); }
int cudaHostAlloc(void **memory, size_t size, unsigned flags) { return cudaMalloc(memory, size); }
int cudaFree(void *memory) {
  free(memory);
  return SUCCESS;
}
int cudaFreeHost(void *memory) { return cudaFree(memory); }
int cudaMemGetInfo(size_t *available, size_t *total) {
  *available = *total = (size_t)16 << 30;
  return SUCCESS;
}
int cudaMemcpy(void *to, const void *from, size_t size, int kind) {
  memcpy(to, from, size);
  return SUCCESS;
}
int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream) {
  return cudaMemcpy(to, from, size, kind);
}
int cudaMemset(void *memory, int value, size_t size) {
  memset(memory, value, size);
  return SUCCESS;
}
int cudaPointerGetAttributes(void *attributes, const void *memory) {
  memset(attributes, 0, 32);
  return SUCCESS;
}
int cudaHostGetDevicePointer(void **device, void *host, unsigned flags) {
  *device = host;
  return SUCCESS;
}
int cudaIpcOpenMemHandle(void **memory, const void *handle, unsigned flags) { return NOT_SUPPORTED; }

static char a_stream, an_event;
int cudaStreamCreateWithPriority(void **stream, unsigned flags, int priority) {
  *stream = &a_stream;
  return SUCCESS;
}
int cudaStreamCreateWithFlags(void **stream, unsigned flags) { return cudaStreamCreateWithPriority(stream, flags, 0); }
int cudaStreamCreate(void **stream) { return cudaStreamCreateWithPriority(stream, 0, 0); }
int cudaStreamGetFlags(void *stream, unsigned *flags) {
  *flags = 0;
  return SUCCESS;
}
int cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  *greatest = 0;
  return zero(least);
}
int cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
  function(data);
  return SUCCESS;
}
int cudaEventCreate(void **event) {
  *event = &an_event;
  return SUCCESS;
}
