# SPDX-License-Identifier: MPL-2.0
"""An ONNX model as the servers here serve it: on one thread of the CPU, and what it takes and gives."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy
import onnxruntime
from PIL import Image

# What ONNX Runtime calls the types, and numpy.
TYPES = {
    "tensor(bool)": numpy.bool_,
    "tensor(double)": numpy.float64,
    "tensor(float)": numpy.float32,
    "tensor(float16)": numpy.float16,
    "tensor(int16)": numpy.int16,
    "tensor(int32)": numpy.int32,
    "tensor(int64)": numpy.int64,
    "tensor(int8)": numpy.int8,
    "tensor(uint16)": numpy.uint16,
    "tensor(uint32)": numpy.uint32,
    "tensor(uint64)": numpy.uint64,
    "tensor(uint8)": numpy.uint8,
}


class Tensor(NamedTuple):
    """A tensor of a model: its type of numpy, and its shape with -1 where the model leaves an axis open."""

    name: str
    dtype: type
    shape: list


class Model:
    """A session, its `inputs` and its `outputs`."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [tensor(it) for it in self.session.get_inputs()]
        self.outputs = [tensor(it) for it in self.session.get_outputs()]

    def run(self, inputs):
        """Answers by name for arrays by name."""
        names = [it.name for it in self.outputs]
        return dict(zip(names, self.session.run(names, inputs)))


class OfPictures:
    """A model with a decoder before it, as servers have one in an ensemble: its input is a picture as it is in a file."""

    def __init__(self, path):
        self.model = Model(path)
        [image] = self.model.inputs
        [_, _, self.height, self.width] = image.shape
        self.image = image.name
        self.inputs = [Tensor("picture", numpy.bytes_, [1])]
        self.outputs = self.model.outputs

    def run(self, inputs):
        [picture] = inputs["picture"]
        image = Image.open(io.BytesIO(picture)).convert("RGB").resize((self.width, self.height), Image.Resampling.BILINEAR)
        pixels = numpy.asarray(image, dtype=numpy.float32) / 255
        return self.model.run({self.image: numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None])})


def name(given):
    """The name that a model is served by: of a file, or of `jpeg:` and a file."""
    kind, _, path = given.rpartition(":")
    return Path(path).stem + (f"-{kind}" if kind else "")


def load(given):
    """The model of a file, or the same behind a decoder for `jpeg:` and a file."""
    kind, _, path = given.rpartition(":")
    return OfPictures(path) if kind else Model(path)


def tensor(described):
    if described.type not in TYPES:
        raise ValueError(f"{described.name}: {described.type} is not served here")
    shape = [size if isinstance(size, int) else -1 for size in described.shape]
    return Tensor(described.name, TYPES[described.type], shape)
