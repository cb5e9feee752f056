import { writePythonModel } from './embedded-triton.ts'

/**
 * A model.py that adds up X over a sequence, and refuses whatever breaks the rules: a request of a sequence that has
 * not begun, a start in the middle. Y = [sum, sequences that were live before].
 */
const accumulate = `
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.sums = {}

    def answer(self, request):
        value = lambda name: pb_utils.get_input_tensor_by_name(request, name).as_numpy().flatten()[0]
        tensor = lambda values: pb_utils.Tensor("Y", np.array([values], dtype=np.float32))
        if value("READY") == 0:
            return pb_utils.InferenceResponse([tensor([0, 0])])
        id, live = value("CORRID"), len(self.sums)
        if (value("START") == 1) == (id in self.sums):
            self.sums.pop(id, None)
            return pb_utils.InferenceResponse([], error=pb_utils.TritonError(f"sequence {id}: broken, {live} live"))
        self.sums[id] = self.sums.get(id, 0) + value("X")
        total = self.sums[id]
        if value("END") == 1:
            del self.sums[id]
        return pb_utils.InferenceResponse([tensor([total, live])])

    def execute(self, requests):
        return [self.answer(request) for request in requests]
`

const control = (name: string, kind: string) =>
  `{ name: "${name}", control [{ kind: ${kind}, fp32_false_true: [0, 1] }] }`

/** @param strategy as in config.pbtxt: `direct { }`, `oldest { max_candidate_sequences: 8 }` */
export function writeSequenceModel(repository: string, name: string, strategy: string): void {
  const config = `
backend: "python"
max_batch_size: 4
input [{ name: "X", data_type: TYPE_FP32, dims: [1] }]
output [{ name: "Y", data_type: TYPE_FP32, dims: [2] }]
instance_group [{ count: 1, kind: KIND_CPU }]
sequence_batching {
  max_sequence_idle_microseconds: 60000000
  ${strategy}
  control_input [
    ${control('START', 'CONTROL_SEQUENCE_START')},
    ${control('END', 'CONTROL_SEQUENCE_END')},
    ${control('READY', 'CONTROL_SEQUENCE_READY')},
    { name: "CORRID", control [{ kind: CONTROL_SEQUENCE_CORRID, data_type: TYPE_UINT64 }] }
  ]
}
`
  writePythonModel(repository, name, { python: accumulate, config })
}

/** A decoupled model.py: X says how many responses there are; the gaps between them, and before the first, are known. */
const repeatAfter = (gapMs: number): string => `
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def respond(self, request):
        sender = request.get_response_sender()
        count = int(pb_utils.get_input_tensor_by_name(request, "X").as_numpy().flatten()[0])
        for index in range(count):
            time.sleep(${gapMs / 1000})
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.array([index], dtype=np.int32))]))
        if count < 0:
            sender.send(pb_utils.InferenceResponse([], error=pb_utils.TritonError("fewer than none")))
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def execute(self, requests):
        for request in requests:
            threading.Thread(target=self.respond, args=(request,)).start()
        return None
`

const decoupledConfig = `
backend: "python"
max_batch_size: 0
input [{ name: "X", data_type: TYPE_INT32, dims: [1] }]
output [{ name: "Y", data_type: TYPE_INT32, dims: [1] }]
instance_group [{ count: 1, kind: KIND_CPU }]
model_transaction_policy { decoupled: true }
`

export function writeDecoupledModel(repository: string, name: string, gapMs: number): void {
  writePythonModel(repository, name, { python: repeatAfter(gapMs), config: decoupledConfig })
}
