#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Trains, exports and measures the three object detectors of `models/`.

    python models/train/train_detectors.py --size all --minutes 20 --out models
    python models/train/train_detectors.py --evaluate --out models

They find balls, cones, signs, cups, arrows and boxes that `scenes.py` draws into photographs. One recipe, three sizes of
picture and network: a plain convolutional trunk, a top-down path (arXiv:1612.03144), one head for all levels without
anchors, and the assignment of TOOD (arXiv:2108.07755). Input and output are laid out as Ultralytics writes YOLOv8:
`images` [1, 3, S, S] RGB in 0..1 letterboxed on gray 114, `output0` [1, 4 + classes, anchors] with cx, cy, w, h in
pixels of the input and probabilities.
"""

import argparse
import csv
import math
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

import scenes
from material import HELD_OUT_PHOTOS, TRAINING_PHOTOS, photos
from onnx_graph import Graph, digest, latency, parameters, session, table

CLASSES = len(scenes.CLASSES)


class Shape(NamedTuple):
    side: int      # of the square input, pixels
    crop: int      # of the square that is learned from at a time: a network without dense layers may learn on parts
    widths: tuple  # channels at strides 2, 4, 8, …; the head sees those from 8 on
    head: int      # channels of the head
    turns: int     # 3×3 convolutions in the head


# The sizes stand a factor of three apart in time. The largest stays below 1.5 MB.
SHAPES = {"small": Shape(160, 160, (12, 20, 32, 48), 32, 1), "medium": Shape(224, 224, (16, 28, 44, 64), 40, 1),
          "large": Shape(320, 224, (16, 32, 48, 80, 96), 48, 2)}

SIDE = 320      # of the rendered scenes; smaller inputs are made from them
SCENES = 4000
SPRITES = 3000
MOST = 16       # objects in a scene
BATCH = 8
GRAY = 114 / 255
THRESHOLD = 0.25  # above which Ultralytics, and so everyone, takes an answer for a detection
# Of a million anchors few hold an object, so the head starts by saying no.
PRIOR = math.log(0.01)


# ---- network ---------------------------------------------------------------------------------------------------------

class Block(nn.Module):
    """Convolution, normalization and, mostly, Relu. The normalization is multiplied into the weights for export."""

    def __init__(self, inputs, outputs, size=3, stride=1, active=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.03)
        self.active = active

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu(x) if self.active else x

    def write(self, graph, x):
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        weight = (self.conv.weight * scale[:, None, None, None]).detach().numpy()
        bias = (self.norm.bias - self.norm.running_mean * scale).detach().numpy()
        edge, stride = self.conv.padding[0], self.conv.stride[0]
        x = graph.op("Conv", x, weight, bias, kernel_shape=list(weight.shape[2:]), pads=[edge] * 4, strides=[stride] * 2)
        return graph.op("Relu", x) if self.active else x


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.ModuleList([Block(width, width // 2), Block(width // 2, width, active=False)])

    def forward(self, x):
        return F.relu(x + self.inner[1](self.inner[0](x)))

    def write(self, graph, x):
        return graph.op("Relu", graph.op("Add", x, self.inner[1].write(graph, self.inner[0].write(graph, x))))


class Detector(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        steps = list(zip((3,) + shape.widths, shape.widths))
        self.stem = nn.ModuleList([Block(a, b, stride=2) for a, b in steps[:2]])
        self.stages = nn.ModuleList([nn.ModuleList([Block(a, b, stride=2), Residual(b)]) for a, b in steps[2:]])
        self.lateral = nn.ModuleList([Block(b, shape.head, 1, active=False) for _, b in steps[2:]])
        self.head = nn.ModuleList([Block(shape.head, shape.head) for _ in range(shape.turns)])
        self.answer = nn.Conv2d(shape.head, 4 + CLASSES, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        with torch.no_grad():
            self.answer.bias.copy_(torch.tensor([0.7] * 4 + [PRIOR] * CLASSES))
        self.strides = [8 << n for n in range(len(self.stages))]

    def points(self, side):
        """Where the anchors lie in a square of this size, [anchors, 3]: x, y, stride."""
        points = []
        for stride in self.strides:
            y, x = torch.meshgrid(*[torch.arange(side // stride)] * 2, indexing="ij")
            points.append(torch.stack([(x + 0.5) * stride, (y + 0.5) * stride, torch.full(x.shape, stride)], -1).view(-1, 3))
        return torch.cat(points)

    def forward(self, x):
        """Boxes [batch, anchors, 4] as left, top, right, bottom in pixels, and class logits [batch, anchors, classes]."""
        points = self.points(x.shape[-1])
        for layer in self.stem:
            x = layer(x)
        levels = []
        for down, residual in self.stages:
            x = residual(down(x))
            levels.append(x)
        above, answers = None, []
        for lateral, level in reversed(list(zip(self.lateral, levels))):
            here = lateral(level)
            above = F.relu(here if above is None else here + F.interpolate(above, scale_factor=2))
            x = above
            for layer in self.head:
                x = layer(x)
            answers.insert(0, self.answer(x).flatten(2))
        raw = torch.cat(answers, 2).transpose(1, 2)
        # Distances to the four sides, in strides.
        reach = torch.exp(raw[..., :4].clamp(max=4)) * points[:, 2:]
        x, y = points[:, 0], points[:, 1]
        boxes = torch.stack([x - reach[..., 0], y - reach[..., 1], x + reach[..., 2], y + reach[..., 3]], -1)
        return boxes, raw[..., 4:]


def export(net, size, seen, path):
    """Writes the network with its decoding as ONNX."""
    net.eval()
    shape, graph = net.shape, Graph(f"detect-{size}")
    x = "images"
    for layer in net.stem:
        x = layer.write(graph, x)
    levels = []
    for down, residual in net.stages:
        x = residual.write(graph, down.write(graph, x))
        levels.append(x)
    above, answers = None, []
    for lateral, level in reversed(list(zip(net.lateral, levels))):
        here = lateral.write(graph, level)
        if above is not None:
            twice = graph.op("Resize", above, None, np.array([1, 1, 2, 2], np.float32), mode="nearest",
                             coordinate_transformation_mode="asymmetric", nearest_mode="floor")
            here = graph.op("Add", here, twice)
        x = above = graph.op("Relu", here)
        for layer in net.head:
            x = layer.write(graph, x)
        x = graph.op("Conv", x, net.answer.weight.detach().numpy(), net.answer.bias.detach().numpy(), kernel_shape=[1, 1])
        answers.insert(0, graph.op("Reshape", x, np.array([1, 4 + CLASSES, -1])))
    raw = graph.op("Concat", *answers, axis=2)
    x, y, stride = net.points(shape.side).T.numpy()
    reach = graph.op("Exp", graph.op("Min", graph.part(raw, 0, 4), np.float32(4)))
    reach = graph.op("Mul", reach, stride[None, None])
    near, far = graph.part(reach, 0, 2), graph.part(reach, 2, 4)
    middle = graph.op("Add", graph.op("Mul", graph.op("Sub", far, near), np.float32(0.5)), np.stack([x, y])[None])
    extent = graph.op("Add", far, near)
    chance = graph.op("Sigmoid", graph.part(raw, 4, 4 + CLASSES))
    graph.op("Concat", middle, extent, chance, name="output0", axis=1)
    names = "{" + ", ".join(f"{n}: '{name}'" for n, name in enumerate(scenes.CLASSES)) + "}"
    graph.save(path, [("images", [1, 3, shape.side, shape.side])], [("output0", [1, 4 + CLASSES, len(x)])], {
        "author": "avrec", "license": "CC0-1.0", "name": f"detect-{size}", "task": "detect", "batch": "1",
        "description": "detector of objects that are drawn into photographs", "stride": str(net.strides[-1]),
        "imgsz": f"[{shape.side}, {shape.side}]", "names": names, "training_pictures": str(seen)})


# ---- data ------------------------------------------------------------------------------------------------------------

def render(catalogue, root, count, sprites, seed, tries):
    """Scenes of up to `tries` objects as uint8 [count, SIDE, SIDE, 3], and their boxes as float32 [count, MOST, 5]: class
    (-1: none) and four sides. Those to learn from are crowded, because background teaches little."""
    rng = np.random.default_rng(seed)
    pictures = list(photos(catalogue, root))
    kinds = rng.choice(CLASSES + 1, sprites, p=[0.76 / CLASSES] * CLASSES + [0.24])
    drawn = [scenes.sprite(rng, int(kind) if kind < CLASSES else -1, pictures) for kind in kinds]
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    boxes = np.full((count, MOST, 5), -1, np.float32)
    for n in range(count):
        images[n], found = scenes.scene(rng, drawn, pictures, SIDE, tries=tries)
        for m, box in enumerate(found):
            boxes[n, m] = box
    return images, boxes


def cached(name, cache, *arguments):
    """Rendering takes minutes, and all three sizes learn from the same scenes."""
    images, boxes = cache / f"{name}-images.npy", cache / f"{name}-boxes.npy"
    if not boxes.exists():
        cache.mkdir(parents=True, exist_ok=True)
        for path, array in zip((images, boxes), render(*arguments)):
            np.save(path, array)
    return np.load(images, mmap_mode="r"), np.load(boxes)


def resized(name, cache, side):
    """The rendered scenes at the size of an input, uint8 [count, 3, side, side]."""
    path = cache / f"{name}-{side}.npy"
    if not path.exists():
        images = np.load(cache / f"{name}-images.npy", mmap_mode="r")
        out = np.empty((len(images), 3, side, side), np.uint8)
        for n in range(0, len(images), 50):
            x = torch.from_numpy(images[n:n + 50].copy()).permute(0, 3, 1, 2).float()
            out[n:n + 50] = F.interpolate(x, (side, side), mode="bilinear", antialias=True).round().byte().numpy()
        np.save(path, out)
    return np.load(path, mmap_mode="r")


def batch(images, boxes, crop, rng):
    """Random windows of scenes, zoomed, mirrored and tinted; what lies outside of a scene is letterbox gray."""
    side = images.shape[-1]
    pick = rng.choice(len(images), BATCH)
    x = torch.from_numpy(np.stack([images[n] for n in pick])).float() / 255 - GRAY
    column = lambda values: torch.from_numpy(values.astype(np.float32))
    zoom = column(np.exp(rng.uniform(math.log(0.75), math.log(1.4), BATCH)))
    # Half the window's extent in the scene's coordinates, which go from -1 to 1; it may reach outside a little.
    half = crop / side / zoom
    shift = column(rng.uniform(-1, 1, (BATCH, 2))) * ((1 - half).abs() + 0.1)[:, None]
    flip = column(np.where(rng.random(BATCH) < 0.5, -1, 1))
    grid = torch.zeros(BATCH, 2, 3)
    grid[:, 0, 0], grid[:, 1, 1], grid[:, :, 2] = flip * half, half, shift
    x = F.grid_sample(x, F.affine_grid(grid, (BATCH, 3, crop, crop), align_corners=False), align_corners=False)
    tint = column(rng.uniform(0.6, 1.3, (BATCH, 1, 1, 1)) * rng.uniform(0.9, 1.1, (BATCH, 3, 1, 1)))
    x = ((x + GRAY) * tint).clamp(0, 1)
    truth = torch.from_numpy(boxes[pick])
    sides = truth[..., 1:] / SIDE * 2 - 1
    sides = (sides - shift.repeat(1, 2)[:, None]) / half[:, None, None]
    across = sides[..., [0, 2]] * flip[:, None, None]
    sides = torch.stack([across.amin(-1), sides[..., 1], across.amax(-1), sides[..., 3]], -1)
    cut = sides.clamp(-1, 1)
    area = lambda it: (it[..., 2] - it[..., 0]) * (it[..., 3] - it[..., 1])
    gone = area(cut) < 0.5 * area(sides)
    kind = torch.where(gone, torch.tensor(-1.0), truth[..., 0])
    return x, kind, (cut + 1) / 2 * crop


# ---- training --------------------------------------------------------------------------------------------------------

def overlap(a, b, generalized=False):
    """IoU of boxes, or GIoU (arXiv:1902.09630)."""
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    both = size[..., 0] * size[..., 1]
    area = lambda it: (it[..., 2] - it[..., 0]).clamp(min=0) * (it[..., 3] - it[..., 1]).clamp(min=0)
    union = area(a) + area(b) - both + 1e-6
    if not generalized:
        return both / union
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = hull[..., 0] * hull[..., 1] + 1e-6
    return both / union - (hull - union) / hull


@torch.no_grad()
def assign(boxes, logits, points, kind, truth, best=8):
    """Which anchor answers for which object, and how sure it should be: [batch, anchors, classes], and the boxes.

    Task alignment: the anchors in an object whose class and box already agree with it best, in the measure s·u^5.
    """
    there = kind >= 0
    fits = overlap(boxes[:, None], truth[:, :, None])                       # [batch, objects, anchors]
    says = logits.sigmoid().gather(2, kind.clamp(min=0).long()[:, None].expand(-1, boxes.shape[1], -1)).transpose(1, 2)
    # A small object may hold no anchor's center, so it is taken as large as one and a half strides.
    middle = (truth[..., :2] + truth[..., 2:]) / 2
    half = ((truth[..., 2:] - truth[..., :2]) / 2)[:, :, None].clamp(min=0)
    half = torch.maximum(half, 0.75 * points[:, 2:][None, None] * (points[:, 2:] <= 8))
    inside = ((points[:, :2] - middle[:, :, None]).abs() < half).all(-1) & there[..., None]
    score = (says.sqrt() * fits ** 5 + 1e-9) * inside
    chosen = torch.zeros_like(score).scatter_(2, score.topk(best, 2).indices, 1) * inside
    # An anchor answers for one object only.
    owner = (fits + chosen).mul(chosen).argmax(1)
    chosen = chosen * F.one_hot(owner, truth.shape[1]).transpose(1, 2)
    score = score * chosen
    sure = score / score.amax(2, keepdim=True).clamp(min=1e-9) * (fits * chosen).amax(2, keepdim=True)
    mine = chosen.sum(1) > 0
    sure = sure.gather(1, owner[:, None])[:, 0] * mine
    kinds = kind.clamp(min=0).long().gather(1, owner)
    return F.one_hot(kinds, CLASSES) * sure[..., None], truth.gather(1, owner[..., None].expand(-1, -1, 4)), mine


def loss_of(net, x, kind, truth):
    boxes, logits = net(x)
    target, goal, mine = assign(boxes, logits, net.points(x.shape[-1]), kind, truth)
    total = target.sum().clamp(min=1)
    chance = logits.sigmoid()
    # Quality focal loss (arXiv:2006.04388): background that is known as such counts little. Anchors that answer for an
    # object count in full, because what is confused here is one class with another.
    doubt = torch.where(mine[..., None], 1.0, (target - chance).abs().detach() ** 1.5)
    said = (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * doubt).sum() / total
    weight = target.sum(-1)[mine]
    placed = ((1 - overlap(boxes[mine], goal[mine], generalized=True)) * weight).sum() / total
    return said + 2 * placed


@torch.no_grad()
def resume(net, path, x):
    """Takes up an exported network. Its normalizations are in its weights; they are set anew from a batch, so that
    they change nothing at first."""
    model = onnx.load(path)
    stored = {it.name: torch.from_numpy(numpy_helper.to_array(it).copy()) for it in model.graph.initializer}
    # The head's layers stand in the graph once for each level.
    convolutions = [[stored[name] for name in node.input[1:]] for node in model.graph.node if node.op_type == "Conv"]
    blocks = [*net.stem]
    for down, residual in net.stages:
        blocks += [down, *residual.inner]
    for lateral in reversed(net.lateral):
        blocks += [lateral, *net.head, net.answer]
    for block, (weight, bias) in zip(blocks, convolutions, strict=True):
        if block is net.answer:
            block.weight.copy_(weight)
            block.bias.copy_(bias)
        else:
            block.conv.weight.copy_(weight)
            block.norm.bias.copy_(bias)

    def calibrate(norm, inputs):
        mean, spread = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
        if not hasattr(norm, "shift"):
            norm.shift = norm.bias.clone()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(spread)
        norm.weight.copy_((spread + norm.eps).sqrt())
        norm.bias.copy_(norm.shift + mean)

    hooks = [it.register_forward_pre_hook(calibrate) for it in net.modules() if isinstance(it, nn.BatchNorm2d)]
    net.eval()(x)
    for hook in hooks:
        hook.remove()
    return int(next(it.value for it in model.metadata_props if it.key == "training_pictures"))


def train(size, minutes, out, seed, root, cache, again=False):
    """Trains one size for so many minutes of CPU time; with `again`, goes on with the exported one. Writes it every two
    minutes and at the end."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    _, boxes = cached("train", cache, TRAINING_PHOTOS, root, SCENES, SPRITES, 1, MOST)
    images = resized("train", cache, SHAPES[size].side)
    net = Detector(SHAPES[size])
    path = out / f"detect-{size}.onnx"
    before = resume(net, path, batch(images, boxes, SHAPES[size].crop, rng)[0]) if again else 0
    net = net.to(memory_format=torch.channels_last).train()
    average = Detector(SHAPES[size])
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    start = saved = time.process_time()
    step, shown = 0, 0.0
    while (progress := (time.process_time() - start) / (60 * minutes)) < 1:
        rate = (1.2e-3 if again else 2e-3) * min(1, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        for group in optimizer.param_groups:
            group["lr"] = rate
        x, kind, truth = batch(images, boxes, SHAPES[size].crop, rng)
        loss = loss_of(net, x.contiguous(memory_format=torch.channels_last), kind, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(0.995, step / (step + 10))
            for mean, now in zip(average.state_dict().values(), net.state_dict().values()):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
        shown += loss.item() / 200
        if step % 200 == 0:
            print(f"{size}: {progress:4.0%} step {step} loss {shown:.3f}", flush=True)
            shown = 0.0
        if time.process_time() - saved > 120:
            saved = time.process_time()
            export(average, size, before + step * BATCH, path)
    export(average, size, before + step * BATCH, path)
    print(f"{size}: {step} steps of {BATCH} pictures in {minutes:g} minutes of CPU time")


# ---- evaluation ------------------------------------------------------------------------------------------------------

def letterbox(image, side):
    """The picture in the middle of a gray square, [1, 3, side, side], and what leads back: scale, left, top."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    inner = round(height * scale), round(width * scale)
    if inner != (height, width):
        x = F.interpolate(x, inner, mode="bilinear", antialias=True, align_corners=False)
    top, left = (side - inner[0]) // 2, (side - inner[1]) // 2
    x = F.pad(x, (left, side - inner[1] - left, top, side - inner[0] - top), value=GRAY)
    return x.numpy(), scale, left, top


def iou(a, b):
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    both = np.clip(width, 0, None) * np.clip(height, 0, None)
    area = lambda it: (it[:, 2] - it[:, 0]) * (it[:, 3] - it[:, 1])
    return both / np.maximum(area(a)[:, None] + area(b)[None] - both, 1e-9)


def detect(model, image, least=0.02, most=0.45):
    """Class, probability and sides of what is found in the picture, best first, after suppression within a class."""
    side = model.get_inputs()[0].shape[2]
    x, scale, left, top = letterbox(image, side)
    answer = model.run(None, {"images": x})[0][0]
    kind, chance = answer[4:].argmax(0), answer[4:].max(0)
    order = np.argsort(-chance)[:100]
    order = order[chance[order] > least]
    cx, cy, w, h = answer[:4, order]
    sides = np.stack([cx - w / 2 - left, cy - h / 2 - top, cx + w / 2 - left, cy + h / 2 - top], 1) / scale
    sides = np.clip(sides, 0, [image.shape[1], image.shape[0]] * 2)
    kind, chance = kind[order], chance[order]
    same = iou(sides, sides) * (kind[:, None] == kind[None])
    keep = []
    for n in range(len(order)):
        if not any(same[n, m] > most for m in keep):
            keep.append(n)
    return kind[keep], chance[keep], sides[keep]


def score(model, pictures, threshold=THRESHOLD):
    """F1 at the threshold, and mAP, both at IoU 0.5. Pictures are (image, kinds, sides)."""
    said = {kind: [] for kind in range(CLASSES)}  # (probability, right) of all answers
    asked = np.zeros(CLASSES)
    for image, kinds, sides in pictures:
        found, chance, where = detect(model, image)
        fits = iou(where, sides) if len(kinds) else np.zeros((len(found), 0))
        taken = set()
        for kind in kinds:
            asked[int(kind)] += 1
        for n, kind in enumerate(found):
            open_ = [m for m in range(len(kinds)) if kinds[m] == kind and m not in taken and fits[n, m] >= 0.5]
            if open_:
                taken.add(max(open_, key=lambda m: fits[n, m]))
            said[kind].append((chance[n], bool(open_)))
    precisions, right, wrong = [], 0, 0
    for kind, answers in said.items():
        answers.sort(key=lambda it: -it[0])
        hits = np.cumsum([ok for _, ok in answers] or [0])
        precision = hits / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        recall = np.concatenate([[0], hits]) / max(1, asked[kind])
        precisions.append(float(np.sum(np.diff(recall) * envelope)))
        right += sum(ok for chance, ok in answers if chance >= threshold)
        wrong += sum(not ok for chance, ok in answers if chance >= threshold)
    return 2 * right / (right + wrong + asked.sum()), float(np.mean(precisions)), precisions


def held_out(root, cache, count=400):
    images, boxes = cached("held-out", cache, HELD_OUT_PHOTOS, root, count, 1200, 2, 7)
    return [(image, truth[truth[:, 0] >= 0, 0], truth[truth[:, 0] >= 0, 1:]) for image, truth in zip(images, boxes)]


def calibrate(out, size, cache):
    """Shifts the class logits of an exported model so that F1 on scenes it learned from is best at THRESHOLD.

    Counting anchors of objects in full and background little makes the probabilities too high.
    """
    path = out / f"detect-{size}.onnx"
    images, boxes = np.load(cache / "train-images.npy", mmap_mode="r")[:200], np.load(cache / "train-boxes.npy")[:200]
    pictures = [(image, it[it[:, 0] >= 0, 0], it[it[:, 0] >= 0, 1:]) for image, it in zip(images, boxes)]
    best = max(np.arange(0.15, 0.7, 0.05), key=lambda it: score(session(path), pictures, it)[0])
    logit = lambda it: math.log(it / (1 - it))
    model = onnx.load(path)
    last = [it for it in model.graph.node if it.op_type == "Conv" and it.input[2]][-1]
    stored = next(it for it in model.graph.initializer if it.name == last.input[2])
    bias = numpy_helper.to_array(stored).copy()
    bias[4:] += logit(THRESHOLD) - logit(best)
    stored.CopyFrom(numpy_helper.from_array(bias, stored.name))
    path.write_bytes(model.SerializeToString())
    print(f"{size}: F1 was best at {best:.2f}, is now at {THRESHOLD}")


def clip(path, every=5):
    """Every n-th frame of a 640×360 clip and the boxes that the table beside it gives, as `make_scene.py` writes them."""
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!", "videoconvert", "!",
               "video/x-raw,format=RGB", "!", "fdsink"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 360, 640, 3)
    truth = [[] for _ in frames]
    with open(path.with_suffix(".csv")) as file:
        for row in csv.DictReader(file):
            left, top, width, height = (float(row[it]) for it in ("left", "top", "width", "height"))
            truth[int(row["frame"])].append([scenes.CLASSES.index(row["class"]), left, top, left + width, top + height])
    boxes = [np.array(it, float).reshape(-1, 5) for it in truth]
    return [(frame, it[:, 0], it[:, 1:]) for frame, it in list(zip(frames, boxes))[::every]]


def evaluate(out, root, cache, film):
    """Prints the table of `models/README.md` and writes the catalogue beside the models."""
    pictures, rows, text = held_out(root, cache), [], 'task = "detect"\nreference = "large"\n'
    frames = clip(film) if film else []
    for size, shape in SHAPES.items():
        path = out / f"detect-{size}.onnx"
        model = session(path)
        f1, mean, each = score(model, pictures)
        print(f"{size}: AP " + ", ".join(f"{name} {it:.2f}" for name, it in zip(scenes.CLASSES, each)))
        rows.append([size, parameters(path), f"{path.stat().st_size / 1000:.0f}", f"3×{shape.side}×{shape.side}",
                     f"{latency(model):.1f}", f"{f1:.3f}", f"{mean:.3f}",
                     *([f"{it:.3f}" for it in score(model, frames)[:2]] if frames else [])])
        text += (f'\n[[candidate]]\nname = "{size}"\nmodel = "{path.name}"\nquality = {f1:.3f}\nlicense = "CC0-1.0"\n'
                 f'threads = 1\nsha256 = "{digest(path)}"\n')
    print(f"{len(pictures)} pictures, {sum(len(it[1]) for it in pictures)} objects")
    table(["", "parameters", "file, kB", "input", "latency p50, ms", "F1", "mAP@0.5",
           *(["clip, F1", "clip, mAP@0.5"] if frames else [])], rows)
    (out / "detect.toml").write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=[*SHAPES, "all"], help="train this one, or all in turn")
    parser.add_argument("--minutes", type=float, default=20, help="CPU time to train each size")
    parser.add_argument("--resume", action="store_true", help="go on with the models in --out")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models and the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", default="/", help="where the Debian packages with photographs are unpacked")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "avrec-scenes"), help="folder for the rendered scenes")
    parser.add_argument("--clip", type=Path, help="score the models on this clip too; its boxes stand in a table beside it")
    parser.add_argument("--evaluate", action="store_true", help="score the models in --out")
    arguments = parser.parse_args()
    if not arguments.size and not arguments.evaluate:
        parser.error("nothing to do: give --size, --evaluate or both")
    for size in SHAPES if arguments.size == "all" else filter(None, [arguments.size]):
        train(size, arguments.minutes, arguments.out, arguments.seed, arguments.root, arguments.cache,
              arguments.resume)
        calibrate(arguments.out, size, arguments.cache)
    if arguments.evaluate:
        evaluate(arguments.out, arguments.root, arguments.cache, arguments.clip)


if __name__ == "__main__":
    main()
