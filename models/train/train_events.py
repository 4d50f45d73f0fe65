#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Trains two small models that answer the same question, one by eye and one by ear, and makes material for both.

    python models/train/train_events.py --train --out models
    python models/train/train_events.py --scene /tmp/scene --seconds 600 --seed 7 [--corrupt]

Events are drawn and synthesized here, so that the truth is known: bell, siren, rain, engine, bird and quiet.
`events-picture.onnx` sees a frame scaled to [1, 3, 64, 64], RGB in 0..1; `events-sound.onnx` hears half a second, [1, 8000]
at 16 kHz. Both answer with logits of the same classes. A scene is `frames.rgb` (96×64, 10 a second), `sound.wav` (16 kHz)
and `truth.csv` (start, end, class); `--corrupt` spoils the picture in even minutes and the sound in odd ones.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage, signal
from scipy.io import wavfile
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from onnx_graph import Graph

EVENTS = ["bell", "siren", "rain", "engine", "bird", "quiet"]
RATE, HEARD = 16000, 8000
WIDTH, HEIGHT, FPS, SIDE = 96, 64, 10, 64
WINDOW, STEP, MELS = 128, 128, 24
FILTERS = 24


# ---- what an event looks like ----------------------------------------------------------------------------------------

class Look:
    """How one event looks: fixed while it lasts, but for what moves."""

    def __init__(self, event, rng):
        self.event, self.rng = event, np.random.default_rng(rng.integers(1 << 31))
        self.back = ndimage.zoom(rng.random((3, 3, 4)), (1, HEIGHT / 3, WIDTH / 4), order=1)[:, :HEIGHT, :WIDTH] * 0.6 + 0.1
        self.place = rng.uniform([28, 22], [WIDTH - 28, HEIGHT - 22])
        self.size, self.turn = rng.uniform(12, 20), rng.uniform(0, 6.28)
        self.color = rng.uniform(-1, 1, 3)
        self.contrast, self.noise = rng.uniform(0.25, 0.8), rng.uniform(0.02, 0.12)
        # Things that are no event.
        self.clutter = [(rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(2, 9), rng.uniform(2, 9), rng.uniform(-0.3, 0.3, 3))
                        for _ in range(rng.integers(0, 4))]
        self.streaks = [(rng.uniform(-20, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(5, 12)) for _ in range(26)]

    def mask(self, t):
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        u, v = (x - self.place[0]) / self.size, (y - self.place[1]) / self.size
        if self.event == "bell":
            lean = 0.35 * np.sin(9 * t + self.turn)
            u = u - lean * v
            body = (np.abs(u) < 0.35 + 0.3 * (v + 1) ** 2 / 2) & (np.abs(v) < 0.8)
            return body | (u ** 2 + (v - 1.0) ** 2 < 0.05)
        if self.event == "siren":
            lit = int(4 * t + self.turn) % 2
            left, right = (np.abs(u + 0.7) < 0.5) & (np.abs(v) < 0.4), (np.abs(u - 0.7) < 0.5) & (np.abs(v) < 0.4)
            return left * (1.0 if lit else -0.6) + right * (-0.6 if lit else 1.0)
        if self.event == "rain":
            out = np.zeros((HEIGHT, WIDTH))
            for sx, sy, length in self.streaks:
                for step in np.arange(0, length, 0.7):
                    px, py = int(sx + 0.4 * step) % WIDTH, int(sy + 60 * t + step) % HEIGHT
                    out[py, px] = 1
            return out
        if self.event == "engine":
            r, angle = np.hypot(u, v), np.arctan2(v, u) + 7 * t + self.turn
            return ((r < 1) & (r > 0.8)) | ((r < 0.8) & (np.abs(np.sin(2 * angle)) < 0.25))
        if self.event == "bird":
            flap = 0.5 + 0.4 * np.sin(12 * t + self.turn)
            return (np.abs(v + flap * np.abs(u) - 0.2) < 0.14) & (np.abs(u) < 1.1)
        return np.zeros((HEIGHT, WIDTH))

    def frame(self, t):
        """RGB, [3, HEIGHT, WIDTH] in 0..1."""
        image = self.back.copy()
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        for cx, cy, w, h, color in self.clutter:
            image += ((np.abs(x - cx) < w) & (np.abs(y - cy) < h)) * color[:, None, None]
        mask = np.asarray(self.mask(t), float)
        color = self.color / np.abs(self.color).max() * self.contrast
        image += ndimage.gaussian_filter(mask, 0.5) * color[:, None, None]
        image += self.rng.normal(size=image.shape) * self.noise
        return np.clip(image, 0, 1)


# ---- what it sounds like ---------------------------------------------------------------------------------------------

def noise(rng, count, color=1.0):
    """Noise whose power falls with frequency to the power of `color`, of unit deviation."""
    spectrum = np.fft.rfft(rng.normal(size=count)) / np.maximum(np.arange(count // 2 + 1), 4) ** (color / 2)
    out = np.fft.irfft(spectrum, count)
    return out / out.std()


def sound(event, seconds, rng):
    count = int(seconds * RATE)
    t = np.arange(count) / RATE
    pitch = rng.uniform(0.8, 1.25)
    if event == "bell":
        out, every = np.zeros(count), rng.uniform(0.35, 0.8)
        for start in np.arange(rng.uniform(0, 0.3), seconds, every):
            s = np.maximum(t - start, 0)
            ring = sum(a * np.sin(6.283 * 620 * pitch * f * s) for f, a in [(1, 1), (2.76, 0.6), (5.4, 0.3)])
            out += (t >= start) * ring * np.exp(-s * rng.uniform(4, 9))
    elif event == "siren":
        sweep = 900 * pitch + 350 * np.sin(6.283 * rng.uniform(0.5, 3) * t)
        out = np.sin(6.283 * np.cumsum(sweep) / RATE)
    elif event == "rain":
        out = noise(rng, count, rng.uniform(-0.3, 0.5)) * (1 + 0.2 * noise(rng, count, 2))
    elif event == "engine":
        phase = np.cumsum(70 * pitch * (1 + 0.05 * np.sin(6.283 * 0.7 * t))) / RATE
        out = signal.sawtooth(6.283 * phase) * (1 + 0.4 * np.sin(6.283 * phase / 2)) + 0.3 * noise(rng, count, 1)
    elif event == "bird":
        out = np.zeros(count)
        for start in np.arange(rng.uniform(0, 0.2), seconds, rng.uniform(0.18, 0.4)):
            s = t - start
            on = (s >= 0) & (s < 0.12)
            out += on * np.sin(6.283 * (2600 * pitch * s + 5000 * s ** 2)) * np.sin(np.pi * np.clip(s / 0.12, 0, 1))
    else:
        out = 0 * t
    level = 10 ** (rng.uniform(-30, -12) / 20)
    out = out / max(out.std(), 0.3 if event == "quiet" else 1e-6) * level * (event != "quiet")
    # The room: pink noise and hum, louder than the event at times.
    room = noise(rng, count, rng.uniform(0.5, 1.8)) + rng.uniform(0, 0.8) * np.sin(6.283 * 50 * t)
    return np.clip(out + room * 10 ** (rng.uniform(-36, -13) / 20), -1, 1).astype(np.float32)


# ---- features, which are layers of the graphs -----------------------------------------------------------------------

def mel_filters():
    """Windowed cosines and sines, [128, 1, 128], and mel weights of their power, [24, 64]."""
    t, k = np.arange(WINDOW), np.arange(1, WINDOW // 2 + 1)[:, None]
    window = signal.get_window("hann", WINDOW) * 2 / WINDOW
    waves = np.concatenate([np.cos(2 * np.pi * k * t / WINDOW), np.sin(2 * np.pi * k * t / WINDOW)]) * window
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    points = 700 * (10 ** (np.linspace(mel(40), mel(8000), MELS + 2) / 2595) - 1)
    hertz = k[:, 0] * RATE / WINDOW
    rise = (hertz[None] - points[:-2, None]) / np.maximum(points[1:-1] - points[:-2], RATE / WINDOW)[:, None]
    fall = (points[2:, None] - hertz[None]) / np.maximum(points[2:] - points[1:-1], RATE / WINDOW)[:, None]
    return waves[:, None].astype(np.float32), np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32)


def sound_graph():
    """Loudness of 24 bands: mean and maximum over time, and how much it changes."""
    waves, mels = mel_filters()
    graph = Graph("events-sound")
    x = graph.op("Reshape", "waveform", np.array([1, 1, HEARD]))
    x = graph.op("Conv", x, waves, kernel_shape=[WINDOW], strides=[STEP])
    x = graph.op("Mul", x, x)
    power = graph.op("Add", graph.part(x, 0, WINDOW // 2), graph.part(x, WINDOW // 2, WINDOW))
    x = graph.op("Log", graph.op("Conv", power, mels[..., None], np.full(MELS, 1e-9, np.float32), kernel_shape=[1]))
    x = graph.op("Mul", graph.op("Add", x, np.float32(12)), np.float32(0.25))
    change = np.zeros((MELS, MELS, 2), np.float32)
    change[np.arange(MELS), np.arange(MELS)] = [-1, 1]
    steps = graph.op("Abs", graph.op("Conv", x, change, kernel_shape=[2]))
    parts = [graph.op("ReduceMean", x, axes=[2], keepdims=0), graph.op("ReduceMax", x, axes=[2], keepdims=0),
             graph.op("ReduceMean", steps, axes=[2], keepdims=0)]
    return graph, graph.op("Concat", *parts, axis=1), ("waveform", [1, HEARD])


def picture_graph():
    """Edges of 24 kinds at two scales, the strongest of each in each of 16 places and on the whole."""
    rng = np.random.default_rng(3)
    graph = Graph("events-picture")
    parts, x = [], "image"
    for _ in range(2):
        kernels = ndimage.gaussian_filter(rng.normal(size=(FILTERS, 3, 5, 5)), (0, 0, 0.7, 0.7))
        kernels -= kernels.mean((2, 3), keepdims=True)
        kernels *= 3 / np.sqrt((kernels ** 2).sum((1, 2, 3), keepdims=True))
        edges = graph.op("Relu", graph.op("Conv", x, kernels.astype(np.float32), kernel_shape=[5, 5], pads=[2] * 4, strides=[2, 2]))
        size = SIDE // (2 if x == "image" else 4)
        places = graph.op("MaxPool", edges, kernel_shape=[size // 4] * 2, strides=[size // 4] * 2)
        parts += [graph.op("Flatten", places, axis=1), graph.op("ReduceMean", edges, axes=[2, 3], keepdims=0),
                  graph.op("ReduceMax", edges, axes=[2, 3], keepdims=0)]
        x = graph.op("AveragePool", "image", kernel_shape=[2, 2], strides=[2, 2])
    return graph, graph.op("Concat", *parts, axis=1), ("image", [1, 3, SIDE, SIDE])


def features(make, examples, folder):
    """What the layers before the last ones give, by running them."""
    import onnxruntime
    graph, x, entry = make()
    graph.op("Identity", x, name="features")
    path = Path(folder) / "features.onnx"
    graph.save(path, [entry], [("features", [1, None])], {})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnxruntime.InferenceSession(str(path), options)
    out = np.concatenate([model.run(None, {entry[0]: it[None]})[0] for it in examples])
    path.unlink()
    return out


def finish(make, net, scaler, path, extra):
    """Two dense layers behind the features."""
    graph, x, entry = make()
    scale, shift = 1 / scaler.scale_, -scaler.mean_ / scaler.scale_
    first = (net.coefs_[0] * scale[:, None]).astype(np.float32)
    bias = (net.intercepts_[0] + shift @ net.coefs_[0]).astype(np.float32)
    x = graph.op("Relu", graph.op("Gemm", x, first, bias))
    graph.op("Gemm", x, net.coefs_[1].astype(np.float32), net.intercepts_[1].astype(np.float32), name="logits")
    labels = "{" + ", ".join(f"{n}: '{name}'" for n, name in enumerate(EVENTS)) + "}"
    graph.save(path, [entry], [("logits", [1, len(EVENTS)])], {
        "author": "avrec", "license": "CC0-1.0", "name": path.stem, "task": "classify", "names": labels, **extra})


def scaled(frame):
    """As avrec-infer scales a frame to the input, near enough."""
    return ndimage.zoom(frame, (1, SIDE / HEIGHT, SIDE / WIDTH), order=1).astype(np.float32)


def examples(count, seed, spoiled=0.0):
    """Pictures, sounds and their classes; that share of either is spoiled, each by its own fault and as much as may be."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(len(EVENTS), size=count)
    pictures, heard = [], []
    for kind in kinds:
        frame = Look(EVENTS[kind], rng).frame(rng.uniform(0, 9))
        if rng.random() < spoiled:
            frame = spoil_picture(frame, rng.integers(3), rng, rng.random())
        pictures.append(scaled(frame))
        samples = sound(EVENTS[kind], 1.0, rng)[4000:4000 + HEARD]
        if rng.random() < spoiled:
            samples = spoil_sound(samples, rng.integers(3), rng, rng.random())
        heard.append(samples.astype(np.float32))
    return np.stack(pictures), np.stack(heard), kinds


def train(out, count):
    pictures, heard, kinds = examples(count, 1, 0.5)
    unseen_pictures, unseen_heard, unseen_kinds = examples(1500, 2)
    for make, known, unseen, width, path, extra in [
            (picture_graph, pictures, unseen_pictures, 32, out / "events-picture.onnx", {"imgsz": f"[{SIDE}, {SIDE}]"}),
            (sound_graph, heard, unseen_heard, 32, out / "events-sound.onnx", {"sample_rate": str(RATE)})]:
        x, scaler = features(make, known, out), StandardScaler()
        net = MLPClassifier((width,), alpha=1e-3, early_stopping=True, max_iter=200, random_state=1)
        net.fit(scaler.fit_transform(x), kinds)
        right = (net.predict(scaler.transform(features(make, unseen, out))) == unseen_kinds).mean()
        finish(make, net, scaler, path, extra)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, right in {right:.3f} of {len(unseen_kinds)} unseen")


# ---- scenes ----------------------------------------------------------------------------------------------------------

def spoil_picture(frame, kind, rng, strength=1.0):
    """Noise, blur or darkness, from none to as much as 1."""
    if kind == 0:
        return np.clip(frame + rng.normal(size=frame.shape) * 0.45 * strength, 0, 1)
    if kind == 1:
        return ndimage.gaussian_filter(frame, (0, 4 * strength, 4 * strength))
    return frame * 0.08 ** strength


def spoil_sound(samples, kind, rng, strength=1.0):
    """Noise, loss of packets of 20 ms, or overdrive, from none to as much as 1."""
    if kind == 0:
        return np.clip(samples + noise(rng, len(samples), 0.3) * 0.3 * strength, -1, 1)
    if kind == 1:
        lost = rng.random(len(samples) // 320 + 1) < 0.7 * strength
        return samples * ~np.repeat(lost, 320)[:len(samples)]
    return np.clip(samples * 60 ** strength, -0.4, 0.4)


def scene(folder, seconds, seed, corrupt):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    samples, truth, at = [], [], 0.0
    with open(folder / "frames.rgb", "wb") as frames:
        while at < seconds:
            length = round(float(rng.uniform(2, 5)), 1)
            event = EVENTS[rng.integers(len(EVENTS))]
            truth.append((at, at + length, event))
            look = Look(event, rng)
            for n in range(round(length * FPS)):
                t = at + n / FPS
                frame = look.frame(t)
                if corrupt and int(t // 60) % 2 == 0:
                    frame = spoil_picture(frame, int(t // 120) % 3, rng)
                frames.write((frame.transpose(1, 2, 0) * 255).astype(np.uint8).tobytes())
            samples.append(sound(event, length, rng))
            at = round(at + length, 1)
    samples = np.concatenate(samples)
    for minute in range(1, int(at // 60) + 1, 2) if corrupt else []:
        part = slice(minute * 60 * RATE, (minute + 1) * 60 * RATE)
        samples[part] = spoil_sound(samples[part], minute // 2 % 3, rng)
    wavfile.write(folder / "sound.wav", RATE, (samples * 32767).astype(np.int16))
    rows = "".join(f"{start:.1f},{end:.1f},{event}\n" for start, end, event in truth)
    (folder / "truth.csv").write_text("start,end,class\n" + rows)
    print(f"{folder}: {at:.0f} s, {len(truth)} events")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--examples", type=int, default=9000)
    parser.add_argument("--scene", type=Path, help="folder to write a scene to")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--corrupt", action="store_true")
    args = parser.parse_args()
    if args.train:
        train(args.out, args.examples)
    if args.scene:
        scene(args.scene, args.seconds, args.seed, args.corrupt)


if __name__ == "__main__":
    main()
