# SPDX-License-Identifier: MPL-2.0
"""ONNX models in MLServer, which has no runtime of its own for them.

As a module: the runtime. As a program: serves models until it is ended. The name of a model is that of its file.

usage: mlserver_onnx.py --address ADDRESS --grpc PORT --http PORT --metrics PORT MODEL.onnx ...
"""

import asyncio
import json
import tempfile
from pathlib import Path

from mlserver import MLModel, MLServer
from mlserver.codecs import NumpyCodec
from mlserver.codecs.numpy import to_datatype
from mlserver.errors import InferenceError
from mlserver.settings import Settings
from mlserver.types import Datatype, InferenceResponse, MetadataTensor
import numpy

import arguments
import onnx_session


class OnnxModel(MLModel):
    async def load(self):
        self._model = onnx_session.load(self.settings.parameters.uri)
        self.inputs = [described(it) for it in self._model.inputs]
        self.outputs = [described(it) for it in self._model.outputs]
        return True

    async def predict(self, payload):
        inputs = {it.name: array(it) for it in payload.inputs}
        try:
            answers = self._model.run(inputs)
        except Exception as error:
            raise InferenceError(str(error)) from error
        outputs = [NumpyCodec.encode_output(name, answer) for name, answer in answers.items()]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)


def array(given):
    """Of texts it is a list, since the codec takes them to be all of one length."""
    return list(given.data) if Datatype(given.datatype) == Datatype.BYTES else NumpyCodec.decode_input(given)


def described(tensor):
    return MetadataTensor(name=tensor.name, datatype=to_datatype(numpy.dtype(tensor.dtype)), shape=tensor.shape)


async def serve(given, repository):
    for it in given.models:
        name = onnx_session.name(it)
        folder = Path(repository) / name
        folder.mkdir()
        settings = {"name": name, "implementation": "mlserver_onnx.OnnxModel", "parameters": {"uri": it}}
        (folder / "model-settings.json").write_text(json.dumps(settings))
    settings = Settings(
        host=given.address,
        grpc_port=given.grpc,
        http_port=given.http,
        metrics_port=given.metrics,
        grpc_max_message_length=given.max_message,
        model_repository_root=repository,
        metrics_dir=repository,
        # In the server's own process: a frame is not passed on to another.
        parallel_workers=0,
        debug=False,
    )
    server = MLServer(settings)
    await server.start(await server._model_repository.list())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as repository:
        asyncio.run(serve(arguments.parse(__doc__), repository))
