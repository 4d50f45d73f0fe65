#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Measures of answers against the truth, by the field's own programs.

Run it beside this file to write measures.txt, which `cargo test --test policy measures` compares with what avrec makes of
the same answers:

    pip install pycocotools==2.0.11 scikit-learn==1.9.1 scikit-image==0.26.0 scipy==1.17.1 fast_bss_eval==0.1.4 \
        pystoi==0.4.1 jiwer==4.0.0
    python3 measures.py

Answers and truths are made here and there by the same generator of integers, so that only the figures are kept. Lines are
"case number name value"; a name that begins with "weighted-" is the figure with the weights of `Draw.weights`. What no
program has (calibration error, panoptic quality, overlap with degrees) is computed here by the formula of its paper.
"""

import contextlib
import io
import math
import pathlib

import jiwer
import numpy as np
from fast_bss_eval.numpy import si_sdr
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pystoi import stoi
from scipy.stats import spearmanr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn import metrics

HERE = pathlib.Path(__file__).parent
CASES = 12


def mix(value):
    """The last step of MurmurHash3 for 32 bits: each bit of the input changes half of the output's."""
    value = np.asarray(value, dtype=np.uint32)
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        value = (value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return value ^ (value >> np.uint32(16))


class Draw:
    """Numbers of one case: the same for the same stream and index."""

    def __init__(self, kind, case):
        self.seed = kind * 1000 + case

    def many(self, stream, count, below):
        with np.errstate(over="ignore"):
            start = mix(np.uint32((self.seed * 4096 + stream) & 0xFFFFFFFF))
            index = start + np.arange(count, dtype=np.uint32)
            return (mix(index) % np.uint32(below)).astype(np.int64)

    def one(self, stream, index, below):
        with np.errstate(over="ignore"):
            start = mix(np.uint32((self.seed * 4096 + stream) & 0xFFFFFFFF))
            return int(mix(start + np.uint32(index)) % np.uint32(below))

    def weights(self, count):
        """0 to 3 for each item."""
        return self.many(4000, count, 4)


# Boxes: what COCOeval says of them.

CLASSES = 5


def box(draw, stream, at):
    """A box of any size, in quarters of a pixel."""
    scale = [1, 4, 16][draw.one(stream, 8 * at, 3)]
    left, top = (draw.one(stream, 8 * at + it, 2400) / 4 for it in (1, 2))
    width, height = ((20 + draw.one(stream, 8 * at + it, 100)) * scale / 4 for it in (3, 4))
    return [left, top, width, height]


def boxes_of(draw, case, item):
    """Objects as (box, class, ignored, area) and finds as (box, class, confidence)."""
    stream = 10 * item
    objects, found = [], []
    for at in range(draw.one(stream, 0, 12)):
        place = box(draw, stream + 1, at)
        kind = draw.one(stream + 2, at, CLASSES - 1)
        area = place[2] * place[3] * (50 + draw.one(stream + 3, at, 51)) / 100
        objects.append((place, kind, draw.one(stream + 4, at, 10) == 0, area))
    # Few levels of confidence in every third case, so that many are equal.
    levels = 16 if case % 3 == 2 else 1 << 20
    tries = 1400 if case == 5 else 24
    for at in range(draw.one(stream + 5, 0, tries)):
        place = box(draw, stream + 6, at)
        kind = draw.one(stream + 7, at, CLASSES)
        if objects and draw.one(stream + 8, 4 * at, 4) != 0:
            near = objects[draw.one(stream + 8, 4 * at + 1, len(objects))]
            spread = 1 + draw.one(stream + 8, 4 * at + 2, 12)
            place = [it + (draw.one(stream + 9, 4 * at + n, 2 * spread + 1) - spread) / 4 for n, it in enumerate(near[0])]
            kind = near[1] if draw.one(stream + 8, 4 * at + 3, 8) != 0 else kind
        found.append((place, kind, draw.one(stream + 6, 8 * at + 5, levels) / levels))
    return objects, found


def coco(items):
    """COCOeval's twelve figures, the mean precision of each class, and the matches at IoU 0.5 of all areas."""
    truth = {"images": [], "annotations": [], "categories": [{"id": it} for it in range(CLASSES)], "info": {}}
    answers = []
    for image, (objects, found) in enumerate(items):
        truth["images"].append({"id": image})
        for place, kind, ignored, area in objects:
            number = len(truth["annotations"]) + 1
            truth["annotations"].append({
                "id": number, "image_id": image, "category_id": kind, "bbox": place, "area": area, "iscrowd": int(ignored),
            })
        for place, kind, score in found:
            answers.append({"image_id": image, "category_id": kind, "bbox": place, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = truth
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(answers), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    of_class = [precision[:, :, it] for it in range(CLASSES)]
    return evaluation, [float(it[it > -1].mean()) if (it > -1).any() else None for it in of_class]


def tallies(evaluation):
    """Hits, inventions and oversights of each class at IoU 0.5, where no image has more than 100 finds."""
    counts = np.zeros((CLASSES, 3))
    for entry in evaluation.evalImgs:
        if entry is None or entry["aRng"] != evaluation.params.areaRng[0]:
            continue
        found, ignored = entry["dtMatches"][0] > 0, entry["dtIgnore"][0].astype(bool)
        missed = (np.asarray(entry["gtMatches"][0]) == 0) & (np.asarray(entry["gtIgnore"]) == 0)
        counts[int(entry["category_id"])] += [(found & ~ignored).sum(), (~found & ~ignored).sum(), missed.sum()]
    return counts


def boxes():
    names = ["map", "map-50", "map-75", "map-small", "map-medium", "map-large"]
    for case in range(CASES):
        draw = Draw(1, case)
        items = [boxes_of(draw, case, it) for it in range(16)]
        evaluation, classes = coco(items)
        for name, value in zip(names, evaluation.stats):
            yield case, name, value if value > -1 else None
        for kind, value in enumerate(classes):
            yield case, f"map-class-{kind}", value
        if case != 5:
            hits, invented, missed = tallies(evaluation).T
            yield case, "f1", 2 * hits.sum() / (2 * hits + invented + missed).sum()
            objects = hits + missed
            yield case, "recall", (hits[objects > 0] / objects[objects > 0]).mean()
            found = hits + invented
            yield case, "precision", (hits[found > 0] / found[found > 0]).mean()
        # An item of weight two stands there twice.
        weighted = [item for item, weight in zip(items, draw.weights(16)) for _ in range(weight)]
        if case % 3 != 2:
            for name, value in zip(names, coco(weighted)[0].stats):
                yield case, f"weighted-{name}", value if value > -1 else None


# Classes: scikit-learn.


def labels():
    for case in range(CASES):
        draw = Draw(2, case)
        count, kinds = 40 + 10 * case, 2 + case
        truth = draw.many(1, count, kinds)
        # Some classes are rare, and in some cases one has no truth.
        truth = np.where(draw.many(2, count, 3) == 0, 0, truth)
        scores = np.stack([draw.many(100 + it, kinds, 1 << 20) for it in range(count)]).astype(np.float64)
        scores[np.arange(count), truth] += draw.many(3, count, 1 << 20)
        scores /= 1 << 21
        best = scores.argmax(axis=1)
        for prefix, weights in (("", None), ("weighted-", draw.weights(count))):
            yield case, prefix + "balanced-accuracy", metrics.balanced_accuracy_score(truth, best, sample_weight=weights)
            yield case, prefix + "top-1", metrics.accuracy_score(truth, best, sample_weight=weights)
            yield case, prefix + "macro-f1", metrics.f1_score(
                truth, best, average="macro", sample_weight=weights, zero_division=0)
            if 5 < kinds:
                yield case, prefix + "top-5", metrics.top_k_accuracy_score(
                    truth, scores, k=5, labels=np.arange(kinds), sample_weight=weights)
        matrix = metrics.confusion_matrix(truth, best, labels=np.arange(kinds))
        for row, column in ((0, 0), (1, 0), (kinds - 1, kinds - 1)):
            yield case, f"confusion-{row}-{column}", matrix[row, column]
        recalls = metrics.recall_score(truth, best, labels=np.arange(kinds), average=None, zero_division=0)
        for kind in range(min(kinds, 4)):
            if (truth == kind).any():
                yield case, f"recall-{kind}", recalls[kind]
        confidence = scores.max(axis=1).astype(np.float32).astype(np.float64)
        bins = np.minimum((confidence * 10).astype(int), 9)
        gaps = [((confidence - (best == truth))[bins == it]).sum() for it in range(10)]
        yield case, "calibration-error", np.abs(gaps).sum() / count


# Class maps: scikit-learn over all cells.


def places():
    for case in range(CASES):
        draw = Draw(3, case)
        kinds, items, width, height = 2 + case % 6, 6, 20 + case, 15
        truth, answer, weights = [], [], []
        for item in range(items):
            right = draw.many(10 * item, width * height, kinds)
            right = np.where(draw.many(10 * item + 1, width * height, 20) == 0, 255, right)
            given = np.where(draw.many(10 * item + 2, width * height, 3) == 0, draw.many(10 * item + 3, width * height, kinds + 1), right)
            given = np.where(given == 255, 0, given)
            truth.append(right[right != 255])
            answer.append(given[right != 255])
            weights.append(np.full(len(truth[-1]), draw.one(4000, item, 4)))
        truth, answer = np.concatenate(truth), np.concatenate(answer)
        for prefix, weights in (("", None), ("weighted-", np.concatenate(weights))):
            yield case, prefix + "mean-iou", metrics.jaccard_score(truth, answer, average="macro", sample_weight=weights)
            yield case, prefix + "mean-dice", metrics.f1_score(truth, answer, average="macro", sample_weight=weights, zero_division=0)
            yield case, prefix + "pixel-accuracy", metrics.accuracy_score(truth, answer, sample_weight=weights)
        for kind, value in enumerate(metrics.jaccard_score(truth, answer, average=None)):
            yield case, f"iou-class-{kind}", value


# Mattes.


def mattes():
    for case in range(CASES):
        draw = Draw(4, case)
        sums = []
        for item in range(5):
            truth = draw.many(10 * item, 300, 256)
            answer = np.clip(truth + draw.many(10 * item + 1, 300, 81) - 40, 0, 255)
            if case % 2 == 0:
                truth, answer = (truth > 127) * 255, (answer > 127) * 255
            share = np.minimum(truth, answer).sum() / np.maximum(truth, answer).sum()
            if case % 2 == 0:
                assert math.isclose(share, metrics.jaccard_score(truth > 0, answer > 0))
            sums.append((
                share,
                metrics.mean_absolute_error(truth / 255, answer / 255),
                metrics.mean_squared_error(truth / 255, answer / 255),
            ))
        for prefix, weights in (("", None), ("weighted-", draw.weights(5))):
            for name, value in zip(("mean-iou", "mae", "mse"), np.average(sums, axis=0, weights=weights)):
                yield case, prefix + name, value


# Pictures: scikit-image.


def pictures_of(draw, case, item, width, height):
    y, x = np.mgrid[0:height, 0:width]
    grain = draw.many(10 * item, width * height, 8).reshape(height, width)
    truth = 40 + x * 90 // width + y * 30 // height + np.where((x // 17 + y // 11) % 2 == 0, 70, 0) + grain
    spread = 1 + 6 * case
    noise = draw.many(10 * item + 1, width * height, 2 * spread + 1).reshape(height, width) - spread
    return truth.astype(np.uint8), np.clip(truth + noise, 0, 255).astype(np.uint8)


def averaged(picture):
    """As the MATLAB of the paper of 2004 looks at large pictures: imfilter(…, ones(f) / f², 'symmetric', 'same')(1:f:end, 1:f:end),
    whose kernel has its centre at floor((f + 1) / 2), counted from one."""
    factor = max(1, round(min(picture.shape) / 256))
    before, after = (factor - 1) // 2, factor // 2
    padded = np.pad(picture.astype(np.float64), (before, after), mode="symmetric")
    means = np.lib.stride_tricks.sliding_window_view(padded, (factor, factor)).mean(axis=(2, 3))
    return means[::factor, ::factor]


def pictures():
    for case in range(CASES):
        draw = Draw(5, case)
        # The last two are looked at by averages of 2 × 2 and 3 × 3.
        width, height = {10: (640, 480), 11: (800, 720)}.get(case, (64 + 8 * case, 48))
        indices, errors = [], []
        for item in range(3 if case < 10 else 1):
            truth, answer = pictures_of(draw, case, item, width, height)
            indices.append(structural_similarity(
                averaged(answer), averaged(truth), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255))
            errors.append((truth, answer))
        yield case, "ssim", np.mean(indices)
        truth, answer = (np.concatenate([it[n] for it in errors]) for n in (0, 1))
        yield case, "psnr-db", peak_signal_noise_ratio(truth, answer, data_range=255)
        yield case, "mean-psnr-db", np.mean([peak_signal_noise_ratio(*it, data_range=255) for it in errors])


# Sound: fast_bss_eval and pystoi.


def sounds_of(draw, case, item, length):
    """Noise that rises and falls as speech does, and the same with noise that stays."""
    at = np.arange(length)
    period = length // 8
    rise = np.abs((at % period) * 256 // period - 128)
    loudness = np.where(rise < 24, 0, rise)
    speech = (draw.many(10 * item, length, 1 << 16) - (1 << 15)) * loudness
    noise = (draw.many(10 * item + 1, length, 1 << 16) - (1 << 15)) * (1 + 9 * case)
    return speech / (1 << 23), (speech + noise) / (1 << 23)


def sounds():
    for case in range(CASES):
        draw = Draw(6, case)
        rate = [10_000, 16_000, 48_000, 44_100, 8_000, 22_050][case % 6]
        pairs = [sounds_of(draw, case, it, rate) for it in range(3)]
        yield case, "si-sdr-db", ratio(*(np.concatenate([it[n] for it in pairs]) for n in (0, 1)))
        yield case, "mean-si-sdr-db", np.mean([ratio(*it) for it in pairs])
        yield case, "stoi", np.mean([stoi(*it, rate) for it in pairs])


def ratio(truth, answer):
    return float(si_sdr(truth[None], answer[None], zero_mean=False)[0])


# Scores: scipy.


def scores():
    for case in range(CASES):
        draw = Draw(7, case)
        count, levels = 5 + 10 * case, 4 if case % 3 == 0 else 1000
        truth, answer = draw.many(1, count, levels), draw.many(2, count, levels)
        answer = answer + truth * (case % 4)
        yield case, "rank-correlation", spearmanr(answer, truth).statistic
        weights = draw.weights(count)
        yield case, "weighted-rank-correlation", spearmanr(np.repeat(answer, weights), np.repeat(truth, weights)).statistic


# Text: jiwer.

WORDS = ["a", "of", "exit", "news", "Übung", "sport", "weather", "café", "2026", "tonight"]


def texts():
    for case in range(CASES):
        draw = Draw(8, case)
        truths, answers = [], []
        for item in range(8):
            words = [WORDS[it] for it in draw.many(10 * item, draw.one(10 * item + 1, 0, 9), len(WORDS))]
            heard = []
            for at, word in enumerate(words):
                change = draw.one(10 * item + 2, at, 8)
                other = WORDS[draw.one(10 * item + 3, at, len(WORDS))]
                heard.extend({0: [], 1: [other], 2: [word, other], 3: [word[:-1] + "x"]}.get(change, [word]))
            truths.append(" ".join(words))
            answers.append(" ".join(heard))
        yield case, "word-error-rate", jiwer.wer(truths, answers)
        yield case, "character-error-rate", jiwer.cer(truths, answers)
        yield case, "exact-match", np.mean([a == b for a, b in zip(truths, answers)])
        both = list(zip(truths, answers, draw.weights(8)))
        repeated = [[it[n] for it in both for _ in range(it[2])] for n in (0, 1)]
        yield case, "weighted-word-error-rate", jiwer.wer(*repeated)
        yield case, "weighted-character-error-rate", jiwer.cer(*repeated)


if __name__ == "__main__":
    with open(HERE / "measures.txt", "w") as file:
        for kind in (boxes, labels, places, mattes, pictures, sounds, scores, texts):
            for case, name, value in kind():
                shown = "none" if value is None else repr(float(value))
                file.write(f"{kind.__name__} {case} {name} {shown}\n")
