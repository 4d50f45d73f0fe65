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

# What the library refuses by an exception: sizes that cannot be added, at any size, and in a frame wider than 200 pixels.
save("throws_in_trial",
     [helper.make_node("Resize", ["x", "", "", "s"], ["z"], mode="nearest"), helper.make_node("Add", ["x", "z"], ["y"])],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "h", "w"])], [constant("s", np.array([1, 1, 7, 5], np.int64))])
save("throws_when_wide",
     [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "three"], ["w"]),
      helper.make_node("Div", ["w", "limit"], ["n"]), helper.make_node("Add", ["n", "one"], ["m"]),
      helper.make_node("ConstantOfShape", ["m"], ["zeros"]), helper.make_node("Add", ["x", "zeros"], ["y"])],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "h", "w"])],
     [constant("three", np.array([3], np.int64)), constant("limit", np.array([200], np.int64)),
      constant("one", np.array([1], np.int64))])

# A picture that is slow to load, because it runs at load: a loop of many small steps.
body = helper.make_graph(
    [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["a"], ["b"])], "body",
    [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("a", None)],
    [value("go_on", [], TensorProto.BOOL), value("b", None)])
save("slow", [helper.make_node("Loop", ["steps", "", "x"], ["y"], body=body)], [value("x", [1, 1, "h", "w"])],
     [value("y", [1, 1, "h", "w"])], [constant("steps", np.array(600_000, np.int64))])

# Sound that works: hops of 10 ms where nothing else is said.
at_16k = {"sample_rate": "16000"}
ident = [helper.make_node("Identity", ["x"], ["y"])]


def late(name, hop, lag, dims, metadata, kind=FLOAT):
    """Gives back what it hears, later: the state holds what was not given back yet."""
    out = helper.make_node("Slice", ["all", "zero", "hop", "axis"], ["y"])
    rest = helper.make_node("Slice", ["all", "hop", "end", "axis"], ["line_out"])
    save(name, [helper.make_node("Concat", ["line_in", "x"], ["all"], axis=-1), out, rest],
         [value("x", [*dims, hop], kind), value("line_in", [*dims, lag], kind)],
         [value("y", [*dims, hop], kind), value("line_out", [*dims, lag], kind)],
         [constant(key, np.array([number], np.int64)) for key, number in
          (("zero", 0), ("hop", hop), ("end", hop + lag), ("axis", len(dims)))], metadata)


late("late_16k", 160, 100, [1], {**at_16k, "delay": "100", "task": "audio"})
late("late_48k", 480, 720, [1, 1], {"sample_rate": "48000", "delay": "720"})
late("later_48k", 256, 1000, [1], {"sample_rate": "48000", "delay": "1000"})
late("late_half", 160, 40, [1], {**at_16k, "delay": "40"}, HALF)
save("negate_48k", [helper.make_node("Neg", ["x"], ["y"])], [value("x", [1, 480])], [value("y", [1, 480])],
     metadata={"sample_rate": "48000"})
save("half_48k", [helper.make_node("Mul", ["x", "half"], ["y"])], [value("x", [480])], [value("y", [480])],
     [constant("half", np.array(0.5, np.float32))], metadata={"sample_rate": "48000"})
save("swap_stereo", [helper.make_node("Gather", ["x", "order"], ["y"], axis=1)], [value("x", [1, 2, 480])],
     [value("y", [1, 2, 480])], [constant("order", np.array([1, 0], np.int64))], metadata={"sample_rate": "48000"})
save("any_length", [helper.make_node("Neg", ["x"], ["y"])], [value("x", [1, "n"])], [value("y", [1, "n"])], metadata=at_16k)
save("unsaid_rate", ident, [value("x", [1, 160])], [value("y", [1, 160])])
save("root", [helper.make_node("Sqrt", ["x"], ["y"])], [value("x", [1, 160])], [value("y", [1, 160])], metadata=at_16k)

# A low pass with one pole: y[n] = 0.9 y[n - 1] + 0.1 x[n], 16 samples a run, the last answer as state.
lags = np.arange(16)[None, :] - np.arange(16)[:, None]
save("low_pass", [helper.make_node("MatMul", ["x", "past"], ["a"]), helper.make_node("Mul", ["h", "decay"], ["b"]),
                  helper.make_node("Add", ["a", "b"], ["y"]), helper.make_node("Slice", ["y", "last", "end", "axis"], ["hn"])],
     [value("x", [1, 16]), value("h", [1, 1])], [value("y", [1, 16]), value("hn", [1, 1])],
     [constant("past", np.where(lags < 0, 0, 0.1 * 0.9 ** np.maximum(lags, 0)).astype(np.float32)),
      constant("decay", (0.9 ** np.arange(1, 17)).astype(np.float32)[None]), constant("last", np.array([15], np.int64)),
      constant("end", np.array([16], np.int64)), constant("axis", np.array([1], np.int64))], at_16k)

# Logits of silence, a low sound and a high one, from the power of a window and of its differences.
save("pitch", [helper.make_node("Slice", ["x", "one", "end", "axis"], ["later"]),
               helper.make_node("Slice", ["x", "zero", "before", "axis"], ["earlier"]),
               helper.make_node("Sub", ["later", "earlier"], ["d"]), helper.make_node("Mul", ["d", "d"], ["d2"]),
               helper.make_node("Mul", ["x", "x"], ["x2"]),
               helper.make_node("ReduceMean", ["d2"], ["high"], axes=[1]), helper.make_node("ReduceMean", ["x2"], ["power"], axes=[1]),
               helper.make_node("Concat", ["power", "high"], ["both"], axis=1), helper.make_node("Gemm", ["both", "w", "b"], ["logits"])],
     [value("x", [1, 1600])], [value("logits", [1, 3])],
     [constant("one", np.array([1], np.int64)), constant("end", np.array([1600], np.int64)), constant("zero", np.array([0], np.int64)),
      constant("before", np.array([1599], np.int64)), constant("axis", np.array([1], np.int64)),
      constant("w", np.array([[0, 400, 0], [0, -1000, 400]], np.float32)), constant("b", np.array([4, 0, 0], np.float32))],
     {**at_16k, "task": "classify", "names": "{0: 'silence', 1: 'low', 2: 'high'}"})

# In the form of silero-vad 5: the first sample that it hears, 1000 for each run before, and the rate.
save("voice_form", [helper.make_node("Slice", ["input", "zero", "one", "axis"], ["first"]),
                    helper.make_node("ReduceMax", ["state"], ["runs"], keepdims=0), helper.make_node("Cast", ["sr"], ["rate"], to=FLOAT),
                    helper.make_node("Add", ["first", "runs"], ["a"]), helper.make_node("Add", ["a", "rate"], ["output"]),
                    helper.make_node("Add", ["state", "thousand"], ["stateN"])],
     [value("sr", [], TensorProto.INT64), value("input", ["batch", "n"]), value("state", [2, "batch", 128])],
     [value("output", ["batch", 1]), value("stateN", [2, "batch", 128])],
     [constant("zero", np.array([0], np.int64)), constant("one", np.array([1], np.int64)), constant("axis", np.array([1], np.int64)),
      constant("thousand", np.array(1000, np.float32))])
# A picture times a number, plus one number a channel, plus a hundredth of the picture's width and height.
save("constants", [helper.make_node("Mul", ["x", "gain"], ["a"]), helper.make_node("Add", ["a", "offset"], ["b"]),
                   helper.make_node("Cast", ["orig_target_sizes"], ["s"], to=FLOAT), helper.make_node("ReduceSum", ["s"], ["n"], keepdims=0),
                   helper.make_node("Mul", ["n", "hundredth"], ["m"]), helper.make_node("Add", ["b", "m"], ["y"])],
     [value("gain", []), value("orig_target_sizes", [1, 2], TensorProto.INT64), value("x", [1, 3, "h", "w"]), value("offset", [1, 3, 1, 1])],
     [value("y", [1, 3, "h", "w"])], [constant("hundredth", np.array(0.01, np.float32))])
# Half of a picture and half of what came out before, which has no size before the first run.
half = constant("half", np.array(0.5, np.float32))
save("echo_rgb", [helper.make_node("Add", ["x", "r1i"], ["a"]), helper.make_node("Mul", ["a", "half"], ["y"]),
                  helper.make_node("Identity", ["y"], ["r1o"])],
     [value("r1i", ["b", "channels", "height", "width"]), value("x", ["b", 3, "height", "width"])],
     [value("y", ["b", 3, "height", "width"]), value("r1o", ["b", 3, "height", "width"])], [half])
# A picture, times a float64 where a bool says so.
save("typed_inputs", [helper.make_node("Cast", ["gain"], ["g"], to=FLOAT), helper.make_node("Mul", ["x", "g"], ["m"]),
                      helper.make_node("Where", ["on", "m", "x"], ["y"])],
     [value("x", [1, 3, "h", "w"]), value("on", [1], TensorProto.BOOL), value("gain", [1], DOUBLE)], [value("y", [1, 3, "h", "w"])])
# State that is known by its place only: a number for each run.
save("unnamed_state", [helper.make_node("Add", ["a", "one"], ["b"]), helper.make_node("ReduceMax", ["a"], ["n"], keepdims=0),
                       helper.make_node("Add", ["x", "n"], ["y"])],
     [value("x", [1, 3, "h", "w"]), value("a", [1, 4])], [value("y", [1, 3, "h", "w"]), value("b", [1, 4])],
     [constant("one", np.array(1, np.float32))])

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
     [value("detection_boxes", [1, "n", 4]), value("detection_classes", [1, "n"]), value("detection_scores", [1, "n"]),
      value("num_detections", [1])],
     [constant("row", np.array([1, 16], np.int64)), constant("edges", edges[None]),
      constant("ones", np.ones((1, 16), np.float32)), constant("count", np.array([16], np.float32))])

# Models that must be refused.
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

# Detectors in the form of YOLOv8 on 64x64: a cell of 8x8 pixels proposes itself, as bright as its pixels are for class 0
# and as red as they are for class 1; the coarser cells propose nothing.
SIDE, CELL = 64, 8
CELLS = SIDE // CELL


def detector(name, boxes=None, metadata=None, dims=(1, 3, SIDE, SIDE)):
    coarse = (CELLS // 2) ** 2 + (CELLS // 4) ** 2
    centers = (np.arange(CELLS) * CELL + CELL / 2).astype(np.float32)
    own = np.stack([np.tile(centers, CELLS), np.repeat(centers, CELLS), np.full(CELLS ** 2, CELL), np.full(CELLS ** 2, CELL)])
    own = own if boxes is None else boxes(own)
    whole = np.concatenate([own, np.full((4, coarse), CELL)], axis=1)[None].astype(np.float16)
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Conv", ["p", "w"], ["s"], kernel_shape=[1, 1]),
        helper.make_node("Reshape", ["s", "flat"], ["f"]),
        helper.make_node("Pad", ["f", "pads"], ["t"]),
        helper.make_node("Cast", ["b"], ["boxes"], to=FLOAT),
        helper.make_node("Concat", ["boxes", "t"], ["output0"], axis=1)]
    weights = np.array([[1 / 3, 1 / 3, 1 / 3], [1, -1, -1]], np.float32).reshape(2, 3, 1, 1)
    save(name, nodes, [value("x", dims)], [value("output0", [1, 6, CELLS ** 2 + coarse])],
         [constant("w", weights), constant("flat", np.array([1, 2, -1], np.int64)),
          constant("pads", np.array([0, 0, 0, 0, 0, coarse], np.int64)), constant("b", whole)], metadata)


def lose_the_left(own):
    own = own.copy()
    own[0, own[0] < SIDE / 2] = np.nan
    return own


NAMES = {"names": "{0: 'bright', 1: 'red'}", "task": "detect", "stride": "32"}
detector("detect_bright", metadata=NAMES)
detector("detect_unsaid")
detector("detect_nan", lose_the_left, NAMES)

# One number: the mean luma; and classes by the mean of each color.
save("mean_luma", [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["score"])],
     [value("x", [1, 1, "h", "w"])], [value("score", [1, 1])], metadata={"task": "score"})
save("main_color", [pool, helper.make_node("Flatten", ["pooled"], ["classes"])], [value("x", [1, 3, 32, 32])],
     [value("classes", [1, 3])], metadata={"task": "classify", "names": "['red', 'green', 'blue']", "activation": "none"})

# A picture of which next to nothing is looked at, for what is spent before a model sees it.
for side in (224, 640):
    save(f"corner_{side}",
         [helper.make_node("Slice", ["x", "first", "end", "axes"], ["p"]), helper.make_node("Flatten", ["p"], ["classes"])],
         [value("x", [1, 3, side, side])], [value("classes", [1, 3])],
         [constant("first", np.array([0, 0], np.int64)), constant("end", np.array([1, 1], np.int64)),
          constant("axes", np.array([2, 3], np.int64))],
         metadata={"task": "classify", "activation": "none"})

# Classes of places on a grid of half the size: dark, bright, red.
save("segment_bright",
     [helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
      helper.make_node("Conv", ["p", "w", "b"], ["scores"], kernel_shape=[1, 1])],
     [value("x", [1, 3, 64, 64])], [value("scores", [1, 3, 32, 32])],
     [constant("w", np.array([[0, 0, 0], [1 / 3, 1 / 3, 1 / 3], [1, -1, -1]], np.float32).reshape(3, 3, 1, 1)),
      constant("b", np.array([0.5, 0, 0], np.float32))],
     metadata={"task": "segment", "names": "['background', 'bright', 'red']"})

# Readers of a line, a step for each 16 pixels. In the form of PaddleOCR's (values from -1 to 1, a table without blank and
# space): the first channel, blue in theirs, is an a, green a b, the last one a c, black the blank and white the space, and
# gray any of them.
save("read_colors",
     [helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[48, 16], strides=[48, 16]),
      helper.make_node("Conv", ["p", "w"], ["s"]),
      helper.make_node("Squeeze", ["s", "two"], ["q"]),
      helper.make_node("Transpose", ["q"], ["t"], perm=[0, 2, 1]),
      helper.make_node("Softmax", ["t"], ["softmax"], axis=2)],
     [value("x", ["n", 3, 48, "w"])], [value("softmax", ["n", "t", 5])],
     [constant("w", 4 * np.array([[-1, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]], np.float32).reshape(5, 3, 1, 1)),
      constant("two", np.array([2], np.int64))],
     metadata={"character": "a\nb\nc"})

# In the form of others (luma, logits, a step first, two dimensions declared where there are three, no table): four levels of
# gray, the black one the blank.
save("read_grays",
     [helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[64, 16], strides=[64, 16]),
      helper.make_node("Conv", ["p", "w", "b"], ["s"]),
      helper.make_node("Squeeze", ["s", "two"], ["q"]),
      helper.make_node("Transpose", ["q"], ["logits"], perm=[2, 0, 1])],
     [value("x", [1, 1, 64, "w"])], [value("logits", [1, "t"])],
     # The nearest of the levels k / 3: -(x - k / 3)² without what all have in common.
     [constant("w", (100 * 2 / 3 * np.arange(4)).astype(np.float32).reshape(4, 1, 1, 1)),
      constant("b", (-100 / 9 * np.arange(4) ** 2).astype(np.float32)), constant("two", np.array([2], np.int64))])

# A map of text in the form of PaddleOCR's (values from -1 to 1, any size): what is bright.
save("text_det_bright",
     [helper.make_node("Conv", ["x", "w", "b"], ["map"])],
     [value("x", ["n", 3, "h", "w"])], [value("map", ["n", 1, "h", "w"])],
     [constant("w", np.full((1, 3, 1, 1), 1 / 6, np.float32)), constant("b", np.array([0.5], np.float32))])
# Classes that do not depend on the picture.
save("constant", [helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
                  helper.make_node("Mul", ["m", "zero"], ["z"]), helper.make_node("Add", ["z", "classes"], ["y"])],
     [value("x", [1, 3, 16, 24])], [value("y", [1, 3])],
     [constant("zero", np.array(0, np.float32)), constant("classes", np.array([[0.2, 0.5, 0.3]], np.float32))])

# A network that goes three times down and up and adds its input: sides must be multiples of 8. It gives its input.
save("grid_of_8",
     [helper.make_node("AveragePool", ["x"], ["d"], kernel_shape=[8, 8], strides=[8, 8]),
      helper.make_node("Resize", ["d", "", "s"], ["u"], mode="nearest"),
      helper.make_node("Mul", ["u", "zero"], ["z"]), helper.make_node("Add", ["x", "z"], ["y"])],
     [value("x", [1, 3, "h", "w"])], [value("y", [1, 3, "h", "w"])],
     [constant("s", np.array([1, 1, 8, 8], np.float32)), constant("zero", np.array(0, np.float32))])

# Runs on any size and gives whole patches of 6 only, at half of the size: columns are lost where nobody extends the frame.
save("patches_of_6",
     [helper.make_node("AveragePool", ["x"], ["d"], kernel_shape=[6, 6], strides=[6, 6]),
      helper.make_node("Resize", ["d", "", "s"], ["y"], mode="nearest")],
     [value("x", [1, 1, "h", "w"])], [value("y", [1, 1, "a", "b"])],
     [constant("s", np.array([1, 1, 3, 3], np.float32))])

# Raw boxes of YOLOX, of one class: one of 16x16 around the middle of the first cell of 8, believed in as the first channel
# is bright on a scale of 255.
save("raw_cells",
     [helper.make_node("GlobalAveragePool", ["x"], ["m"]), helper.make_node("Slice", ["m", "zero", "one", "one"], ["first"]),
      helper.make_node("Div", ["first", "white"], ["share"]), helper.make_node("Reshape", ["share", "flat"], ["row"]),
      helper.make_node("Pad", ["row", "pads"], ["all"]), helper.make_node("Add", ["all", "boxes"], ["output"])],
     [value("x", [1, 3, 64, 64])], [value("output", [1, 84, 6])],
     [constant("zero", np.array([0], np.int64)), constant("one", np.array([1], np.int64)),
      constant("white", np.array(255, np.float32)), constant("flat", np.array([1, 1, 1], np.int64)),
      constant("pads", np.array([0, 0, 4, 0, 83, 1], np.int64)),
      constant("boxes", np.array([[[0.5, 0.5, np.log(2), np.log(2), 0, 1]]], np.float32))])

# A matte: as bright as a place is, and the same at another depth.
save("matte_bright", [helper.make_node("ReduceMean", ["x"], ["d0"], axes=[1]), helper.make_node("Identity", ["d0"], ["d1"])],
     [value("x", [1, 3, 64, 64])], [value("d0", [1, 1, 64, 64]), value("d1", [1, 1, 64, 64])])
