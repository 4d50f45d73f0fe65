#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Boxes, key points and turned boxes of families of detectors, computed apart from avrec: numpy in double precision.

Each family is read by the formulas of its paper or of its authors' code, written down here again. Run it beside this file to
write families.txt, which `cargo test --test media decode::reference_families` compares with what avrec finds in the same
tensors; both sides make them by the generator of integers of boxes.py:

    pip install numpy opencv-python-headless && python3 families.py
"""

import pathlib

import numpy as np

from boxes import TooClose, apart, mix, overlaps, placed, to_corners

HERE = pathlib.Path(__file__).parent
SEEDS = 4
CONFIDENCE, IOU = 0.25, 0.5
FAMILIES = ["scrfd", "yunet", "nanodet", "nanodet-plus", "picodet", "retinaface", "plates", "centerface", "ultraface", "rtdetr",
            "yolo-pose", "yolo-obb"]
# Cells of a grid's side are rounded up.
PRIORS = {"retinaface": [(8, (16, 32)), (16, (64, 128)), (32, (256, 512))],
          "plates": [(8, (24, 48)), (16, (96, 192)), (32, (384, 768))]}


class Case:
    """Tensors of a family, all drawn from integers."""

    def __init__(self, family, seed):
        self.family = family
        self.seed = (FAMILIES.index(family) * 100000 + seed) & 0xFFFFFFFF
        self.input = tuple(32 * (3 + int(self.draw(0, it, 4))) for it in (1, 2))
        self.frame = tuple(64 + int(self.draw(0, it, 500)) for it in (3, 4))
        self.placement = int(self.draw(0, 5, 3))
        self.classes = 2 + int(self.draw(0, 6, 5))
        if family == "yolo-obb":
            # Where both sides scale alike, a rectangle stays one.
            self.frame = tuple(2 * it for it in self.input)

    def draw(self, stream, index, below):
        with np.errstate(over="ignore"):
            start = mix(np.uint32((self.seed * 64 + stream) & 0xFFFFFFFF))
            return (mix(start + np.asarray(index, dtype=np.uint32)) % np.uint32(below)).astype(np.int64)

    def values(self, stream, shape, low, span):
        """Numbers from low to low + span, in steps that single precision has."""
        return low + span * self.draw(stream, np.arange(np.prod(shape)), 65536).reshape(shape) / 65536

    def scores(self, stream, rows, classes):
        """Confidences: below 0.1, but for one class in some rows."""
        level = self.draw(stream, np.arange(rows * classes), 65536).reshape(rows, classes)
        seen = self.draw(1, np.arange(rows), 40 * classes)[:, None] == np.arange(classes)[None, :]
        return np.where(seen, (level * 40000 >> 16) + 22000, level * 6000 >> 16) / 65536

    def cells(self, stride):
        """Column and line of each cell of a grid."""
        across, down = (-(-side // stride) for side in self.input)
        lines, columns = np.meshgrid(np.arange(down), np.arange(across), indexing="ij")
        return np.stack([columns.ravel(), lines.ravel()], axis=1)

    def grids(self, strides, each=1):
        """Cell and stride of each row of all grids, `each` rows a cell."""
        cells = [np.repeat(self.cells(it), each, axis=0) for it in strides]
        return np.concatenate(cells), np.concatenate([np.full(len(it), stride) for it, stride in zip(cells, strides)])[:, None]


def distances(bins):
    """Generalized focal loss (X. Li et al., 2020): the mean of the distribution of each distance, in strides."""
    bins = bins.reshape(len(bins), 4, 8)
    share = np.exp(bins) / np.exp(bins).sum(axis=2, keepdims=True)
    return share @ np.arange(8)


def around(points, lengths):
    """Boxes of points and their distances to the left, top, right and bottom edge."""
    return np.concatenate([points - lengths[:, :2], points + lengths[:, 2:]], axis=1)


class Found:
    """What rows say: edges in input pixels, confidences by class, and what goes with a box."""

    def __init__(self, edges, scores, points=None, seen=None, turned=None, done=False):
        self.edges, self.scores, self.points, self.seen, self.turned, self.done = edges, scores, points, seen, turned, done


def scrfd(case):
    """J. Guo et al., 2021, as InsightFace reads it: distances from a cell's corner, two rows a cell."""
    cells, stride = case.grids((8, 16, 32), 2)
    rows = len(cells)
    points = case.values(4, (rows, 5, 2), -2, 4)
    edges = around(cells * stride, case.values(3, (rows, 4), 0.5, 3) * stride)
    return Found(edges, case.scores(2, rows, 1), (points + cells[:, None]) * stride[:, None])


def yunet(case):
    """W. Wu et al., 2023: offset and logarithm of size by cell, and the root of two scores' product."""
    cells, stride = case.grids((8, 16, 32))
    rows = len(cells)
    boxes = np.concatenate([case.values(4, (rows, 2), 0, 1) + cells, np.exp(case.values(5, (rows, 2), -0.5, 2))], axis=1)
    scores = np.sqrt(case.scores(2, rows, 1) * case.scores(3, rows, 1))
    return Found(to_corners(boxes * stride), scores, (case.values(6, (rows, 5, 2), -2, 4) + cells[:, None]) * stride[:, None])


def nanodet(case):
    """RangiLyu, 2020 and 2021: distributions around the middle of a cell; of NanoDet-Plus, which has four grids, its corner."""
    plus = case.family == "nanodet-plus"
    cells, stride = case.grids((8, 16, 32, 64) if plus else (8, 16, 32))
    lengths = distances(case.values(3, (len(cells), 32), -4, 8))
    return Found(around(cells + (0 if plus else 0.5), lengths) * stride, case.scores(2, len(cells), case.classes))


def picodet(case):
    """G. Yu et al., 2021: distributions around the middle of a cell, an output for each of four grids."""
    cells, stride = case.grids((8, 16, 32, 64))
    lengths = distances(case.values(3, (len(cells), 32), -4, 8))
    return Found(around(cells + 0.5, lengths) * stride, case.scores(2, len(cells), case.classes))


def retinaface(case):
    """J. Deng et al., 2020, with SSD's variances (W. Liu et al., 2016): relative to priors of two sizes in each cell."""
    priors = []
    for stride, sizes in PRIORS[case.family]:
        for column, line in case.cells(stride):
            priors += [[(column + 0.5) * stride, (line + 0.5) * stride, size, size] for size in sizes]
    priors = np.array(priors, dtype=float)
    rows, count = len(priors), 4 if case.family == "plates" else 5
    offsets = case.values(3, (rows, 4), -2, 4)
    boxes = np.concatenate([priors[:, :2] + 0.1 * offsets[:, :2] * priors[:, 2:], priors[:, 2:] * np.exp(0.2 * offsets[:, 2:])], axis=1)
    points = priors[:, None, :2] + 0.1 * case.values(4, (rows, count, 2), -2, 4) * priors[:, None, 2:]
    return Found(to_corners(boxes), case.scores(2, rows, 1), points)


def centerface(case):
    """Y. Xu et al., 2019: maps at a quarter of the input; height and y come first, points are fractions of the box."""
    cells = case.cells(4)
    rows = len(cells)
    # Maps are planes: a number for each cell, then the next number.
    sizes, offsets = case.values(3, (2, rows), 0, 2).T, case.values(4, (2, rows), 0, 1).T
    points = case.values(5, (5, 2, rows), 0, 1).transpose(2, 0, 1)
    boxes = np.concatenate([(cells + offsets[:, ::-1] + 0.5) * 4, np.exp(sizes[:, ::-1]) * 4], axis=1)
    edges = to_corners(boxes)
    return Found(edges, case.scores(2, rows, 1), edges[:, None, :2] + points[:, :, ::-1] * boxes[:, None, 2:])


def ultraface(case):
    """Linzaer, 2019: edges as fractions, decoded in the model; the first confidence is for no face."""
    rows = 400
    middle, size = case.values(3, (rows, 2), 0, 1), case.values(4, (rows, 2), 0.125, 0.25)
    return Found(to_corners(np.concatenate([middle, size], axis=1)) * (case.input * 2), case.scores(2, rows, 1))


def rtdetr(case):
    """Y. Zhao et al., 2023, as exported: class, edges and confidence of each query; nothing is suppressed."""
    rows = 300
    middle, size = case.values(3, (rows, 2), 0, 64), case.values(4, (rows, 2), 8, 32)
    kind = case.draw(5, np.arange(rows), case.classes)
    scores = np.where(kind[:, None] == np.arange(case.classes), case.scores(2, rows, 1), 0)
    return Found(to_corners(np.concatenate([middle, size], axis=1)), scores, done=True)


def yolo(case):
    """Ultralytics: center and size in pixels, in planes; key points in pixels, or an angle in radians."""
    turns = case.family == "yolo-obb"
    rows, classes = len(case.grids((8, 16, 32))[0]), case.classes if turns else 1
    boxes = np.concatenate([case.values(3, (2, rows), 0, 128), case.values(4, (2, rows), 8, 32)]).T
    if turns:
        boxes = np.concatenate([boxes, case.values(5, (rows, 1), -0.75, 2)], axis=1)
        x, y, width, height, angle = boxes.T
        half = np.array([(width * abs(np.cos(angle)) + height * abs(np.sin(angle))) / 2,
                         (width * abs(np.sin(angle)) + height * abs(np.cos(angle))) / 2]).T
        edges = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
        return Found(edges, case.scores(2, rows, classes), turned=boxes)
    points = case.values(5, (17, 3, rows), 0, 1).transpose(2, 0, 1)
    return Found(to_corners(boxes), case.scores(2, rows, 1), points[:, :, :2] * 128, points[:, :, 2])


READERS = {"nanodet-plus": nanodet, "plates": retinaface, "yolo-pose": yolo, "yolo-obb": yolo}


def likeness(boxes):
    """J. M. Llerena et al., 2021: 1 minus the Hellinger distance of the normal distributions that boxes stand for."""
    turn = np.array([[[np.cos(it), -np.sin(it)], [np.sin(it), np.cos(it)]] for it in boxes[:, 4]])
    spread = turn @ np.array([np.diag(it ** 2 / 12) for it in boxes[:, 2:4]]) @ turn.transpose(0, 2, 1)
    alike = np.empty((len(boxes), len(boxes)))
    for one in range(len(boxes)):
        for other in range(len(boxes)):
            both = (spread[one] + spread[other]) / 2
            apart_by = boxes[one, :2] - boxes[other, :2]
            distance = apart_by @ np.linalg.inv(both) @ apart_by / 8
            distance += np.log(np.linalg.det(both) / np.sqrt(np.linalg.det(spread[one]) * np.linalg.det(spread[other]))) / 2
            alike[one, other] = 1 - np.sqrt(max(0, 1 - np.exp(-distance)))
    return alike


def suppressed(order, alike, kind):
    kept = []
    for row in order:
        if all(kind[row] != kind[it] or alike[row, it] <= IOU for it in kept):
            kept.append(row)
    return kept


def lines(case):
    """A line for each object, the most confident first: class, confidence, edges, key points or the turned box."""
    found = READERS.get(case.family, globals().get(case.family))(case)
    kind, score = found.scores.argmax(axis=1), found.scores.max(axis=1)
    picture, pad = placed(case.placement, case.input, case.frame)
    scale = np.array([picture[0] / case.frame[0], picture[1] / case.frame[1]])
    to_frame = lambda points: (points - np.array(pad)) / scale
    clipped = np.clip(to_frame(found.edges.reshape(-1, 2, 2)), 0, case.frame).reshape(-1, 4)
    apart(score, CONFIDENCE)
    usable = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)
    rows = np.flatnonzero((score >= CONFIDENCE) & usable)
    if np.any(clipped[rows, 2:] - clipped[rows, :2] < 1) or np.any(np.diff(np.sort(score[rows])) < 1e-6):
        raise TooClose
    alike = overlaps(found.edges[rows]) if found.turned is None else likeness(found.turned[rows])
    apart(alike[kind[rows][:, None] == kind[rows][None, :]], IOU)
    order = np.argsort(-score[rows])
    kept = order if found.done else suppressed(order, alike, kind[rows])
    for row in rows[kept]:
        numbers = [score[row], *clipped[row]]
        if found.points is not None:
            points = to_frame(found.points[row])
            seen = np.ones(len(points)) if found.seen is None else found.seen[row]
            numbers += list(np.concatenate([points, seen[:, None]], axis=1).ravel())
        if found.turned is not None:
            numbers += [*to_frame(found.turned[row, :2]), *found.turned[row, 2:4] / scale, found.turned[row, 4]]
        yield f"{kind[row]} " + " ".join(f"{it:.5f}".rstrip("0").rstrip(".") for it in numbers)


def made():
    for family in FAMILIES:
        for index in range(SEEDS):
            for salt in range(100):
                try:
                    found = list(lines(Case(family, 100 * index + salt)))
                except TooClose:
                    continue
                yield f"case {family} {100 * index + salt}"
                yield from found
                break


if __name__ == "__main__":
    (HERE / "families.txt").write_text("\n".join(made()) + "\n")
