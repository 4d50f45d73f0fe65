# SPDX-License-Identifier: MPL-2.0
"""Voices, noises and music that the training scripts share, as float32 or int16 at 48 kHz mono.

Recorded voices come from Debian packages (`material.py` lists them), decoded by libsndfile
and, for G.722, `ffmpeg`; synthesized ones from
`espeak-ng`. Noises are computed here, besides the recorded sounds of openttd-opensfx. What is measured with is never
learned from: other speakers and languages, other kinds or at least other draws of noise.
"""

import io
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

RATE = 48000

ASTERISK = "usr/share/asterisk/sounds/"
FILLETS = "usr/share/games/fillets-ng/sound/"
# Folder and file pattern of each speaker. Of the two Czech folders of a game each holds several actors.
TRAINING_VOICES = {
    "Allison, English": (ASTERISK + "en_US_f_Allison", "*.g722"),
    "Allison, Spanish": (ASTERISK + "es_MX_f_Allison", "*.g722"),
    "June, French": (ASTERISK + "fr_CA_f_June", "*.g722"),
    "small fish, Czech": (FILLETS, "*/cs/*-m-*.ogg"),
    "big fish, Czech": (FILLETS, "*/cs/*-v-*.ogg"),
    "others, Czech": (FILLETS, "*/cs/*-[!mv]*-*.ogg"),
}
HELD_OUT_VOICES = {
    "Carlo, Italian": (ASTERISK + "it_IT_m_Carlo", "*.g722"),
    "IvrvoiceRU, Russian": (ASTERISK + "ru_RU_f_IvrvoiceRU", "*.g722"),
    "alsa-utils, English": ("usr/share/sounds/alsa", "[FRS]*_*.wav"),
}
# Only murmurs behind held-out voices.
HELD_OUT_BABBLE = {"Dutch": (FILLETS, "*/nl/*.ogg")}
SYNTHESIZED = ["en-us+m3", "en-gb+f2", "de+m1", "sv+f4", "pl+m7", "pt+f3", "hu+m2", "tr+f1"]
TEXT = {
    "en": "The quick brown fox jumps over the lazy dog. We measured it twice, and it was never quite the same. Please "
          "call again tomorrow between three and five. She sells sea shells, he thinks of something else.",
    "de": "Der Zug fährt um acht Uhr ab. Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Heute ist es kalt.",
    "sv": "Tåget går klockan åtta. Flygande bäckasiner söka hwila på mjuka tuvor. Idag är det kallt ute.",
    "pl": "Pociąg odjeżdża o ósmej. Pchnąć w tę łódź jeża lub ośm skrzyń fig. Dzisiaj jest zimno na dworze.",
    "pt": "O comboio parte às oito. Um pequeno jabuti xereta viu dez cegonhas felizes. Hoje está frio lá fora.",
    "hu": "A vonat nyolckor indul. Árvíztűrő tükörfúrógép. Ma hideg van odakint, vegyél kabátot.",
    "tr": "Tren saat sekizde kalkıyor. Pijamalı hasta yağız şoföre çabucak güvendi. Bugün dışarısı soğuk.",
}


def decode(source):
    """A recording as float32 at 48 kHz mono. The source is a path or an open file of what libsndfile reads."""
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    # Some old sounds have rates such as 11127 Hz; a pitch that is off by a thousandth is worth a short filter.
    ratio = Fraction(RATE, rate).limit_denominator(200)
    return signal.resample_poly(samples.mean(1), ratio.numerator, ratio.denominator).astype(np.float32)


def decode_g722(paths):
    """Recordings of one voice, one after the other. G.722 has no header, so the files are simply joined."""
    command = "ffmpeg -v error -f g722 -i pipe:0 -f f32le -ac 1 -ar 48000 -".split()
    joined = b"".join(Path(it).read_bytes() for it in paths)
    return np.frombuffer(subprocess.run(command, input=joined, stdout=subprocess.PIPE, check=True).stdout, np.float32)


def files(root, place):
    folder, pattern = place
    return sorted(it for base in {Path(root), Path("/")} for it in (base / folder).glob(pattern))


def concatenated(paths, most):
    """What is said in these files, one after the other at the same level: int16, about so many seconds."""
    paths = [Path(it) for it in np.random.default_rng(0).permutation([str(it) for it in paths])]
    if paths and paths[0].suffix == ".g722":
        sizes = np.cumsum([it.stat().st_size for it in paths])
        # 8000 bytes are a second.
        voice = decode_g722(paths[:int(np.searchsorted(sizes, most * 8000)) + 1])
        return leveled(voice)
    pieces, length = [], 0
    for path in paths:
        if length > most * RATE:
            break
        voice = decode(path)
        if len(voice) > 0.7 * RATE:
            pieces += [leveled(voice), np.zeros(RATE // 5, np.int16)]
            length += len(voice)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)


def leveled(voice):
    """With an RMS of 0.1 while it speaks, as int16."""
    return (np.clip(voice * (0.1 / max(1e-4, level(voice))), -1, 1) * 32767).astype(np.int16)


def level(voice):
    """RMS of what is not a pause."""
    frames = voice[:len(voice) // 480 * 480].reshape(-1, 480)
    power = (frames.astype(np.float64) ** 2).mean(1)
    loud = power[power > power.max() * 1e-3]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def synthesized(voice):
    out = subprocess.run(["espeak-ng", "-v", voice, "--stdout", TEXT[voice[:2]]], stdout=subprocess.PIPE, check=True).stdout
    rate = struct.unpack("<I", out[24:28])[0]
    # The header of a piped file says nothing true about lengths.
    samples = np.frombuffer(out[44:len(out) // 2 * 2], np.int16) / 32768
    return leveled(signal.resample_poly(samples, RATE, rate))


def voices(catalogue, root, most=240):
    """Speaker and recording. Those whose package is missing are left out."""
    for speaker, place in catalogue.items():
        samples = concatenated(files(root, place), most)
        if len(samples):
            yield speaker, samples
        else:
            print(f"{speaker}: nothing in {place[0]}, going on without")


# ---- noises ----------------------------------------------------------------------------------------------------------

def colored(rng, count, slope):
    """Noise whose power falls by `slope` dB an octave."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20) / 1000)
    return np.fft.irfft(spectrum * 10 ** (-slope * octaves / 20), count)


def hum(rng, count):
    """Mains hum with harmonics that drift a little, over faint noise."""
    base = rng.choice([50, 60]) * rng.uniform(0.995, 1.005)
    t = np.arange(count) / RATE
    tones = sum(rng.uniform(0, 1) / n ** rng.uniform(0.3, 1.2) * np.sin(2 * np.pi * base * n * t + rng.uniform(0, 6))
                for n in range(1, int(rng.integers(6, 40))))
    return tones + 0.05 * rng.uniform(0.2, 2) * tones.std() * colored(rng, count, 3) / 1.0


def fan(rng, count):
    """Air through blades: broad noise with resonances, modulated by the turning, and blade tones."""
    noise = colored(rng, count, rng.uniform(3, 7))
    noise /= noise.std()
    for _ in range(3):
        b, a = signal.iirpeak(rng.uniform(100, 4000), rng.uniform(1, 6), RATE)
        noise = noise + rng.uniform(0.3, 1.5) * signal.lfilter(b, a, noise)
    t, turn = np.arange(count) / RATE, rng.uniform(8, 40)
    wobble = 1 + rng.uniform(0, 0.4) * np.sin(2 * np.pi * turn * t)
    blades = sum(rng.uniform(0, 0.25) / n * np.sin(2 * np.pi * turn * rng.integers(3, 8) * n * t) for n in range(1, 5))
    return noise * wobble + blades


def keyboard(rng, count):
    """Keys: pairs of short clicks with resonances, at the irregular pace of typing, over a faint room."""
    out = 0.01 * colored(rng, count, 3)
    at = 0.0
    while (start := int(at * RATE)) < count - 6000:
        for delay, loud in ((0, 1.0), (rng.uniform(0.05, 0.1), rng.uniform(0.2, 0.6))):
            length = int(rng.uniform(0.008, 0.03) * RATE)
            click = rng.normal(size=length) * np.exp(-np.arange(length) / (length / 5))
            low = rng.uniform(500, 2500)
            b, a = signal.butter(1, [low, low * rng.uniform(2, 4)], "band", fs=RATE)
            begin = start + int(delay * RATE)
            out[begin:begin + length] += loud * rng.uniform(0.5, 1.5) * signal.lfilter(b, a, click)[:max(0, count - begin)] * 8
        at += rng.gamma(2.0, 0.08) + (rng.random() < 0.08) * rng.uniform(0.3, 1.0)
    return out


def street(rng, count):
    """A low rumble whose loudness and color come and go, as cars pass."""
    dark, light = colored(rng, count, 6), colored(rng, count, 3)
    swell = lambda: np.interp(np.arange(count), np.linspace(0, count, 3 + count // (2 * RATE)),
                              10 ** rng.uniform(-1, 0.3, 3 + count // (2 * RATE)))
    return dark / dark.std() * swell() + 0.6 * light / light.std() * swell()


def rain(rng, count):
    """Hiss and thousands of drops."""
    drops = np.zeros(count)
    places = rng.integers(0, count, int(count / RATE * rng.uniform(200, 1500)))
    drops[places] = rng.gamma(0.5, 1.0, len(places)) * rng.choice([-1, 1], len(places))
    b, a = signal.butter(1, [rng.uniform(800, 3000), rng.uniform(6000, 16000)], "band", fs=RATE)
    drops = signal.lfilter(b, a, drops)
    hiss = colored(rng, count, rng.uniform(-1, 2))
    return drops / drops.std() + rng.uniform(0.2, 1.0) * hiss / hiss.std()


def murmur(rng, count, speakers):
    """Five to nine people at once, at different distances."""
    out = np.zeros(count)
    for _ in range(rng.integers(5, 10)):
        voice = speakers[rng.integers(len(speakers))]
        start = rng.integers(max(1, len(voice) - count))
        part = voice[start:start + count] / 32768
        part = np.pad(part, (0, count - len(part)))
        b, a = signal.butter(1, rng.uniform(1500, 8000), fs=RATE)
        out += rng.uniform(0.3, 1) * signal.lfilter(b, a, part)
    return out


MADE = {"white": lambda rng, n: rng.normal(size=n), "pink": lambda rng, n: colored(rng, n, 3), "hum": hum, "fan": fan,
        "keyboard": keyboard, "street": street, "rain": rain,
        "colored": lambda rng, n: colored(rng, n, rng.uniform(-2, 7))}


def recorded(root):
    """The sounds inside openttd-opensfx, at least a second long: machines, vehicles, sawmills, the sea."""
    path = Path(root) / "usr/share/games/openttd/baseset/opensfx/opensfx.cat"
    if not path.is_file():
        print(f"{path} is missing: going on without recorded noises")
        return []
    data = path.read_bytes()
    count = (struct.unpack("<I", data[:4])[0] & 0x7FFFFFFF) // 8  # the index ends where the first sound begins
    sounds = []
    for n in range(count):
        offset, size = struct.unpack("<II", data[8 * n:8 * n + 8])
        entry = data[offset & 0x7FFFFFFF:][:size + 300]
        start = entry.find(b"RIFF")
        if start < 0 or size < RATE // 4:
            continue
        try:
            samples = decode(io.BytesIO(entry[start:]))
        except soundfile.LibsndfileError:
            continue
        if len(samples) > RATE and samples.std() > 1e-3:
            sounds.append((samples / samples.std()).astype(np.float32))
    return sounds


def looped(rng, sounds, count):
    """Recorded sounds one after the other until the time is full."""
    out = np.zeros(0, np.float32)
    while len(out) < count:
        out = np.concatenate([out, sounds[rng.integers(len(sounds))]])
    return out[:count]


def noise_pool(seed, speakers, sounds, seconds=8, draws=6):
    """Kind of noise and recordings of it, each with RMS 0.1, float32."""
    rng = np.random.default_rng(seed)
    count, pool = seconds * RATE, {}
    kinds = dict(MADE)
    if speakers:
        kinds["babble"] = lambda rng, n: murmur(rng, n, speakers)
    if sounds:
        kinds["recorded"] = lambda rng, n: looped(rng, sounds, n)
    for kind, make in kinds.items():
        takes = [np.asarray(make(rng, count), np.float64) for _ in range(draws)]
        pool[kind] = [(0.1 * it / it.std()).astype(np.float32) for it in takes]
    return pool
