#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Trains, exports and measures the three ×2 luma upscalers of `models/`.

    python models/train/train_upscalers.py --size all --minutes 15 --out models
    python models/train/train_upscalers.py --evaluate clip.mp4 --out models

One recipe, three depths. A network is a plain stack: a 5×5 convolution on the small picture, some 3×3 convolutions, a
convolution to four channels, and DepthToSpace, which interleaves those four into a picture twice as wide and high.
Besides Relu and a final Clip nothing else is in the exported graph, so every engine runs it fast.

The training photographs come inside Python packages (`requirements.txt`): nothing is downloaded by this script.
"""

import argparse
import hashlib
import importlib.util
import math
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from skimage.metrics import structural_similarity


class Shape(NamedTuple):
    width: int   # channels; 16 fill one SIMD register of AVX-512, so fewer would not run faster
    blocks: int  # 3×3 convolutions between the first layer and the last
    last: int    # side of the last kernel


# Chosen by latency: at 320×180 a block is about 2.3 ms on one thread. The sizes stand a factor of three to four apart,
# and the largest fits the 40 ms of a 25 fps stream, but no longer when the machine is slowed by two.
SHAPES = {"small": Shape(32, 0, 1), "medium": Shape(16, 2, 3), "large": Shape(16, 10, 3)}

# Hidden channels of a convolution during training; they are multiplied out before every use, so they cost no inference.
EXPANDED = 128

# Photographs, by package and path, without those that are drawings, microscopy or test patterns.
TRAINING_PHOTOS = {
    "skimage": ["brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg",
                "moon.png", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "rocket.jpg"],
    "sklearn": ["china.jpg", "flower.jpg"],
    "plenoptic": ["macaca_nigra_self-portrait.jpg"],
    "imgaug": ["quokka.jpg"],
    "matplotlib": ["grace_hopper.jpg"],
}
HELD_OUT_PHOTOS = {"skimage": ["astronaut.png", "chelsea.png", "coffee.png"]}
FOLDERS = {"skimage": "data", "sklearn": "datasets/images", "plenoptic": "data", "imgaug": "", "matplotlib":
           "mpl-data/sample_data"}

# Smaller copies of a photograph are sharper per pixel and show more of the world per crop, as video frames do. Half the
# size is made by averaging, which is what `videoscale` does to a 1280×720 source.
SCALES = {1.0: None, 0.8: Image.LANCZOS, 0.63: Image.LANCZOS, 0.5: Image.BOX}

# On one core many small steps get further than few large ones; averaging the weights takes their noise away.
BATCH, PATCH = 8, 80

# Live frames come from `videoscale`, whose default halves a picture by averaging 2×2 pixels; the rest keeps the
# networks from failing on pictures that were made small by better filters.
DEGRADATIONS = {"box": 0.8, "bicubic": 0.1, "bilinear": 0.1}

# Every n-th frame of a clip is scored: neighbours say nearly the same.
EVERY = 8


# ---- data ------------------------------------------------------------------------------------------------------------

def photos(catalogue):
    """Luma of the photographs whose packages are installed. The packages are located, not imported."""
    for package, names in catalogue.items():
        spec = importlib.util.find_spec(package)
        if spec is None:
            print(f"{package} is not installed: training without its photographs")
            continue
        folder = Path(spec.origin).parent / FOLDERS[package]
        for name in names:
            yield Image.open(folder / name).convert("L")


def pyramid():
    """All training photographs at all scales, as uint8 arrays large enough for a patch."""
    levels = []
    for photo in photos(TRAINING_PHOTOS):
        for scale, resample in SCALES.items():
            size = round(photo.width * scale), round(photo.height * scale)
            if min(size) >= PATCH + 8:
                levels.append(np.asarray(photo.resize(size, resample) if resample else photo))
    return levels


def crop(level, rng):
    y, x = rng.integers(level.shape[0] - PATCH + 1), rng.integers(level.shape[1] - PATCH + 1)
    return level[y:y + PATCH, x:x + PATCH].astype(np.float32)


def detail(patch):
    return np.abs(np.diff(patch)).mean()


def patches(levels, rng):
    """A batch of sharp patches, [BATCH, 1, PATCH, PATCH] in 0..255."""
    area = np.array([level.size for level in levels], float)
    batch = np.empty((BATCH, PATCH, PATCH), np.float32)
    for i, n in enumerate(rng.choice(len(levels), BATCH, p=area / area.sum())):
        level = levels[n]
        # Of two crops the one with more detail: flat ones teach little.
        patch = max(crop(level, rng), crop(level, rng), key=detail)
        patch = np.rot90(patch, rng.integers(4))
        patch = patch[:, ::-1] if rng.random() < 0.5 else patch
        # Half of the patches get the 16..235 range that most video has, all of them some exposure.
        low, gain = (16, 219 / 255) if rng.random() < 0.5 else (0, 1)
        batch[i] = low + gain * rng.uniform(0.7, 1) * patch
    return torch.from_numpy(batch[:, None]).round()


def degrade(sharp, rng):
    """The patches at half the size, rounded to 8 bits as a video frame is."""
    how = rng.choice(list(DEGRADATIONS), p=list(DEGRADATIONS.values()))
    if how == "box":
        # videoscale rounds halves up after each direction.
        rows = torch.floor(F.avg_pool2d(sharp, (2, 1)) + 0.5)
        return torch.floor(F.avg_pool2d(rows, (1, 2)) + 0.5)
    return F.interpolate(sharp, scale_factor=0.5, mode=how, antialias=True).round().clamp(0, 255)


# ---- network ---------------------------------------------------------------------------------------------------------

class Collapsible(torch.nn.Module):
    """A convolution that trains as two (k×k to many channels, then 1×1) around a shortcut, and runs as one.

    Over-parameterised linear layers find better minima than the single layer they equal (SESR, arXiv:2103.09404).
    The product is formed on the weights, not on the pictures, which makes it nearly free in training too.
    """

    def __init__(self, inputs, outputs, size, shortcut, noise):
        super().__init__()
        self.expand = torch.nn.Parameter(torch.randn(EXPANDED, inputs, size, size) / math.sqrt(inputs * size * size))
        self.reduce = torch.nn.Parameter(torch.randn(outputs, EXPANDED) * noise / math.sqrt(EXPANDED))
        self.bias = torch.nn.Parameter(torch.zeros(outputs))
        self.register_buffer("shortcut", shortcut)

    def weight(self):
        return torch.einsum("oe,eihw->oihw", self.reduce, self.expand) + self.shortcut

    def forward(self, x):
        # Channels last is a quarter faster to train on a CPU.
        weight = self.weight().contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, weight, self.bias, padding=self.shortcut.shape[-1] // 2)


def layers(shape):
    """The stack of one size.

    The shortcuts make it bilinear interpolation at first: the first layer computes the four output phases of each
    pixel, the others hand them on (luma is never negative, so Relu lets it pass). Training learns what is missing, as
    with a global residual, but without an addition at run time. The blocks must disturb it little: with a noise of 0.5
    instead of 0.15 the large network was 0.3 dB worse after 1.5 minutes.
    """
    near_far = torch.tensor([[0, 0.25, 0.75, 0, 0], [0, 0, 0.75, 0.25, 0]])
    entry = torch.zeros(shape.width, 1, 5, 5)
    for phase in range(4):
        entry[phase, 0] = torch.outer(near_far[phase // 2], near_far[phase % 2])
    return torch.nn.ModuleList(
        [Collapsible(1, shape.width, 5, entry, 1.0)]
        + [Collapsible(shape.width, shape.width, 3, hand_on(shape.width, shape.width, 3), 0.15)
           for _ in range(shape.blocks)]
        + [Collapsible(shape.width, 4, shape.last, hand_on(shape.width, 4, shape.last), 0.1)])


def hand_on(inputs, outputs, size):
    """The kernel that changes nothing."""
    kernel = torch.zeros(outputs, inputs, size, size)
    kernel[range(outputs), range(outputs), size // 2, size // 2] = 1
    return kernel


def run(stack, luma):
    for layer in stack[:-1]:
        luma = F.relu(layer(luma))
    return F.pixel_shuffle(stack[-1](luma), 2)


def export(stack, size, steps, path):
    """Writes the collapsed network as ONNX; atomically, because someone may be watching the file to reload it."""
    nodes, weights, last = [], [], "luma"
    for n, layer in enumerate(stack):
        weights += [numpy_helper.from_array(layer.weight().detach().numpy(), f"weight{n}"),
                    numpy_helper.from_array(layer.bias.detach().numpy(), f"bias{n}")]
        edge = layer.shortcut.shape[-1] // 2
        nodes.append(helper.make_node("Conv", [last, f"weight{n}", f"bias{n}"], [f"conv{n}"], pads=[edge] * 4,
                                      kernel_shape=[2 * edge + 1] * 2))
        last = f"conv{n}"
        if layer is not stack[-1]:
            nodes.append(helper.make_node("Relu", [last], [f"relu{n}"]))
            last = f"relu{n}"
    # torch counts the four phases as channels of one pixel, which is ONNX's CRD order; with one channel CRD is DCR.
    nodes.append(helper.make_node("DepthToSpace", [last], ["interleaved"], blocksize=2, mode="DCR"))
    nodes.append(helper.make_node("Clip", ["interleaved", "zero", "one"], ["upscaled"]))
    weights += [numpy_helper.from_array(np.float32(0), "zero"), numpy_helper.from_array(np.float32(1), "one")]
    picture = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, *shape])
    graph = helper.make_graph(nodes, f"upscale-{size}", [picture("luma", "height", "width")],
                              [picture("upscaled", "2*height", "2*width")], weights)
    # Opset 13 and IR 8 are what engines of 2021 already read; nothing here needs more.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="avrec", ir_version=8)
    helper.set_model_props(model, {
        "author": "avrec", "license": "CC0-1.0",
        "description": f"x2 luma upscaler, {size}: luma in 0..1 to luma in 0..1 at twice the width and height",
        "training_steps": str(steps)})
    onnx.checker.check_model(model, full_check=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString())
    os.replace(partial, path)


# ---- training --------------------------------------------------------------------------------------------------------

def ssim_loss(a, b):
    """1 - mean SSIM with the 11×11 Gaussian window that the evaluation uses, for pictures in 0..1."""
    taps = torch.exp(-torch.arange(-5.0, 6.0) ** 2 / (2 * 1.5 ** 2))
    taps = taps / taps.sum()
    blur = lambda x: F.conv2d(F.conv2d(x, taps.view(1, 1, 11, 1)), taps.view(1, 1, 1, 11))
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, cov = blur(a * a) - mean_a ** 2, blur(b * b) - mean_b ** 2, blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    score = (2 * mean_a * mean_b + c1) * (2 * cov + c2) / ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2))
    return 1 - score.mean()


def resume(stack, path):
    """Takes up an exported network: its weights become the shortcuts, around which the factors start anew at zero."""
    model = onnx.load(path)
    stored = {it.name: torch.from_numpy(numpy_helper.to_array(it).copy()) for it in model.graph.initializer}
    with torch.no_grad():
        for n, layer in enumerate(stack):
            layer.shortcut.copy_(stored[f"weight{n}"])
            layer.bias.copy_(stored[f"bias{n}"])
            layer.reduce.zero_()
    return int(next(it.value for it in model.metadata_props if it.key == "training_steps"))


def train(size, minutes, out, seed, again=False):
    """Trains one size; with `again`, fine-tunes the exported one.

    Minutes are of CPU time, so that a busy machine makes training longer and not worse. The weights are exported every
    two minutes and at the end.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    levels = pyramid()
    stack = layers(SHAPES[size])
    before = resume(stack, out / f"{size}.onnx") if again else 0
    average = layers(SHAPES[size])
    average.load_state_dict(stack.state_dict())
    optimizer = torch.optim.Adam(stack.parameters(), betas=(0.9, 0.99))
    # A network that is taken up again is near its goal: smaller steps, and from the start the loss that counts.
    peak, second_loss = (5e-4, 0) if again else (1.5e-3, 0.6)
    start = saved = time.process_time()
    step = 0
    while (progress := (time.process_time() - start) / (60 * minutes)) < 1:
        # A short warm-up, then half a cosine down to nearly nothing.
        rate = peak * min(1, step / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimizer.param_groups:
            group["lr"] = rate
        sharp = patches(levels, rng)
        result, truth = run(stack, degrade(sharp, rng) / 255), sharp / 255
        if progress < second_loss:
            loss = torch.sqrt((result - truth) ** 2 + 1e-6).mean()
        else:
            # What is reported in the end: squared error (PSNR) and structure (SSIM).
            loss = 20 * F.mse_loss(result, truth) + 0.05 * ssim_loss(result, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(stack.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(0.999, step / (step + 10))
            for mean, now in zip(average.parameters(), stack.parameters()):
                mean.lerp_(now, 1 - keep)
        if step % 500 == 0:
            print(f"{size}: {progress:4.0%} step {step} loss {loss.item():.5f}", flush=True)
        if time.process_time() - saved > 120:
            saved = time.process_time()
            export(average, size, before + step, out / f"{size}.onnx")
    export(average, size, before + step, out / f"{size}.onnx")
    print(f"{size}: {step} steps of {BATCH} patches in {minutes:g} minutes of CPU time")


# ---- evaluation ------------------------------------------------------------------------------------------------------

def videoscale(frames, height, width, method="bilinear"):
    """Scales uint8 luma frames with the very element that a live pipeline has."""
    count, old_height, old_width = frames.shape
    # `-q`, or gst-launch's own words would be among the pixels. Widths are multiples of 4, so rows have no padding.
    command = (f"gst-launch-1.0 -q fdsrc blocksize={old_height * old_width}"
               f" ! rawvideoparse format=gray8 width={old_width} height={old_height}"
               f" ! videoscale method={method} ! video/x-raw,width={width},height={height} ! fdsink")
    raw = subprocess.run(command.split(), input=frames.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(count, height, width)


def clip_frames(path):
    """Every n-th frame of a clip as luma; a clip wider than 640 is first brought to that width by `videoscale`."""
    def decode(tail):
        command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!", "videoconvert",
                   "!", "videoscale", "!", *tail.split(), "!", "fdsink"]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout

    # A PNG of the first frame tells the size without a further dependency.
    first = decode("videoconvert ! pngenc snapshot=true")
    width, height = int.from_bytes(first[16:20], "big"), int.from_bytes(first[20:24], "big")
    shrink = min(1, 640 / width)
    width, height = round(width * shrink / 8) * 8, round(height * shrink / 8) * 8
    raw = decode(f"video/x-raw,format=GRAY8,width={width},height={height}")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width)[::EVERY]


def evaluation_sets(clips):
    """Name, and list of stacks of sharp frames. None of them is trained on."""
    for clip in clips:
        yield Path(clip).stem, [clip_frames(clip)]
    held_out = [np.asarray(photo) for photo in photos(HELD_OUT_PHOTOS)]
    yield "photographs", [it[None, :it.shape[0] // 8 * 8, :it.shape[1] // 8 * 8] for it in held_out]


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def upscale(model, frames):
    answers = [model.run(None, {"luma": frame[None, None] / np.float32(255)})[0][0, 0] for frame in frames]
    return np.floor(np.stack(answers) * 255 + 0.5).astype(np.uint8)


def psnr(result, truth):
    return 10 * math.log10(255 ** 2 / np.mean((result.astype(float) - truth) ** 2))


def ssim(result, truth):
    """The original SSIM: 11×11 Gaussian window of sigma 1.5, population covariance. 0..255 here is range 1 there."""
    return structural_similarity(result, truth, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                 data_range=255)


def latency(model):
    """Median milliseconds of a 320×180 frame, after a warm-up.

    The model runs in this thread alone and waits for nothing, so its CPU time is its latency when no one else wants the
    core; unlike the wall clock it stays true on a busy machine.
    """
    frame = {"luma": np.random.default_rng(0).random((1, 1, 180, 320), np.float32)}
    times = []
    for _ in range(220):
        start = time.thread_time()
        model.run(None, frame)
        times.append(1000 * (time.thread_time() - start))
    return float(np.median(times[20:]))


def parameters(path):
    return sum(math.prod(it.dims) for it in onnx.load(path).graph.initializer if it.dims)


def evaluate(clips, out):
    """Prints the table of `models/README.md` and writes the catalogue beside the models."""
    models = {size: session(out / f"{size}.onnx") for size in SHAPES}
    sets = list(evaluation_sets(clips))
    rows = {name: [] for name in ["bilinear", "lanczos", *models]}
    for _, stacks in sets:
        scores = {name: [] for name in rows}
        for truth in stacks:
            _, height, width = truth.shape
            small = videoscale(truth, height // 2, width // 2)
            for name in rows:
                result = upscale(models[name], small) if name in models else videoscale(small, height, width, name)
                scores[name] += [(psnr(a, b), ssim(a, b)) for a, b in zip(result, truth)]
        for name in rows:
            rows[name].append(np.mean(scores[name], axis=0))

    titles = ["", "parameters", "file, kB", *(f"{name}, PSNR / SSIM" for name, _ in sets), "latency p50, ms"]
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for name, figures in rows.items():
        cells = [f"{decibels:.2f} / {similarity:.4f}" for decibels, similarity in figures]
        if name in models:
            path = out / f"{name}.onnx"
            cells = [f"{parameters(path)}", f"{path.stat().st_size / 1000:.1f}", *cells, f"{latency(models[name]):.1f}"]
        else:
            cells = ["", "", *cells, ""]
        print("| " + " | ".join([name, *cells]) + " |")
    print("frames: " + ", ".join(f"{name} {sum(map(len, stacks))}" for name, stacks in sets))

    # Every set counts the same, whatever its number of frames.
    quality = {name: np.mean([similarity for _, similarity in figures]) for name, figures in rows.items()}
    write_catalogue(quality, out)


def write_catalogue(quality, out):
    text = f"""task = "image"
reference = "large"
floor = "bilinear"

[[candidate]]
name = "bilinear"
element = "videoscale method=bilinear ! capsfilter caps=video/x-raw,width=640,height=360"
quality = {quality["bilinear"]:.3f}
"""
    for size in SHAPES:
        digest = hashlib.sha256((out / f"{size}.onnx").read_bytes()).hexdigest()
        text += f"""
[[candidate]]
name = "{size}"
model = "{size}.onnx"
quality = {quality[size]:.3f}
license = "CC0-1.0"
threads = 1
sha256 = "{digest}"
"""
    (out / "upscale.toml").write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=[*SHAPES, "all"], help="train this one, or all in turn")
    parser.add_argument("--minutes", type=float, default=15, help="CPU time to train each size")
    parser.add_argument("--resume", action="store_true", help="fine-tune the models in --out")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models and the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate", nargs="+", metavar="CLIP", help="score the models in --out on these clips")
    arguments = parser.parse_args()
    if not arguments.size and not arguments.evaluate:
        parser.error("nothing to do: give --size, --evaluate or both")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for size in SHAPES if arguments.size == "all" else filter(None, [arguments.size]):
        train(size, arguments.minutes, arguments.out, arguments.seed, arguments.resume)
    if arguments.evaluate:
        evaluate(arguments.evaluate, arguments.out)


if __name__ == "__main__":
    main()
