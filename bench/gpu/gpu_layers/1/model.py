"""Runs layer.ptx by the driver's own library: neither the server's image nor its wheel brings a framework for GPUs."""

import ctypes
import json
import os

import numpy as np
import triton_python_backend_utils as pb_utils

WIDTH = 4096
MATRIX_BYTES = WIDTH * WIDTH * 4
# More than a GPU's cache holds, so that every layer reads its weights from memory.
MATRICES = 4
THREADS = 256

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *args):
    code = getattr(cuda, name)(*args)
    if code != 0:
        raise pb_utils.TritonModelException(f"{name}: CUDA error {code}")


def allocate(size):
    pointer = ctypes.c_uint64()
    call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size))
    return pointer


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameter = lambda key: int(config["parameters"][key]["string_value"])
        self.layers = parameter("layers")
        rows = max(1, config["max_batch_size"])
        device, self.context = ctypes.c_int(), ctypes.c_void_p()
        module, self.kernel = ctypes.c_void_p(), ctypes.c_void_p()
        call("cuInit", 0)
        call("cuDeviceGet", ctypes.byref(device), int(args["model_instance_device_id"]))
        call("cuDevicePrimaryCtxRetain", ctypes.byref(self.context), device)
        call("cuCtxSetCurrent", self.context)
        with open(os.path.join(args["model_repository"], args["model_version"], "layer.ptx"), "rb") as file:
            call("cuModuleLoadData", ctypes.byref(module), file.read())
        call("cuModuleGetFunction", ctypes.byref(self.kernel), module, b"layer")
        # Values that are alike would take less power, and so other clocks, than those of a network.
        values = np.random.default_rng(0).standard_normal((WIDTH, WIDTH), np.float32)
        self.weights = [allocate(MATRIX_BYTES) for _ in range(MATRICES)]
        for matrix in self.weights:
            call("cuMemcpyHtoD_v2", matrix, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(MATRIX_BYTES))
        self.buffers = [allocate(rows * WIDTH * 4) for _ in range(2)]
        extra = parameter("extra_memory_mib")
        self.extra = allocate(extra * 2**20) if extra > 0 else None

    def execute(self, requests):
        inputs = [pb_utils.get_input_tensor_by_name(request, "X").as_numpy() for request in requests]
        outputs = self.run(np.ascontiguousarray(np.concatenate(inputs), np.float32))
        ends = np.cumsum([len(given) for given in inputs])[:-1]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.ascontiguousarray(part))])
            for part in np.split(outputs, ends)
        ]

    def run(self, batch):
        size = ctypes.c_size_t(batch.nbytes)
        source, target = self.buffers
        call("cuCtxSetCurrent", self.context)
        call("cuMemcpyHtoD_v2", source, batch.ctypes.data_as(ctypes.c_void_p), size)
        width, rows = ctypes.c_int(WIDTH), ctypes.c_int(len(batch))
        for layer in range(self.layers):
            values = [self.weights[layer % MATRICES], source, target, width, rows]
            pointers = (ctypes.c_void_p * len(values))(
                *[ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in values]
            )
            # Grid, block, shared memory, stream: a warp of 32 threads for each of WIDTH rows.
            call("cuLaunchKernel", self.kernel, WIDTH * 32 // THREADS, 1, 1, THREADS, 1, 1, 0, None, pointers, None)
            source, target = target, source
        call("cuCtxSynchronize")
        outputs = np.empty_like(batch)
        call("cuMemcpyDtoH_v2", outputs.ctypes.data_as(ctypes.c_void_p), source, size)
        return outputs
