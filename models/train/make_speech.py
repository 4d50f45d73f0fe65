#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes `examples/media/speech.flac`, 48 kHz: on the left the clean voice, on the right the same in noise.

    python models/train/make_speech.py --out examples/media

Two voices that no model of `models/` was trained on, Carlo Flora (Italian) and IvrvoiceRU (Russian), both under
CC-BY-3.0, over a fan, typing, murmur and a street that were not either. These are computed, and the murmur is
synthesized, so that the recording has no other license. The voices hold nothing above 8 kHz.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

import sounds
from sounds import RATE

SECONDS = 16
# What is behind the voice in each fourth of the recording, and how far below it, dB.
SCENES = [(["fan"], 6), (["fan", "keyboard"], 4), (["babble"], 5), (["street", "pink"], 3)]
MURMUR = ["en-us+f5", "de+f2", "sv+m4", "pl+f1", "hu+f3", "pt+m2"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("examples/media"))
    parser.add_argument("--root", default="/", help="where the Debian packages with voices are unpacked")
    arguments = parser.parse_args()
    half = SECONDS // 2 * RATE
    speakers = dict(sounds.voices(sounds.HELD_OUT_VOICES, arguments.root, most=60))
    clean = np.concatenate([speakers[it][20 * RATE:20 * RATE + half] / 32767.0
                            for it in ("Carlo, Italian", "IvrvoiceRU, Russian")])
    pool = sounds.noise_pool(777, [np.tile(sounds.synthesized(it), 3) for it in MURMUR], [], seconds=SECONDS, draws=1)
    noise, quarter = np.zeros(len(clean)), len(clean) // 4
    for n, (kinds, below) in enumerate(SCENES):
        # Each comes and goes over half a second, so that the noise does not click.
        window = np.interp(np.arange(len(clean)), [n * quarter - RATE // 4, n * quarter + RATE // 4,
                                                   (n + 1) * quarter - RATE // 4, (n + 1) * quarter + RATE // 4],
                           [0 if n else 1, 1, 1, 0 if n < 3 else 1])
        part = sum(pool[kind][0][:len(clean)] for kind in kinds)
        noise += window * part * (0.1 / part.std() * 10 ** (-below / 20))
    # Quiet enough that no sample is cut and that the file stays below a megabyte.
    gain = 0.4
    arguments.out.mkdir(parents=True, exist_ok=True)
    both = gain * np.stack([clean, clean + noise], axis=1)
    soundfile.write(arguments.out / "speech.flac", both, RATE, subtype="PCM_16")
    print(f"speech.flac: {len(both) / RATE:g} s, peak {np.abs(both).max():.2f}")


if __name__ == "__main__":
    main()
