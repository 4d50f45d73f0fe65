#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Doubles I420 frames as a careful Python application does: appsink, numpy, onnxruntime, appsrc, no needless copy.

    python3 upscale.py MODEL FRAMES WARM_UP

Prints for each frame after the warm-up, a line each, two CPU times in microseconds: of the whole process since
the frame before, and of a bare run of the model within that, in a session of its own on a ready array.
"""

import sys
import time

import gi
import numpy as np
import onnxruntime

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401  (GstApp gives appsink and appsrc their methods)

WIDTH, HEIGHT = 320, 180
LUMA, CHROMA = WIDTH * HEIGHT, WIDTH * HEIGHT // 2
CAPS = "video/x-raw,format=I420,width={},height={},framerate=25/1"


class Model:
    """A session with its input and output bound to arrays, so that a run allocates and copies nothing."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.luma = np.random.default_rng(0).random((1, 1, HEIGHT, WIDTH), np.float32)
        self.big = np.empty((1, 1, 2 * HEIGHT, 2 * WIDTH), np.float32)
        self.binding = self.session.io_binding()
        for array, bind, node in [
            (self.luma, self.binding.bind_input, self.session.get_inputs()[0]),
            (self.big, self.binding.bind_output, self.session.get_outputs()[0]),
        ]:
            bind(node.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def run(self):
        self.session.run_with_iobinding(self.binding)


class Upscaler:
    """Doubles frames: the model for luma, each chroma sample repeated."""

    def __init__(self, path):
        self.model = Model(path)
        self.chroma = np.empty((HEIGHT, 1, WIDTH // 2), np.uint16)

    def upscale(self, frame, answer):
        """From one array of bytes into another."""
        luma, big = self.model.luma.reshape(-1), self.model.big.reshape(-1)
        # Expanded from 16..235, as the element does.
        np.copyto(luma, frame[:LUMA])
        np.multiply(luma, np.float32(1 / 219), out=luma)
        np.subtract(luma, np.float32(16 / 219), out=luma)
        self.model.run()
        np.multiply(big, np.float32(219), out=big)
        np.add(big, np.float32(16.5), out=big)
        np.clip(big, np.float32(0), np.float32(255), out=big)
        np.copyto(answer[: 4 * LUMA], big, casting="unsafe")
        # Two equal bytes are one number of two bytes; U and V follow each other, so they are one picture.
        chroma = frame[LUMA:].reshape(self.chroma.shape)
        np.multiply(chroma, np.uint16(257), out=self.chroma)
        answer[4 * LUMA :].view(np.uint16).reshape(HEIGHT, 2, WIDTH // 2)[...] = self.chroma


def main():
    Gst.init(None)
    path, frames, warm_up = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    upscaler, bare = Upscaler(path), Model(path)
    # One picture over and over, so that the source costs next to nothing.
    reader = Gst.parse_launch(
        f"videotestsrc num-buffers=1 ! video/x-raw,format=I420,width={WIDTH},height={HEIGHT} ! "
        f"imagefreeze num-buffers={frames + warm_up} ! {CAPS.format(WIDTH, HEIGHT)} ! "
        "appsink name=frames sync=false max-buffers=4"
    )
    writer = Gst.parse_launch("appsrc name=answers format=time ! fakesink sync=false")
    frames_in, answers = reader.get_by_name("frames"), writer.get_by_name("answers")
    answers.set_caps(Gst.Caps.from_string(CAPS.format(2 * WIDTH, 2 * HEIGHT)))
    reader.set_state(Gst.State.PLAYING)
    writer.set_state(Gst.State.PLAYING)
    figures, last = [], time.process_time_ns()
    while sample := frames_in.pull_sample():
        source, target = sample.get_buffer(), Gst.Buffer.new_allocate(None, 4 * (LUMA + CHROMA), None)
        with source.map(Gst.MapFlags.READ) as frame, target.map(Gst.MapFlags.WRITE) as answer:
            upscaler.upscale(np.frombuffer(frame.data, np.uint8), np.frombuffer(answer.data, np.uint8))
        target.pts, target.duration = source.pts, source.duration
        answers.push_buffer(target)
        begin = time.thread_time_ns()
        bare.run()
        spent = time.thread_time_ns() - begin
        now = time.process_time_ns()
        figures.append((now - last, spent))
        last = now
    answers.end_of_stream()
    writer.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    for pipeline in (reader, writer):
        pipeline.set_state(Gst.State.NULL)
    for whole, run in figures[warm_up:]:
        print(f"{whole / 1e3:.1f} {run / 1e3:.1f}")


main()
