# SPDX-License-Identifier: MPL-2.0
"""Serves ONNX models from a real tritonserver, the one that the wheel nvidia-pytriton brings, until it is ended.

The name of a model is that of its file. That tritonserver has no backend for ONNX; it calls back into this process.

usage: pytriton_onnx.py --address ADDRESS --grpc PORT --http PORT --metrics PORT MODEL.onnx ...
"""

import signal
import tempfile

from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

import arguments
import onnx_session


def bind(triton, given):
    model = onnx_session.load(given)

    def answers(requests):
        return [model.run(request.data) for request in requests]

    triton.bind(
        model_name=onnx_session.name(given),
        infer_func=answers,
        inputs=[Tensor(name=it.name, dtype=it.dtype, shape=it.shape) for it in model.inputs],
        outputs=[Tensor(name=it.name, dtype=it.dtype, shape=it.shape) for it in model.outputs],
        # The batch is the first axis of the shape.
        config=ModelConfig(batching=False),
    )


def main():
    given = arguments.parse(__doc__)
    # Ended by SIGTERM as by Ctrl-C: Triton's process goes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as workspace:
        config = TritonConfig(
            http_address=given.address,
            grpc_address=given.address,
            metrics_address=given.address,
            http_port=given.http,
            grpc_port=given.grpc,
            metrics_port=given.metrics,
            exit_on_error=False,
        )
        with Triton(config=config, workspace=f"{workspace}/triton") as triton:
            for it in given.models:
                bind(triton, it)
            triton.serve()


if __name__ == "__main__":
    main()
