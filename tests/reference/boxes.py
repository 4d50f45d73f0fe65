#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The boxes in detectors' outputs, computed apart from avrec: numpy in double precision, suppression by OpenCV.

Run it beside this file to write boxes.txt, which `cargo test --test media decode::reference` compares with what avrec
finds in the same tensors:

    pip install numpy opencv-python-headless && python3 boxes.py

200 tensors are made here and there by the same generator of integers, so that only the boxes are kept; a few are
those of a real detector (see real.md) and lie beside this file in half precision.
"""

import pathlib

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent
CASES = 200
FAMILIES = [
    "planes", "planes-half", "objectness", "finished", "tensorflow",
    "sigmoid", "softmax", "cells", "dense", "fractions",
]
# File, input, frame. Both are YOLOX's rows.
REAL = [("real-text.f16", (416, 416), (480, 270)), ("real-clip.f16", (416, 416), (1280, 720))]


def mix(value):
    """The last step of MurmurHash3 for 32 bits: each bit of the input changes half of the output's."""
    value = np.asarray(value, dtype=np.uint32)
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        value = (value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return value ^ (value >> np.uint32(16))


class Case:
    """A tensor with what is asked of it, all drawn from integers."""

    def __init__(self, index, salt):
        self.seed = (index * 1000 + salt) & 0xFFFFFFFF
        self.family = FAMILIES[index % len(FAMILIES)]
        self.input = (32 * (3 + self.one(1, 8)), 32 * (3 + self.one(2, 8)))
        self.frame = (64 + self.one(3, 1500), 48 + self.one(4, 1000))
        self.placement = self.one(5, 3)
        self.confidence = (10 + self.one(6, 60)) / 100
        self.iou = (30 + self.one(7, 50)) / 100
        self.classes = 1 + self.one(8, 12)
        self.most = 300 if index < 2 * len(FAMILIES) else 1 + self.one(9, 12)
        self.rows = 40 + self.one(10, 400)
        if self.family == "objectness":
            # With one class, rows that are no grid's look like finished ones.
            self.classes += 1
        if self.family == "cells":
            self.rows = sum((self.input[0] // it) * (self.input[1] // it) for it in (8, 16, 32))
        if self.family == "finished":
            self.rows = 20 + self.one(10, 60)

    def draw(self, stream, index, below):
        with np.errstate(over="ignore"):
            start = mix(np.uint32((self.seed * 64 + stream) & 0xFFFFFFFF))
            return (mix(start + np.asarray(index, dtype=np.uint32)) % np.uint32(below)).astype(np.int64)

    def one(self, stream, below):
        return int(self.draw(0, stream, below))

    def coordinates(self):
        """Center and size of each row in input pixels: some objects, each seen by many rows."""
        rows = np.arange(self.rows)
        thing = self.draw(1, rows, 6)
        columns = []
        for axis, length in enumerate(self.input):
            base = self.draw(2 + axis, thing, length)
            columns.append(base + (self.draw(4 + axis, rows, 256) - 128) / 16)
        for axis in range(2):
            columns.append(8 + self.draw(6 + axis, thing, 64) + self.draw(8 + axis, rows, 64) / 8)
        columns = np.stack(columns, axis=1).astype(np.float32)
        columns[self.draw(10, rows, 40) == 0, 0] = np.nan
        columns[self.draw(10, rows, 40) == 1, 2] = np.inf
        return columns

    def levels(self, stream, count):
        """Numbers below 65536, most of them low; each row's highest is mostly the class of its object."""
        rows = np.arange(self.rows)
        index = np.arange(self.rows * count)
        level = self.draw(stream, index, 65536).reshape(self.rows, count)
        level = level * level >> 16
        low = level * level >> 16
        own = self.draw(1, rows, 6)[:, None] % count == np.arange(count)[None, :]
        return np.where(own, level, low)

    def confidences(self, stream, count):
        scores = (self.levels(stream, count) / 65536).astype(np.float32)
        scores[self.draw(11, np.arange(self.rows), 50) == 0, 0] = np.nan
        return scores

    def logits(self, stream, count):
        return ((self.levels(stream, count) - 40960) / 8192).astype(np.float32)

    def outputs(self):
        """The model's outputs in their order."""
        boxes, size = self.coordinates(), np.array([*self.input, *self.input], dtype=np.float32)
        half = np.float16 if self.family == "planes-half" else np.float32
        if self.family in ("planes", "planes-half"):
            rows = np.concatenate([boxes, self.confidences(20, self.classes)], axis=1)
            return [rows.T.astype(half)]
        if self.family == "fractions":
            # Sizes of inputs are no powers of two: both sides divide in single precision.
            return [np.concatenate([boxes / size, self.confidences(20, self.classes)], axis=1)]
        if self.family == "objectness":
            objectness = (self.levels(21, 1) / 65536).astype(np.float32)
            return [np.concatenate([boxes, objectness, self.confidences(20, self.classes)], axis=1)]
        if self.family == "cells":
            rows = np.arange(self.rows)
            offsets = [(self.draw(2 + it, rows, 256) - 128) / 128 for it in range(2)]
            sizes = [self.draw(4 + it, rows, 4096) / 2048 for it in range(2)]
            boxes = np.stack(offsets + sizes, axis=1).astype(np.float32)
            objectness = (self.levels(21, 1) / 65536).astype(np.float32)
            return [np.concatenate([boxes, objectness, self.confidences(20, self.classes)], axis=1)]
        corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
        number = self.draw(12, np.arange(self.rows), self.classes)[:, None].astype(np.float32)
        if self.family == "finished":
            return [np.concatenate([corners, self.confidences(20, 1), number], axis=1)]
        if self.family == "tensorflow":
            count = np.array([self.one(11, self.rows)], dtype=np.float32)
            fractions = (corners / size)[:, [1, 0, 3, 2]]
            return [fractions, number[:, 0], self.confidences(20, 1)[:, 0], count]
        if self.family == "dense":
            return [corners, self.confidences(20, self.classes + 1)]
        extra = 1 if self.family == "softmax" else 0
        return [self.logits(20, self.classes + extra), boxes / size]


def from_cells(rows, size):
    """YOLOX: offsets from the cell and logarithms of sizes, times the stride."""
    cells = []
    for stride in (8, 16, 32):
        down, across = size[1] // stride, size[0] // stride
        lines, columns = np.meshgrid(np.arange(down), np.arange(across), indexing="ij")
        cells.append(np.stack([columns.ravel(), lines.ravel(), np.full(down * across, stride)], axis=1))
    cells = np.concatenate(cells)
    stride = cells[:, 2:]
    return np.concatenate([(rows[:, :2] + cells[:, :2]) * stride, np.exp(rows[:, 2:4]) * stride], axis=1)


def to_corners(boxes):
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def best_of(scores):
    """The best class of each row, its score, and whether all of the row are numbers."""
    good = ~(np.isnan(scores) | np.isposinf(scores)).any(axis=1)
    plain = np.where(np.isnan(scores), -np.inf, scores)
    return plain.argmax(axis=1), plain.max(axis=1), good


def read(family, outputs, size, classes):
    """Edges in input pixels, class, score and goodness of each row; and whether suppression is done."""
    outputs = [it.astype(np.float64) for it in outputs]
    scale = np.array([*size, *size], dtype=np.float64)
    first = outputs[0]
    if family in ("planes", "planes-half"):
        return to_corners(first.T[:, :4]), *best_of(first.T[:, 4:]), False
    if family == "fractions":
        return to_corners(first[:, :4] * scale), *best_of(first[:, 4:]), False
    if family in ("objectness", "cells"):
        boxes = from_cells(first, size) if family == "cells" else first[:, :4]
        kind, score, good = best_of(first[:, 5:])
        return to_corners(boxes), kind, score * first[:, 4], good, False
    if family == "finished":
        return first[:, :4], first[:, 5].astype(int), first[:, 4], ~np.isnan(first[:, 4]), True
    if family == "tensorflow":
        count = int(outputs[3][0])
        edges = (first[:, [1, 0, 3, 2]] * scale)[:count]
        score = outputs[2][:count]
        return edges, outputs[1][:count].astype(int), score, ~np.isnan(score), True
    if family == "dense":
        # The first score is for no object.
        return first, *best_of(outputs[1][:, 1:]), False
    edges = to_corners(outputs[1] * scale)
    if family == "softmax":
        share = np.exp(first) / np.exp(first).sum(axis=1, keepdims=True)
        return edges, *best_of(share[:, :classes]), True
    return edges, *best_of(1 / (1 + np.exp(-first))), True


def placed(placement, size, frame):
    """The size of the scaled frame in the input, and the padding before it."""
    if placement == 2:
        return size, (0, 0)
    scale = min(size[0] / frame[0], size[1] / frame[1])
    picture = tuple(min(max(int(np.floor(frame[it] * scale + 0.5)), 1), size[it]) for it in range(2))
    pad = (0, 0) if placement == 1 else tuple((size[it] - picture[it]) // 2 for it in range(2))
    return picture, pad


class TooClose(Exception):
    """A figure so near to a threshold that single precision may fall on its other side."""


def apart(values, threshold):
    if np.any(np.abs(np.asarray(values) - threshold) < 1e-5):
        raise TooClose


def overlaps(edges):
    """Intersection over union of each box with each other."""
    low = np.maximum(edges[:, None, :2], edges[None, :, :2])
    high = np.minimum(edges[:, None, 2:], edges[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area = np.prod(edges[:, 2:] - edges[:, :2], axis=1)
    return shared / (area[:, None] + area[None, :] - shared)


def suppressed(edges, kind, score, iou):
    """The rows that OpenCV keeps of each class."""
    kept = []
    for it in np.unique(kind):
        rows = np.flatnonzero(kind == it)
        apart(overlaps(edges[rows]), iou)
        boxes = np.concatenate([edges[rows, :2], edges[rows, 2:] - edges[rows, :2]], axis=1)
        kept.extend(rows[np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), score[rows].tolist(), 0.0, iou), dtype=int)])
    return np.array(kept, dtype=int)


def boxes_of(family, outputs, size, frame, placement, confidence, iou, most, classes):
    """Boxes in the frame as (class, confidence, left, top, right, bottom), and how many were dropped."""
    edges, kind, score, good, done = read(family, outputs, size, classes)
    apart(score[np.isfinite(score)], confidence)
    # A row with a score that is no number is dropped if anything else of it would be seen.
    reached = (score >= confidence) | ~good
    if family in ("objectness", "cells"):
        reached &= ~(outputs[0][:, 4].astype(np.float64) < confidence)
    picture, pad = placed(placement, size, frame)
    scale = np.array([picture[0] / frame[0], picture[1] / frame[1]] * 2)
    inside = (edges - np.array([*pad, *pad])) / scale
    with np.errstate(invalid="ignore"):
        clipped = np.clip(inside, 0, np.array([*frame, *frame]))
        area = (clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])
    usable = good & np.isfinite(edges).all(axis=1) & area
    dropped = int((reached & ~usable).sum())
    rows = np.flatnonzero(reached & usable)
    # What the frame's edge leaves of a box may be too thin for single precision to tell its size.
    if np.any(clipped[rows, 2:] - clipped[rows, :2] < 0.2):
        raise TooClose
    edges, clipped, kind, score = edges[rows], clipped[rows], kind[rows], score[rows]
    kept = np.arange(len(rows)) if done else suppressed(edges, kind, score, iou)
    kept = kept[np.argsort(-score[kept], kind="stable")]
    if most < len(kept):
        apart(score[kept[most - 1]], score[kept[most]])
    kept = kept[:most]
    return [(kind[it], score[it], *clipped[it]) for it in kept], dropped


def lines(boxes):
    for kind, score, *edges in boxes:
        yield f"{kind} {score:.5f} " + " ".join(f"{it:.4f}".rstrip("0").rstrip(".") for it in edges)


def made():
    """The cases of the generator; one that is too close to a threshold gets another salt."""
    for index in range(CASES):
        for salt in range(100):
            case = Case(index, salt)
            try:
                boxes, dropped = boxes_of(
                    case.family, case.outputs(), case.input, case.frame, case.placement,
                    case.confidence, case.iou, case.most, case.classes,
                )
            except TooClose:
                continue
            yield f"case {index} {salt} {case.family} dropped {dropped}"
            yield from lines(boxes)
            break


def real():
    for name, size, frame in REAL:
        rows = np.fromfile(HERE / name, dtype="<f2").reshape(-1, 6)
        boxes, dropped = boxes_of("cells", [rows], size, frame, 1, 0.25, 0.45, 300, 1)
        yield f"real {name} {size[0]} {size[1]} {frame[0]} {frame[1]} dropped {dropped}"
        yield from lines(boxes)


if __name__ == "__main__":
    text = "\n".join([*made(), *real()])
    (HERE / "boxes.txt").write_text(text + "\n")
