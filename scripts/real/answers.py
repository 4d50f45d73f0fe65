# SPDX-License-Identifier: MPL-2.0
"""What a model says, in terms that a package's own code and avrec share, and how far two answers are apart."""

from dataclasses import dataclass, field

import numpy as np

# Two boxes of one thing share at least this part of their area, and their confidences differ by no more than this.
SAME_BOX, SAME_CONFIDENCE = 0.9, 0.05


@dataclass(frozen=True)
class Box:
    # A class's name or number; of avrec's boxes both; None where there is but one class.
    label: object
    confidence: float
    # Left, top, right, bottom in pixels of the picture.
    edges: tuple


@dataclass(frozen=True)
class Boxes:
    boxes: list
    # Boxes that are believed in by less than this much more than the threshold may be missing on either side.
    threshold: float = 0.25


@dataclass(frozen=True)
class Classes:
    # Confidence of each class by its number.
    confidences: dict
    labels: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Matte:
    # Rows of values from 0 to 1.
    values: np.ndarray


@dataclass(frozen=True)
class Curve:
    # A probability for each window of sound.
    values: np.ndarray


@dataclass(frozen=True)
class Tensors:
    # Values by the output's name.
    values: dict


@dataclass(frozen=True)
class Refusal:
    """The model is for neither pictures nor sound as they are: a sentence is the right answer."""


@dataclass(frozen=True)
class Verdict:
    right: bool
    figures: str
    # The same objects, but not as exactly as the same preparation of the picture would give.
    near: bool = False
    # Intersection over union of the boxes, in the mean.
    shared: float = None


def shared_area(one, other):
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return shared / (area(one) + area(other) - shared)


def compare(own, got):
    """How avrec's answer `got` compares with the package's `own`."""
    if got is None:
        return Verdict(False, "no answer")
    if type(own) is not type(got):
        return Verdict(False, f"{type(got).__name__.lower()} instead of {type(own).__name__.lower()}")
    return COMPARISONS[type(own)](own, got)


def boxes(own, got):
    left, shares, apart = list(got.boxes), [], []
    sure = own.threshold + SAME_CONFIDENCE
    missing = 0
    for box in sorted(own.boxes, key=lambda it: -it.confidence):
        match = max(left, key=lambda it: shared_area(box.edges, it.edges), default=None)
        if match is None or shared_area(box.edges, match.edges) < 0.5 or not same_label(box.label, match.label):
            missing += box.confidence > sure
            continue
        left.remove(match)
        shares.append(shared_area(box.edges, match.edges))
        apart.append(abs(box.confidence - match.confidence))
    extra = sum(it.confidence > sure for it in left)
    if not shares:
        return Verdict(False, f"0 of {len(own.boxes)} boxes, {extra} others")
    same = not missing and not extra
    right = same and min(shares) >= SAME_BOX and max(apart) <= SAME_CONFIDENCE
    others = f", {extra} others" if extra else ""
    return Verdict(right, f"{len(shares)} of {len(own.boxes)} boxes{others}, IoU {np.mean(shares):.3f} "
                          f"(least {min(shares):.3f}), confidence ±{max(apart):.3f}", same, np.mean(shares))


def same_label(own, got):
    return own is None or own in got


def classes(own, got):
    best = max(own.confidences, key=own.confidences.get)
    apart = max(abs(value - got.confidences.get(key, 0.0)) for key, value in own.confidences.items()
                if key in got.confidences or value > SAME_CONFIDENCE)
    named = all(got.labels.get(key, label) == label for key, label in own.labels.items())
    label = "" if named else f", label {got.labels.get(best)!r} for {own.labels[best]!r}"
    right = max(got.confidences, key=got.confidences.get) == best and named and apart <= SAME_CONFIDENCE
    return Verdict(right, f"class {best} at {own.confidences[best]:.3f}, confidence ±{apart:.3f}{label}")


def text(own, got):
    return Verdict(own.text.strip() == got.text.strip(), f"“{got.text}”, own “{own.text}”")


def matte(own, got):
    if own.values.shape != got.values.shape:
        return Verdict(False, f"{got.values.shape} instead of {own.values.shape}")
    apart = np.abs(own.values - got.values).mean()
    return Verdict(apart <= 0.02, f"mean distance {apart:.4f}")


def curve(own, got):
    count = min(len(own.values), len(got.values))
    if count < len(own.values) - 1:
        return Verdict(False, f"{len(got.values)} of {len(own.values)} windows")
    apart = np.abs(own.values[:count] - got.values[:count]).max()
    return Verdict(apart <= 1e-4, f"{count} windows, distance at most {apart:.1e}")


def tensors(own, got):
    if set(own.values) - set(got.values):
        return Verdict(False, "no " + ", ".join(sorted(set(own.values) - set(got.values))))
    apart = max(np.abs(value.ravel() - got.values[name].ravel()).max() if value.size == got.values[name].size else np.inf
                for name, value in own.values.items())
    return Verdict(apart <= 0.02, f"distance at most {apart:.4f}")


COMPARISONS = {Boxes: boxes, Classes: classes, Text: text, Matte: matte, Curve: curve, Tensors: tensors,
               Refusal: lambda own, got: Verdict(True, "refused")}
