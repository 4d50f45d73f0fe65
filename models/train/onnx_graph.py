# SPDX-License-Identifier: MPL-2.0
"""Writes ONNX graphs node by node, and measures what was written.

The graphs here are small and made of few operators, so they are put together by hand: what is exported is what stands
in the script, without a tracer's left-overs, and every engine runs it.
"""

import hashlib
import math
import os
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and weights of one model. Operators return the names of their outputs, which are the next one's inputs."""

    def __init__(self, name):
        self.name, self.nodes, self.weights, self.known = name, [], [], {}

    def constant(self, array):
        """A stored tensor: float32, or int64 where integers are given. Equal ones are stored once."""
        array = np.asarray(array)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.known:
            self.known[key] = f"w{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), self.known[key]))
        return self.known[key]

    def op(self, kind, *inputs, name=None, **attributes):
        """Adds a node. Inputs are names or arrays, `None` for one left out; `name` is that of the output, or all names."""
        inputs = ["" if it is None else it if isinstance(it, str) else self.constant(it) for it in inputs]
        names = [name or f"{kind.lower()}{len(self.nodes)}"] if not isinstance(name, list) else name
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if len(names) == 1 else names

    def part(self, name, start, end, axis=1):
        return self.op("Slice", name, np.array([start]), np.array([end]), np.array([axis]))

    def save(self, path, inputs, outputs, metadata):
        """Checks the model and writes it; atomically, because someone may be watching the file to reload it.

        Inputs and outputs are lists of (name, shape). Opset 13 and IR 8 are what engines of 2021 already read.
        """
        values = lambda items: [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in items]
        graph = helper.make_graph(self.nodes, self.name, values(inputs), values(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="avrec", ir_version=8)
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(model.SerializeToString())
        os.replace(partial, path)


def session(path):
    """The model on one thread that does not spin."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def latency(model, runs=200):
    """Median milliseconds of a run after a warm-up, on random input.

    The model runs in this thread alone and waits for nothing, so its CPU time is its latency when no one else wants the
    core; unlike the wall clock it stays true on a busy machine.
    """
    rng = np.random.default_rng(0)
    feed = {it.name: rng.random(it.shape, np.float32) for it in model.get_inputs()}
    times = []
    for _ in range(runs + 20):
        start = time.thread_time()
        model.run(None, feed)
        times.append(1000 * (time.thread_time() - start))
    return float(np.median(times[20:]))


def parameters(path):
    """How many numbers the file stores, those that were computed and not learned included."""
    return sum(math.prod(it.dims) for it in onnx.load(path).graph.initializer if it.dims)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def table(titles, rows):
    """A Markdown table."""
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for row in rows:
        print("| " + " | ".join(str(it) for it in row) + " |")
