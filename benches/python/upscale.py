#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Doubles I420 frames as a Python application does today: appsink, numpy, onnxruntime, appsrc.

    python3 upscale.py MODEL FRAMES

Prints the CPU time of a frame in microseconds: of the whole job, of the bare model run on a ready array, and of
the source alone.
"""

import resource
import sys

import gi
import numpy as np
import onnxruntime

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401  (GstApp gives appsink and appsrc their methods)

WIDTH, HEIGHT = 320, 180
SOURCE = f"videotestsrc pattern=ball num-buffers={{}} ! video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate=25/1"


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def load(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def bare(session, frames):
    luma = np.random.default_rng(0).random((1, 1, HEIGHT, WIDTH), np.float32)
    begin = cpu()
    for _ in range(frames):
        session.run(None, {"luma": luma})
    return (cpu() - begin) / frames


def source_alone(frames):
    pipeline = Gst.parse_launch(SOURCE.format(frames) + " ! fakesink sync=false")
    begin = cpu()
    pipeline.set_state(Gst.State.PLAYING)
    pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    return (cpu() - begin) / frames


def upscale(session, data, answer):
    """Doubles one frame: the model for luma, each chroma sample repeated, into the array `answer`."""
    frame = np.frombuffer(data, np.uint8)
    luma_size, chroma_size = WIDTH * HEIGHT, WIDTH * HEIGHT // 4
    # Expanded from 16..235, as the element does.
    luma = (frame[:luma_size].reshape(1, 1, HEIGHT, WIDTH).astype(np.float32) - 16) * np.float32(1 / 219)
    big = session.run(None, {"luma": luma})[0]
    np.multiply(big, 219, out=big)
    np.add(big, 16.5, out=big)
    answer[:4 * luma_size] = np.clip(big, 0, 255, out=big).reshape(-1)
    for plane in range(2):
        chroma = frame[luma_size + plane * chroma_size:][:chroma_size].reshape(HEIGHT // 2, 1, WIDTH // 2, 1)
        target = answer[4 * luma_size + plane * 4 * chroma_size:][:4 * chroma_size]
        target.reshape(HEIGHT // 2, 2, WIDTH // 2, 2)[...] = chroma


def job(session, frames):
    reader = Gst.parse_launch(SOURCE.format(frames) + " ! appsink name=frames sync=false max-buffers=4")
    writer = Gst.parse_launch("appsrc name=answers format=time ! fakesink sync=false")
    frames_in, answers = reader.get_by_name("frames"), writer.get_by_name("answers")
    answers.set_caps(Gst.Caps.from_string(f"video/x-raw,format=I420,width={2 * WIDTH},height={2 * HEIGHT},framerate=25/1"))
    begin, count = cpu(), 0
    reader.set_state(Gst.State.PLAYING)
    writer.set_state(Gst.State.PLAYING)
    while sample := frames_in.pull_sample():
        buffer = sample.get_buffer()
        answer = np.empty(WIDTH * HEIGHT * 6, np.uint8)
        _, info = buffer.map(Gst.MapFlags.READ)
        upscale(session, info.data, answer)
        buffer.unmap(info)
        out = Gst.Buffer.new_wrapped(answer.tobytes())
        out.pts, out.duration = buffer.pts, buffer.duration
        answers.push_buffer(out)
        count += 1
    answers.end_of_stream()
    writer.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    spent = cpu() - begin
    for pipeline in (reader, writer):
        pipeline.set_state(Gst.State.NULL)
    return spent / count


def main():
    Gst.init(None)
    session, frames = load(sys.argv[1]), int(sys.argv[2])
    job(session, 30)
    figures = job(session, frames), bare(session, frames), source_alone(frames)
    print(*(f"{1e6 * it:.1f}" for it in figures))


main()
