#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Trains, exports and measures the three speech denoisers of `models/`.

    python models/train/train_denoisers.py --size all --minutes 15 --out models
    python models/train/train_denoisers.py --evaluate --out models

Each hears 48 kHz mono in steps of `hop` samples and turns down, in every step, the bands in which it hears noise: a
short Fourier transform, gated recurrent units over the loudness of some bands as in RNNoise (arXiv:1709.08243), a gain
for each band, and back. Everything, transforms and overlap included, is inside the graph:

- `input` [1, hop] and `output` [1, hop] in -1..1;
- every further input is state: zeros first, then the output of the same index of the run before;
- metadata `delay`: output[n] answers for input[n - delay].
"""

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import sounds
from onnx_graph import Graph, digest, latency, parameters, session, table
from sounds import RATE


class Shape(NamedTuple):
    hop: int       # samples a run
    window: int    # samples a transform sees; `window - hop` is the algorithmic delay
    rows: int      # the transform is done as a matrix of this many rows, see `write_transform`
    least: int     # bins of the narrowest band
    spread: float  # width of the others in equivalent rectangular bandwidths (Glasberg & Moore 1990)
    hidden: int
    layers: int


# A longer window hears single harmonics, and waits longer. The sizes differ in delay on purpose: who chooses between
# them must align them.
SHAPES = {"small": Shape(240, 480, 20, 1, 1.6, 28, 1), "medium": Shape(480, 960, 30, 2, 0.9, 72, 1),
          "large": Shape(480, 1440, 36, 1, 0.45, 128, 2)}

BATCH, SECONDS = 16, 2.4
VOICES, NOISES = 1500, 1000
KINDS = ["white", "pink", "hum", "babble", "fan", "keyboard", "recorded"]  # measured; street, rain, colored only teach
SNRS = [0, 5, 10]


# ---- network ---------------------------------------------------------------------------------------------------------

def bands(shape):
    """Weights of bins in bands, [bands, bins]: triangles that overlap by half and add up to one, without the DC bin."""
    width, bins = RATE / shape.window, shape.window // 2
    middles = [1.0]
    while middles[-1] < bins - 1:
        frequency = middles[-1] * width
        step = max(shape.least, shape.spread * 24.7 * (4.37e-3 * frequency + 1) / width)
        middles.append(min(bins - 1.0, middles[-1] + step))
    weights = np.stack([np.interp(np.arange(bins), middles, row) for row in np.eye(len(middles))])
    weights[:, 0] = 0
    return weights.astype(np.float32)


def windows(shape):
    """What frames are multiplied with before and after; together they add up to one over the overlapping frames."""
    root = np.sin(np.pi * np.arange(shape.window) / shape.window)
    return root * 2 / shape.window, root * 2 * shape.hop / shape.window


class Denoiser(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.register_buffer("bands", torch.from_numpy(bands(shape)))
        self.register_buffer("before", torch.from_numpy(windows(shape)[0].astype(np.float32)))
        count = len(self.bands)
        self.entry = nn.Linear(count, shape.hidden)
        self.units = nn.ModuleList([nn.GRU(shape.hidden, shape.hidden, batch_first=True) for _ in range(shape.layers)])
        self.answer = nn.Linear(shape.hidden, count)

    def spectrum(self, samples):
        """Complex bins of the frames that a streaming run sees, [batch, frames, bins]."""
        frames = F.pad(samples, (self.shape.window - self.shape.hop, 0)).unfold(1, self.shape.window, self.shape.hop)
        return torch.fft.rfft(frames * self.before)[..., :-1]

    def forward(self, power):
        """Gains of bins, [batch, frames, bins] in 0..1, from their power."""
        loud = power @ self.bands.T
        x = torch.relu(self.entry((torch.log10(loud + 1e-10) + 6) / 2))
        for unit in self.units:
            x = x + unit(x)[0]
        return torch.sigmoid(self.answer(x)) @ self.bands


def write_transform(graph, shape):
    """Two functions that add a transform of `window` real samples, and its inverse, to the graph.

    A transform as one matrix would be most of the file, so it is the first step of a fast one: for a window of
    rows × columns samples, n = columns·n1 + n2 and k = k1 + rows·k2, a transform along n1, a turn by n2·k1, a transform
    along n2. Bins stay in the order (k1, k2) throughout; only the lower half of k2 is kept, which is the lower half of k.
    """
    rows, columns = shape.rows, shape.window // shape.rows
    half = columns // 2
    angle = lambda a, b, n: 2 * np.pi * np.outer(np.arange(a), np.arange(b)) / n
    first, turn, second = angle(rows, rows, rows), angle(rows, columns, shape.window), angle(columns, half, columns)
    c, s = np.cos(turn), np.sin(turn)
    forth = np.block([[np.cos(second), -np.sin(second)], [np.sin(second), np.cos(second)]])
    back = np.block([[np.cos(second).T, np.sin(second).T], [-np.sin(second).T, np.cos(second).T]])

    def transform(frame):
        x = graph.op("Reshape", frame, np.array([rows, columns]))
        x = graph.op("MatMul", np.concatenate([np.cos(first), -np.sin(first)]), x)
        real, imaginary = graph.part(x, 0, rows, 0), graph.part(x, rows, 2 * rows, 0)
        turned = [graph.op("Add", graph.op("Mul", real, c), graph.op("Mul", imaginary, s)),
                  graph.op("Sub", graph.op("Mul", imaginary, c), graph.op("Mul", real, s))]
        return graph.op("MatMul", graph.op("Concat", *turned, axis=1), forth)  # [rows, real | imaginary]

    def inverse(bins):
        x = graph.op("MatMul", bins, back)
        real, imaginary = graph.part(x, 0, columns), graph.part(x, columns, 2 * columns)
        turned = [graph.op("Sub", graph.op("Mul", real, c), graph.op("Mul", imaginary, s)),
                  graph.op("Add", graph.op("Mul", real, s), graph.op("Mul", imaginary, c))]
        x = graph.op("MatMul", np.concatenate([np.cos(first), -np.sin(first)], 1), graph.op("Concat", *turned, axis=0))
        return graph.op("Reshape", x, np.array([1, shape.window]))

    return transform, inverse, half


def export(net, size, seen, path):
    """Writes one streaming step of the network as ONNX."""
    shape, graph = net.shape, Graph(f"denoise-{size}")
    rows, kept = shape.rows, shape.window - shape.hop
    before, after = windows(shape)
    transform, inverse, half = write_transform(graph, shape)
    numbers = lambda it: it.detach().numpy()

    frame = graph.op("Concat", "past", "input", axis=1)
    graph.op("Slice", frame, np.array([shape.hop]), np.array([shape.window]), np.array([1]), name="past_out")
    bins = transform(graph.op("Mul", frame, before[None]))

    # The bands' weights in the transform's order of bins.
    order = (np.arange(rows)[:, None] + rows * np.arange(half)[None]).ravel()
    weights = numbers(net.bands)[:, order]
    square = graph.op("Mul", bins, bins)
    power = graph.op("Add", graph.part(square, 0, half), graph.part(square, half, 2 * half))
    loud = graph.op("Gemm", graph.op("Reshape", power, np.array([1, rows * half])), weights, transB=1)
    # log10(x) = ln(x) / ln(10), then the same shift and scale as in training, in one step.
    logarithm = graph.op("Log", graph.op("Add", loud, np.float32(1e-10)))
    x = graph.op("Add", graph.op("Mul", logarithm, np.float32(0.5 / math.log(10))), np.float32(3))

    dense = lambda layer, x: graph.op("Gemm", x, numbers(layer.weight), numbers(layer.bias), transB=1)
    x = graph.op("Relu", dense(net.entry, x))
    hidden = []
    for n, unit in enumerate(net.units):
        # torch keeps the gates as reset, update, new; ONNX wants update, reset, new.
        swapped = lambda it: np.concatenate([numbers(it).reshape(3, shape.hidden, -1)[g] for g in (1, 0, 2)])
        bias = np.concatenate([swapped(unit.bias_ih_l0), swapped(unit.bias_hh_l0)]).reshape(1, -1)
        hidden.append(f"hidden{n}")
        step = graph.op("Reshape", x, np.array([1, 1, shape.hidden]))
        state = graph.op("GRU", step, swapped(unit.weight_ih_l0)[None], swapped(unit.weight_hh_l0)[None], bias, None,
                         hidden[-1], name=["", f"{hidden[-1]}_out"], hidden_size=shape.hidden, linear_before_reset=1)[1]
        x = graph.op("Add", x, graph.op("Reshape", state, np.array([1, shape.hidden])))
    gains = graph.op("Reshape", graph.op("MatMul", graph.op("Sigmoid", dense(net.answer, x)), weights),
                     np.array([rows, half]))
    cleaned = graph.op("Mul", bins, graph.op("Concat", gains, gains, axis=1))

    part = graph.op("Mul", inverse(cleaned), after[None])
    total = graph.op("Add", part, graph.op("Concat", "tail", np.zeros((1, shape.hop), np.float32), axis=1))
    graph.op("Slice", total, np.array([0]), np.array([shape.hop]), np.array([1]), name="output")
    graph.op("Slice", total, np.array([shape.hop]), np.array([shape.window]), np.array([1]), name="tail_out")

    states = [("past", [1, kept]), ("tail", [1, kept]), *((it, [1, 1, shape.hidden]) for it in hidden)]
    graph.save(path, [("input", [1, shape.hop]), *states],
               [("output", [1, shape.hop]), *((f"{name}_out", dims) for name, dims in states)], {
        "author": "avrec", "license": "CC0-1.0", "name": f"denoise-{size}", "task": "audio", "sample_rate": str(RATE),
        "delay": str(kept), "hop": str(shape.hop), "description": "takes noise away from speech, 48 kHz mono",
        "training_seconds": str(seen)})


# ---- data ------------------------------------------------------------------------------------------------------------

def widened(voice, rng):
    """The voice with something like the sibilants that a 16 kHz recording has lost: its upper band, mirrored at 8 kHz."""
    if rng.random() < 0.5:
        return voice
    spectrum = np.fft.rfft(voice)
    hertz = len(spectrum) / (RATE / 2)
    edge, top = int(7800 * hertz), int(15500 * hertz)
    mirrored = spectrum[2 * edge - top:edge][::-1]
    fall = 10 ** (np.linspace(rng.uniform(-12, 0), rng.uniform(-35, -15), len(mirrored)) / 20)
    spectrum[edge:edge + len(mirrored)] += mirrored * fall
    return np.fft.irfft(spectrum, len(voice)).astype(np.float32)


def colored(samples, rng, depth):
    """As another microphone or room would color it: a smooth random curve over frequency, and then the old level."""
    spectrum = np.fft.rfft(samples)
    points = np.geomspace(60, RATE / 2, 6)
    curve = np.interp(np.log(np.fft.rfftfreq(len(samples), 1 / RATE) + 1), np.log(points), rng.uniform(-depth, depth, 6))
    return np.fft.irfft(spectrum * 10 ** (curve / 20), len(samples)).astype(np.float32)


def excerpt(samples, count, rng, rate=1.0):
    """So many samples from a random place, read at another speed; int16 becomes float."""
    need = int(count * rate) + 2
    start = rng.integers(len(samples) - need)
    piece = samples[start:start + need].astype(np.float32) / (32767 if samples.dtype == np.int16 else 1)
    return np.interp(np.arange(count) * rate, np.arange(need), piece).astype(np.float32) if rate != 1 else piece[:count]


def bank(root, seed):
    """Excerpts to mix from, [VOICES, samples] of speech and [NOISES, samples] of noise, all of one loudness."""
    rng = np.random.default_rng(seed)
    speakers = [it for _, it in sounds.voices(sounds.TRAINING_VOICES, root)]
    speakers += [it for it in map(sounds.synthesized, sounds.SYNTHESIZED) if len(it) > 4 * RATE]
    pool = sounds.noise_pool(seed, speakers, sounds.recorded(root)[::2])
    count, kinds = int(SECONDS * RATE), list(pool)
    voices, noises = np.empty((VOICES, count), np.float32), np.empty((NOISES, count), np.float32)
    for n in range(VOICES):
        voice = excerpt(speakers[rng.integers(len(speakers))], count, rng, rng.uniform(0.85, 1.2))
        voice = colored(widened(voice, rng), rng, 6)
        voices[n] = voice * (0.1 / max(sounds.level(voice), 1e-3))
    for n in range(NOISES):
        takes = pool[kinds[n % len(kinds)]]
        noise = colored(excerpt(takes[rng.integers(len(takes))], count, rng, rng.uniform(0.8, 1.25)), rng, 6)
        noises[n] = noise * (0.1 / max(noise.std(), 1e-4))
    return voices, noises


def cached_bank(root, seed, cache):
    """Made once: all sizes learn from the same excerpts, mixed anew in every step."""
    paths = cache / "voices.npy", cache / "noises.npy"
    if not paths[1].exists():
        cache.mkdir(parents=True, exist_ok=True)
        for path, array in zip(paths, bank(root, seed)):
            np.save(path, array)
    return [np.load(it, mmap_mode="r") for it in paths]


def batch(voices, noises, rng):
    """Clean and noisy speech, [BATCH, samples]."""
    clean, noisy = np.zeros((2, BATCH, voices.shape[1]), np.float32)
    for n in range(BATCH):
        voice = voices[rng.integers(len(voices))]
        noise = noises[rng.integers(len(noises))]
        if rng.random() < 0.3:
            noise = 0.8 * noise + rng.uniform(0.2, 0.6) * noises[rng.integers(len(noises))]
        case, gain = rng.random(), 10 ** (rng.uniform(-20, 6) / 20)
        # Sometimes there is no speech, and sometimes there is no noise: neither is to be made up.
        clean[n] = gain * voice * (case > 0.05)
        noisy[n] = clean[n] + gain * 10 ** (-rng.uniform(-5, 20) / 20) * noise * (case < 0.95)
    return torch.from_numpy(clean), torch.from_numpy(noisy)


# ---- training --------------------------------------------------------------------------------------------------------

def loss_of(net, clean, noisy):
    """Distortion in dB, as it is measured, and squared error of the bands' loudness, as it is heard."""
    with torch.no_grad():
        truth, heard = net.spectrum(clean), net.spectrum(noisy)
        power = lambda it: it.real ** 2 + it.imag ** 2
        right, given = power(truth), power(heard)
        common = heard.real * truth.real + heard.imag * truth.imag
        there = right.sum((1, 2)) > 1e-6
    gains = net(given)
    # |g·heard - truth|², written out so that nothing complex is differentiated.
    wrong = (gains * (gains * given - 2 * common) + right).sum((1, 2))
    right = right.sum((1, 2))
    distortion = 10 * torch.log10((wrong.clamp(min=0) + 1e-4 * right + 1e-9) / (right + 1e-9))[there].mean()
    loud = lambda it: (it @ net.bands.T * 1e6 + 1e-3) ** 0.15
    return 0.1 * distortion + 0.5 * (loud(gains ** 2 * given) - loud(power(truth))).square().mean()


def train(size, minutes, out, seed, root, cache):
    """Trains one size for so many minutes of CPU time; writes it every two minutes and at the end."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    voices, noises = cached_bank(root, 1, cache)
    net, average = Denoiser(SHAPES[size]), Denoiser(SHAPES[size])
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.Adam(net.parameters(), betas=(0.9, 0.98))
    start = saved = time.process_time()
    step, shown = 0, 0.0
    while (progress := (time.process_time() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        loss = loss_of(net, *batch(voices, noises, rng))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(0.995, step / (step + 10))
            for mean, now in zip(average.parameters(), net.parameters()):
                mean.lerp_(now, 1 - keep)
        shown += loss.item() / 50
        if step % 50 == 0:
            print(f"{size}: {progress:4.0%} step {step} loss {shown:.3f}", flush=True)
            shown = 0.0
        if time.process_time() - saved > 120:
            saved = time.process_time()
            export(average, size, int(step * BATCH * SECONDS), out / f"denoise-{size}.onnx")
    export(average, size, int(step * BATCH * SECONDS), out / f"denoise-{size}.onnx")
    print(f"{size}: {step} steps of {BATCH} × {SECONDS} s in {minutes:g} minutes of CPU time")


# ---- evaluation ------------------------------------------------------------------------------------------------------

def stream(model, samples):
    """What comes out of the model, run hop by hop; as long as the input, and late by the model's delay."""
    entries, exits = model.get_inputs(), model.get_outputs()
    hop = entries[0].shape[1]
    state = [np.zeros(it.shape, np.float32) for it in entries[1:]]
    out = []
    for n in range(len(samples) // hop):
        answer = model.run(None, dict(zip((it.name for it in entries), [samples[None, n * hop:(n + 1) * hop], *state])))
        out.append(answer[0][0])
        state = answer[1:len(exits)]
    return np.concatenate(out)


def delay_of(model):
    return int(model.get_modelmeta().custom_metadata_map["delay"])


def si_sdr(answer, truth):
    """Scale-invariant signal-to-distortion ratio in dB (arXiv:1811.02508)."""
    truth, answer = truth - truth.mean(), answer - answer.mean()
    part = np.dot(answer, truth) / np.dot(truth, truth) * truth
    return 10 * math.log10(np.sum(part ** 2) / np.sum((answer - part) ** 2))


def agreement(decibels):
    """SI-SDR as quality in 0..1, as `avrec-switch` counts it: of the energy, the share that is the truth's."""
    return float(np.mean(1 / (1 + 10 ** (-np.array(decibels) / 10))))


def held_out(root, seconds=5):
    """Speaker, noise, SNR, clean and noisy samples; all voices and noises are other ones than in training."""
    rng = np.random.default_rng(99)
    babble = [it for _, it in sounds.voices(sounds.HELD_OUT_BABBLE, root)]
    pool = sounds.noise_pool(4242, babble, sounds.recorded(root)[1::2], seconds=seconds, draws=3)
    for speaker, voice in sounds.voices(sounds.HELD_OUT_VOICES, root, most=90):
        for kind in KINDS:
            for snr in SNRS:
                clean = excerpt(voice, seconds * RATE, rng) if len(voice) > (seconds + 1) * RATE else voice / np.float32(32767)
                noise = pool[kind][rng.integers(len(pool[kind]))][:len(clean)]
                clean = clean * (0.1 / sounds.level(clean))
                noisy = clean + noise * (np.sqrt(np.mean(clean ** 2)) / noise.std() * 10 ** (-snr / 20))
                yield speaker, kind, snr, clean.astype(np.float32), noisy.astype(np.float32)


def measured_delay(model, samples):
    """How late the answer to clean speech agrees best with it, in samples."""
    answer = stream(model, samples)
    count = len(answer)
    spectrum = np.fft.rfft(samples[:count], 2 * count).conj() * np.fft.rfft(answer, 2 * count)
    return int(np.argmax(np.fft.irfft(spectrum)))


def evaluate(out, root):
    """Prints the tables of `models/README.md` and writes the catalogue beside the models."""
    cases = list(held_out(root))
    clean = max((it[3] for it in cases), key=len)
    rows, text = [], 'task = "audio"\nreference = "large"\n'
    before = np.array([si_sdr(noisy, clean) for *_, clean, noisy in cases])
    gains = {}
    for size, shape in SHAPES.items():
        path = out / f"denoise-{size}.onnx"
        model = session(path)
        delay = delay_of(model)
        measured = measured_delay(model, clean)
        assert measured == delay, f"{path} says a delay of {delay} samples and has one of {measured}"
        after = []
        for *_, truth, noisy in cases:
            answer = stream(model, np.pad(noisy, (0, delay + shape.hop)))[delay:delay + len(truth)]
            after.append(si_sdr(answer, truth))
        gains[size] = np.array(after) - before
        quality = agreement(after)
        cost = latency(model, 500)
        rows.append([size, parameters(path), f"{path.stat().st_size / 1000:.0f}", f"{shape.hop} / {delay}", f"{cost:.2f}",
                     f"{cost / 1000 / (shape.hop / RATE):.3f}", f"{gains[size].mean():+.1f}",
                     *(f"{gains[size][[it[2] == snr for it in cases]].mean():+.1f}" for snr in SNRS), f"{quality:.3f}"])
        text += (f'\n[[candidate]]\nname = "{size}"\nmodel = "{path.name}"\nquality = {quality:.3f}\nlicense = "CC0-1.0"\n'
                 f'threads = 1\nsha256 = "{digest(path)}"\n')
    print(f"{len(cases)} recordings; mean SI-SDR of the noisy ones {before.mean():.1f} dB, quality "
          f"{agreement(before):.3f}")
    table(["", "numbers", "file, kB", "hop / delay, samples", "a hop p50, ms", "real-time factor", "SI-SDR gain, dB",
           *(f"at {it} dB" for it in SNRS), "quality"], rows)
    groups = lambda index, names: [[size, *(f"{gains[size][[it[index] == name for it in cases]].mean():+.1f}" for name in names)]
                                   for size in SHAPES]
    table(["SI-SDR gain, dB", *KINDS], groups(1, KINDS))
    names = list(dict.fromkeys(it[0] for it in cases))
    table(["SI-SDR gain, dB", *names], groups(0, names))
    (out / "denoise.toml").write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=[*SHAPES, "all"], help="train this one, or all in turn")
    parser.add_argument("--minutes", type=float, default=15, help="CPU time to train each size")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of the models and the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", default="/", help="where the Debian packages with voices are unpacked")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "avrec-speech"), help="folder for the excerpts to mix")
    parser.add_argument("--evaluate", action="store_true", help="score the models in --out")
    arguments = parser.parse_args()
    if not arguments.size and not arguments.evaluate:
        parser.error("nothing to do: give --size, --evaluate or both")
    for size in SHAPES if arguments.size == "all" else filter(None, [arguments.size]):
        train(size, arguments.minutes, arguments.out, arguments.seed, arguments.root, arguments.cache)
    if arguments.evaluate:
        evaluate(arguments.out, arguments.root)


if __name__ == "__main__":
    main()
