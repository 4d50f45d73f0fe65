#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Trains, exports and measures the two classifiers of `models/`: what one hears, and what is wrong with a picture.

    python models/train/train_classifiers.py --train sound picture --minutes 3 --out models
    python models/train/train_classifiers.py --evaluate --clip bigbuckbunny.mp4 --out models

`sound.onnx` hears one second, [1, 16000] at 16 kHz, and answers with logits of speech, music, noise and silence. Its
spectrogram is a convolution inside the graph. `picture.onnx` sees a whole frame scaled to [1, 3, 160, 160], RGB in
0..1, and answers with logits of clean, blurred, noisy, blocky and dark.
"""

import argparse
import io
import math
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from scipy import signal
from torch import nn

import scenes
import sounds
from material import HELD_OUT_PHOTOS, TRAINING_PHOTOS, photos
from onnx_graph import Graph, latency, parameters, session, table
from sounds import RATE

SOUNDS = ["speech", "music", "noise", "silence"]
PICTURES = ["clean", "blurred", "noisy", "blocky", "dark"]
HEARD, LOW_RATE = 16000, 16000
SIDE = 160

# The pieces of a game or package are of one author or style: none is in both lists.
TRAINING_MUSIC = [("usr/share/asterisk/moh", "*.g722"), ("usr/share/games/singularity/music", "*.ogg"),
                  ("usr/share/games/asc/music", "*.mp3")]
HELD_OUT_MUSIC = [("usr/share/planetblupi/music", "*.ogg"), ("usr/share/hyperrogue/music", "*.ogg")]


def write_layers(graph, layers, x, **extra):
    """A chain of convolutions with Relu between them, and after the last."""
    for layer in layers:
        weight = layer.weight.detach().numpy()
        x = graph.op("Conv", x, weight, layer.bias.detach().numpy(), kernel_shape=list(weight.shape[2:]),
                     strides=list(layer.stride), pads=list(layer.padding) * 2, **extra)
        x = graph.op("Relu", x)
    return x


def finish(graph, net, x, axes, path, entry, names, task, extra):
    """Mean and maximum over place or time, one dense layer, and the file."""
    pooled = graph.op("Concat", graph.op("ReduceMean", x, axes=axes, keepdims=0), graph.op("ReduceMax", x, axes=axes, keepdims=0),
                      axis=1)
    graph.op("Gemm", pooled, net.answer.weight.detach().numpy(), net.answer.bias.detach().numpy(), transB=1, name="logits")
    labels = "{" + ", ".join(f"{n}: '{name}'" for n, name in enumerate(names)) + "}"
    graph.save(path, [entry], [("logits", [1, len(names)])], {
        "author": "avrec", "license": "CC0-1.0", "name": path.stem, "task": task, "names": labels, **extra})


# ---- sound -----------------------------------------------------------------------------------------------------------

WINDOW, STEP, MELS = 256, 128, 32


def filters():
    """Windowed cosines and sines of bins 1 to 128, [256, 1, 256], and mel weights of their power, [32, 128]."""
    t, k = np.arange(WINDOW), np.arange(1, WINDOW // 2 + 1)[:, None]
    window = signal.get_window("hann", WINDOW) * 2 / WINDOW
    waves = np.concatenate([np.cos(2 * np.pi * k * t / WINDOW), np.sin(2 * np.pi * k * t / WINDOW)]) * window
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    points = 700 * (10 ** (np.linspace(mel(40), mel(8000), MELS + 2) / 2595) - 1)
    hertz = k[:, 0] * LOW_RATE / WINDOW
    rise = (hertz[None] - points[:-2, None]) / np.maximum(points[1:-1] - points[:-2], 62.5)[:, None]
    fall = (points[2:, None] - hertz[None]) / np.maximum(points[2:] - points[1:-1], 62.5)[:, None]
    return waves[:, None].astype(np.float32), np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        waves, mels = filters()
        self.register_buffer("waves", torch.from_numpy(waves))
        self.register_buffer("mels", torch.from_numpy(mels))
        self.layers = nn.ModuleList([nn.Conv1d(MELS, 32, 5, 2, 2), nn.Conv1d(32, 48, 5, 2, 2), nn.Conv1d(48, 48, 5, 2, 2)])
        self.answer = nn.Linear(96, len(SOUNDS))

    def features(self, samples):
        waves = F.conv1d(samples[:, None], self.waves, stride=STEP) ** 2
        power = waves[:, :WINDOW // 2] + waves[:, WINDOW // 2:]
        return (torch.log(self.mels @ power + 1e-9) + 12) / 4

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.answer(torch.cat([x.mean(2), x.amax(2)], 1))


def export_sound(net, path):
    graph = Graph("sound")
    waves, mels = filters()
    x = graph.op("Reshape", "waveform", np.array([1, 1, HEARD]))
    x = graph.op("Conv", x, waves, kernel_shape=[WINDOW], strides=[STEP])
    x = graph.op("Mul", x, x)
    power = graph.op("Add", graph.part(x, 0, WINDOW // 2), graph.part(x, WINDOW // 2, WINDOW))
    # A convolution, because rten 0.27 fails on a product of matrices to which a single number is added.
    x = graph.op("Log", graph.op("Conv", power, mels[..., None], np.full(MELS, 1e-9), kernel_shape=[1]))
    x = graph.op("Mul", graph.op("Add", x, np.float32(12)), np.float32(0.25))
    x = write_layers(graph, net.layers, x)
    finish(graph, net, x, [2], path, ("waveform", [1, HEARD]), SOUNDS, "classify", {"sample_rate": str(LOW_RATE)})


def music(places, root, seconds=150, most=16):
    """At most so many pieces of each place, from a quarter of their length on, at 16 kHz."""
    for place in places:
        paths = [it for it in sounds.files(root, place)][:most]
        if not paths:
            print(f"no music in {place[0]}: going on without")
        for path in paths:
            try:
                piece = sounds.decode_g722([path]) if path.suffix == ".g722" else sounds.decode(path)
            except Exception as error:  # Some builds of libsndfile read no MP3.
                print(f"{path.name}: {error}")
                continue
            piece = piece[len(piece) // 4:][:seconds * RATE]
            yield signal.resample_poly(piece, 1, 3).astype(np.float32)


def low(samples):
    return signal.resample_poly(samples.astype(np.float32) / (32767 if samples.dtype == np.int16 else 1), 1, 3).astype(np.float32)


def hearing(catalogue, places, root, seed, halves):
    """Recordings of speech, music and noise at 16 kHz, by class."""
    voices = [it for _, it in sounds.voices(catalogue, root, most=100)]
    pool = sounds.noise_pool(seed, [], sounds.recorded(root)[halves::2], seconds=6, draws=8)
    return [[low(it) for it in voices], list(music(places, root)), [low(it) for takes in pool.values() for it in takes]]


def second(material, kind, rng):
    """One second of a class at a random loudness; speech and music may have a little noise behind them."""
    out = np.zeros(HEARD, np.float32)
    pick = lambda group: group[rng.integers(len(group))]

    def piece(samples):
        # A pause is no example of what is said around it.
        for _ in range(20):
            start = rng.integers(max(1, len(samples) - HEARD))
            part = samples[start:start + HEARD]
            if len(part) == HEARD and (part.reshape(8, -1).std(1) > 0.15 * samples.std()).mean() > 0.6:
                break
        part = np.pad(part, (0, HEARD - len(part)))
        return part / max(part.std(), 1e-5)

    if kind < 3:
        out = piece(pick(material[kind]))
        if kind < 2 and rng.random() < 0.4:
            out = out + piece(pick(material[2])) * 10 ** (-rng.uniform(10, 30) / 20)
        out = out / out.std() * 10 ** (rng.uniform(-40, -14) / 20)
    elif rng.random() < 0.7:
        # An open but idle channel: hardly any noise.
        out = piece(pick(material[2])) * 10 ** (rng.uniform(-95, -62) / 20)
    return np.clip(out, -1, 1).astype(np.float32)


def sound_set(material, count, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(4, count, p=[0.3, 0.3, 0.28, 0.12])
    return np.stack([second(material, int(kind), rng) for kind in kinds]), kinds


# ---- pictures --------------------------------------------------------------------------------------------------------

class Viewer(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [(3, 12), (12, 20), (20, 32), (32, 48)]
        self.layers = nn.ModuleList([nn.Conv2d(a, b, 5, 2, 2) if a == 3 else nn.Conv2d(a, b, 3, 2, 1) for a, b in widths])
        self.answer = nn.Linear(96, len(PICTURES))

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.answer(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))


def export_picture(net, path):
    graph = Graph("picture")
    x = write_layers(graph, net.layers, "image")
    finish(graph, net, x, [2, 3], path, ("image", [1, 3, SIDE, SIDE]), PICTURES, "classify", {"imgsz": f"[{SIDE}, {SIDE}]"})


def spoiled(image, kind, rng):
    """A frame with one fault, strong enough to be seen when the frame is shown at 160 pixels."""
    wide = image.width / SIDE
    if kind == 1:
        return image.filter(ImageFilter.GaussianBlur(wide * rng.uniform(1.2, 4)))
    if kind == 2:
        # Grain of one or two pixels of the shown picture: finer grain averages away when the frame is scaled.
        grain = rng.normal(size=(max(8, round(image.height / wide)), SIDE, 3)).astype(np.float32)
        grain = grain if rng.random() < 0.5 else grain.mean(2, keepdims=True).repeat(3, 2) * 1.7
        grain = np.stack([np.asarray(Image.fromarray(grain[..., n]).resize(image.size, Image.NEAREST)) for n in range(3)], -1)
        return Image.fromarray(np.clip(np.asarray(image, np.float32) + rng.uniform(14, 50) * grain, 0, 255).astype(np.uint8))
    if kind == 3:
        # A starved codec: blocks of eight pixels of a smaller picture.
        shrunk = image.resize((round(image.width / wide * rng.uniform(0.9, 1.8)), round(image.height / wide * rng.uniform(0.9, 1.8))))
        packed = io.BytesIO()
        shrunk.save(packed, "jpeg", quality=int(rng.integers(2, 9)))
        return Image.open(packed).convert("RGB").resize(image.size, Image.BILINEAR)
    if kind == 4:
        return Image.fromarray((np.asarray(image, np.float32) * rng.uniform(0.04, 0.22)).astype(np.uint8))
    return image


def picture_set(frames, count, seed):
    """Whole frames with a fault or none, [count, SIDE, SIDE, 3] uint8. Frames that are dark or soft by themselves are not
    called clean: brightness and detail decide which frames are used."""
    rng = np.random.default_rng(seed)
    images, kinds = np.empty((count, SIDE, SIDE, 3), np.uint8), rng.integers(len(PICTURES), size=count)
    for n in range(count):
        while True:
            pixels = scenes.background(rng, frames, 480, 270)
            small = pixels[::3, ::3].mean(2)
            if pixels.mean() > 0.2 and np.abs(np.diff(small)).mean() > 0.02:
                break
        pixels = np.clip(pixels * rng.uniform(0.85, 1.2), 0, 1)
        frame = spoiled(Image.fromarray((pixels * 255).astype(np.uint8)), int(kinds[n]), rng)
        images[n] = np.asarray(frame.resize((SIDE, SIDE), Image.BILINEAR))
    return images, kinds


# ---- training and evaluation -----------------------------------------------------------------------------------------

def fit(net, draw, minutes, title):
    """Cross-entropy on what `draw(n)` returns, for so many minutes of CPU time."""
    optimizer = torch.optim.Adam(net.parameters())
    start, step, shown = time.process_time(), 0, 0.0
    while (progress := (time.process_time() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        x, kinds = draw()
        loss = F.cross_entropy(net(x), kinds, label_smoothing=0.02)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        shown += loss.item() / 100
        if step % 100 == 0:
            print(f"{title}: {progress:4.0%} step {step} loss {shown:.3f}", flush=True)
            shown = 0.0


def train_sound(out, minutes, root):
    rng = np.random.default_rng(1)
    heard, kinds = sound_set(hearing(sounds.TRAINING_VOICES, TRAINING_MUSIC, root, 11, 0), 6000, 1)
    net = Listener()
    with torch.no_grad():
        features = torch.cat([net.features(torch.from_numpy(part)) for part in np.split(heard, 60)])
    kinds = torch.from_numpy(kinds)

    def draw():
        pick = torch.from_numpy(rng.choice(len(features), 64))
        # Loudness and color vary, as they do between microphones.
        tilt = torch.from_numpy(rng.normal(size=(64, 2)).astype(np.float32)) * torch.tensor([0.1, 0.3])
        slope = tilt[:, :1] + tilt[:, 1:] * torch.linspace(-1, 1, MELS)
        quiet = (kinds[pick] == 3).float()[:, None]
        return features[pick] + (slope * (1 - quiet))[..., None], kinds[pick]

    fit(net, draw, minutes, "sound")
    export_sound(net, out / "sound.onnx")


def train_picture(out, minutes, root):
    rng = np.random.default_rng(1)
    images, kinds = picture_set(list(photos(TRAINING_PHOTOS, root)), 5000, 1)
    kinds = torch.from_numpy(kinds)
    net = Viewer().to(memory_format=torch.channels_last)

    def draw():
        pick = rng.choice(len(images), 24)
        x = torch.from_numpy(images[pick][:, :, ::rng.choice([-1, 1])].copy()).permute(0, 3, 1, 2).float() / 255
        return x, kinds[torch.from_numpy(pick)]

    fit(net, draw, minutes, "picture")
    export_picture(net, out / "picture.onnx")


def frames_of(clip):
    """Every sixth frame of a clip, 640×360."""
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!", "decodebin", "!", "videoconvert", "!", "videoscale",
               "!", "video/x-raw,format=RGB,width=640,height=360", "!", "fdsink"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [Image.fromarray(it) for it in np.frombuffer(raw, np.uint8).reshape(-1, 360, 640, 3)[::6]]


def confusion(model, examples, kinds, names):
    """Accuracy, and a line for each class: how often it was called what."""
    entry = model.get_inputs()[0].name
    counts = np.zeros((len(names), len(names)), int)
    for x, kind in zip(examples, kinds):
        counts[kind, int(model.run(None, {entry: x[None]})[0].argmax())] += 1
    table(["", *(f"called {it}" for it in names)], [[name, *row] for name, row in zip(names, counts)])
    return counts.trace() / counts.sum()


def evaluate(out, root, clip):
    rows = []
    heard, kinds = sound_set(hearing(sounds.HELD_OUT_VOICES, HELD_OUT_MUSIC, root, 12, 1), 800, 2)
    model = session(out / "sound.onnx")
    right = confusion(model, heard, kinds, SOUNDS)
    rows.append(["sound", "1×16000, 16 kHz", len(kinds), f"{right:.3f}"])
    frames = list(photos(HELD_OUT_PHOTOS, root)) + (frames_of(clip) if clip else [])
    images, kinds = picture_set(frames, 800, 2)
    right = confusion(session(out / "picture.onnx"), images.transpose(0, 3, 1, 2).astype(np.float32) / 255, kinds, PICTURES)
    rows.append(["picture", f"3×{SIDE}×{SIDE}", len(kinds), f"{right:.3f}"])
    for row in rows:
        path = out / f"{row[0]}.onnx"
        row[1:1] = [parameters(path), f"{path.stat().st_size / 1000:.0f}"]
        row.insert(4, f"{latency(session(path)):.2f}")
    table(["", "numbers", "file, kB", "input", "latency p50, ms", "examples", "accuracy"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", nargs="+", choices=["sound", "picture"], default=[])
    parser.add_argument("--minutes", type=float, default=3, help="CPU time to train each")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--root", default="/", help="where the Debian packages are unpacked")
    parser.add_argument("--evaluate", action="store_true", help="score the models in --out")
    parser.add_argument("--clip", help="a clip whose frames are among the held-out pictures")
    arguments = parser.parse_args()
    if not arguments.train and not arguments.evaluate:
        parser.error("nothing to do: give --train, --evaluate or both")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    for what in arguments.train:
        {"sound": train_sound, "picture": train_picture}[what](arguments.out, arguments.minutes, arguments.root)
    if arguments.evaluate:
        evaluate(arguments.out, arguments.root, arguments.clip)


if __name__ == "__main__":
    main()
