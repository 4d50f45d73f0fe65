# SPDX-License-Identifier: MPL-2.0

"""Makes the models of the tests. Run it here: python generate.py. Needs the package onnx."""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
FLOAT, HALF, BYTE, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.DOUBLE


def value(name, dims, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def save(name, nodes, inputs, outputs, initializers=(), metadata=None, opset=13):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    model.producer_name = ""
    if metadata:
        helper.set_model_props(model, metadata)
    path = HERE / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    assert path.stat().st_size < 2048, path
    return model


def resize(name, dims, outdims, factors, kind=FLOAT):
    node = helper.make_node("Resize", ["x", "", "factors"], ["y"], mode="nearest",
                            coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    save(name, [node], [value("x", dims, kind)], [value("y", outdims, kind)],
         [constant("factors", np.array(factors, np.float32))])


def invert(name, dims, kind=FLOAT, white=1.0, metadata=None):
    if kind == BYTE:
        nodes = [helper.make_node("Cast", ["x"], ["f"], to=FLOAT), helper.make_node("Sub", ["white", "f"], ["g"]),
                 helper.make_node("Cast", ["g"], ["y"], to=BYTE)]
        numbers = np.array(white, np.float32)
    else:
        nodes = [helper.make_node("Sub", ["white", "x"], ["y"])]
        numbers = np.array(white, np.float16 if kind == HALF else np.float32)
    save(name, nodes, [value("x", dims, kind)], [value("y", dims, kind)], [constant("white", numbers)], metadata)


# Pictures that work.
resize("twice_luma", [1, 1, "h", "w"], [1, 1, "h2", "w2"], [1, 1, 2, 2])
resize("twice_rgb", ["batch", 3, "h", "w"], None, [1, 1, 2, 2])
resize("twice_luma_fixed", [1, 1, 16, 24], [1, 1, 32, 48], [1, 1, 2, 2])
resize("thrice_luma", [1, 1, "h", "w"], [1, 1, "h3", "w3"], [1, 1, 3, 3])
invert("invert_luma", [1, 1, "h", "w"])
invert("invert_rgb", [1, 3, "h", "w"])
invert("invert_rgb_fixed", [1, 3, 16, 24])
invert("invert_nhwc", [1, "h", "w", 3])
invert("invert_half", [1, 3, "h", "w"], HALF)
invert("invert_byte", [1, "h", "w", 3], BYTE, 255.0)
invert("invert_chw", [3, "h", "w"])
invert("invert_hw", ["h", "w"])
invert("invert_255", [1, 3, "h", "w"], white=255.0, metadata={"Image.NominalPixelRange": "NominalRange_0_255"})
save("half_luma", [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, None, None])])

# Tensors that work: the mean of each channel, and the picture's shape as a second output.
pool = helper.make_node("GlobalAveragePool", ["x"], ["pooled"])
flat = helper.make_node("Flatten", ["pooled"], ["means"])
shape = helper.make_node("Shape", ["x"], ["size"])
save("means", [pool, flat], [value("x", [1, 3, "h", "w"])], [value("means", [1, 3])])
save("means_and_size", [pool, flat, shape], [value("x", [1, 3, "h", "w"])],
     [value("means", [1, 3]), value("size", [4], TensorProto.INT64)])
# The shape of the answer depends on the values, so it cannot be bound beforehand.
save("bright_places", [helper.make_node("Greater", ["x", "half"], ["bright"]), helper.make_node("NonZero", ["bright"], ["y"])],
     [value("x", [1, 1, "h", "w"])], [value("y", [4, None], TensorProto.INT64)], [constant("half", np.array(0.5, np.float32))])

# Pictures that go wrong while they run: NaN where it is dark, and an error on frames wider than 64.
save("nan_in_the_dark", [helper.make_node("Sub", ["x", "half"], ["z"]), helper.make_node("Sqrt", ["z"], ["y"])],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "h", "w"])], [constant("half", np.array(0.5, np.float32))])
save("fails_when_wide",
     [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "three"], ["w"]),
      helper.make_node("Div", ["w", "limit"], ["n"]), helper.make_node("Gather", ["table", "n"], ["one"]),
      helper.make_node("Mul", ["x", "one"], ["y"])],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "h", "w"])],
     [constant("three", np.array(3, np.int64)), constant("limit", np.array(200, np.int64)),
      constant("table", np.array([1], np.float32))])

# A picture that is slow to load, because it runs at load: a loop of many small steps.
body = helper.make_graph(
    [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["a"], ["b"])], "body",
    [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("a", None)],
    [value("go_on", [], TensorProto.BOOL), value("b", None)])
save("slow", [helper.make_node("Loop", ["steps", "", "x"], ["y"], body=body)], [value("x", [1, 1, "h", "w"])],
     [value("y", [1, 1, "h", "w"])], [constant("steps", np.array(600_000, np.int64))])

# A detector in the form of TensorFlow's detection API on 64x64: each cell of 16x16 pixels proposes itself, a pixel
# smaller on each side, as bright as its pixels are.
cells = np.arange(16)
top, left = (cells // 4 * 16 + 1) / 64, (cells % 4 * 16 + 1) / 64
edges = np.stack([top, left, top + 14 / 64, left + 14 / 64], axis=1).astype(np.float32)
save("ssd_bright",
     [helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[16, 16], strides=[16, 16]),
      helper.make_node("ReduceMean", ["p"], ["m"], axes=[1], keepdims=0),
      helper.make_node("Reshape", ["m", "row"], ["detection_scores"]),
      helper.make_node("Identity", ["edges"], ["detection_boxes"]),
      helper.make_node("Identity", ["ones"], ["detection_classes"]),
      helper.make_node("Identity", ["count"], ["num_detections"])],
     [value("x", [1, 3, 64, 64])],
     [value("detection_boxes", [1, 16, 4]), value("detection_classes", [1, 16]), value("detection_scores", [1, 16]),
      value("num_detections", [1])],
     [constant("row", np.array([1, 16], np.int64)), constant("edges", edges[None]),
      constant("ones", np.ones((1, 16), np.float32)), constant("count", np.array([16], np.float32))])

# Models that must be refused.
ident = [helper.make_node("Identity", ["x"], ["y"])]
save("rank_1", ident, [value("x", ["n"])], [value("y", ["n"])])
save("rank_5", ident, [value("x", [1, 3, 4, "h", "w"])], [value("y", [1, 3, 4, "h", "w"])])
save("two_channels", ident, [value("x", [1, 2, "h", "w"])], [value("y", [1, 2, "h", "w"])])
save("dynamic_channels", ident, [value("x", [1, "c", "h", "w"])], [value("y", [1, "c", "h", "w"])])
save("batch_4", ident, [value("x", [4, 3, "h", "w"])], [value("y", [4, 3, "h", "w"])])
save("two_inputs", [helper.make_node("Add", ["x", "x2"], ["y"])], [value("x", [1, 1, "h", "w"]), value("x2", [1, 1, "h", "w"])],
     [value("y", [1, 1, "h", "w"])])
save("no_shape", ident, [value("x", None)], [value("y", None)])
save("double_input", ident, [value("x", [1, 1, "h", "w"], DOUBLE)], [value("y", [1, 1, "h", "w"], DOUBLE)])
save("unknown_operator", [helper.make_node("Blur", ["x"], ["y"])], [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "h", "w"])])
save("padded", [helper.make_node("Pad", ["x", "pads"], ["y"])], [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "a", "b"])],
     [constant("pads", np.array([0, 0, 3, 3, 0, 0, 3, 3], np.int64))])
(HERE / "text.onnx").write_text("This is no model.\n")
(HERE / "truncated.onnx").write_bytes((HERE / "invert_rgb.onnx").read_bytes()[:60])
(HERE / "empty.onnx").write_bytes(b"")


def external(name, location, write=None):
    tensor = TensorProto(name="white", data_type=FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=text)
    save(name, [helper.make_node("Sub", ["white", "x"], ["y"])], [value("x", [1, 1, "h", "w"])],
         [value("y", [1, 1, "h", "w"])], [tensor])
    if write is not None:
        (HERE / location).write_bytes(write)


external("external", "external.data", np.array([1], "<f4").tobytes())
external("external_missing", "absent.data")
external("external_short", "short.data", b"\0\0")
external("external_absolute", "/etc/hostname")
external("external_parent", "../models/external.data")
