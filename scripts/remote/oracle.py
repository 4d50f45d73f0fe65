# SPDX-License-Identifier: MPL-2.0
"""What others answer: tritonclient over the network, and ONNX Runtime here.

usage: oracle.py answers WHERE MODEL.onnx FOLDER    reads FOLDER/INPUT.npy of each input, writes FOLDER/OUTPUT.npy of each
                                                    output, and prints their types, shapes and SHA-256 sums
       oracle.py latency WHERE MODEL N              prints p50 and p99 of N requests, in milliseconds, of a model named as
                                                    the server names it; an open axis is 1
WHERE is local, or the ADDRESS:PORT of a server.
"""

import hashlib
import sys
import time
from pathlib import Path

import numpy
import tritonclient.grpc
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

import onnx_session

# Requests before those that are counted.
WARM_UP = 20


def local(path, inputs):
    return onnx_session.Model(path).run(inputs)


def remote(address, model, inputs):
    client = tritonclient.grpc.InferenceServerClient(address)
    answer = client.infer(model, [tensor(name, array) for name, array in inputs.items()])
    return {it.name: answer.as_numpy(it.name) for it in client.get_model_metadata(model).outputs}


def tensor(name, array):
    asked = tritonclient.grpc.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    asked.set_data_from_numpy(array)
    return asked


def answers(where, path, folder):
    inputs = {it.name: numpy.load(folder / f"{it.name}.npy") for it in onnx_session.Model(path).inputs}
    given = local(path, inputs) if where == "local" else remote(where, path.stem, inputs)
    for name, array in given.items():
        array = numpy.ascontiguousarray(array)
        numpy.save(folder / f"{name}.npy", array)
        shape = ",".join(str(size) for size in array.shape)
        print(name, np_to_triton_dtype(array.dtype), shape, hashlib.sha256(array.tobytes()).hexdigest())


def latency(where, model, count):
    client = tritonclient.grpc.InferenceServerClient(where)
    tensors = []
    for it in client.get_model_metadata(model).inputs:
        array = numpy.full([max(size, 1) for size in it.shape], 0.5).astype(triton_to_np_dtype(it.datatype))
        tensors.append(tensor(it.name, array))
    times = []
    for _ in range(WARM_UP + count):
        begin = time.perf_counter()
        client.infer(model, tensors)
        times.append((time.perf_counter() - begin) * 1000)
    p50, p99 = numpy.percentile(times[WARM_UP:], [50, 99])
    print(f"p50 {p50:.3f} p99 {p99:.3f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["answers", where, path, folder]:
            answers(where, Path(path), Path(folder))
        case ["latency", where, model, count]:
            latency(where, model, int(count))
        case _:
            raise SystemExit(__doc__)
