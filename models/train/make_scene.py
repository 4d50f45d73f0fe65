#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes the clip `examples/media/scene.webm`: drawn objects that move over a real film, with their boxes in `scene.csv`.

    python models/train/make_scene.py bigbuckbunny.mp4 --out examples/media

The detectors of `models/` have seen neither this film nor these objects. The film is short, so it is played forwards
and backwards, under a window that moves. GStreamer decodes and encodes (`gst-launch-1.0`, VP8 in WebM).
"""

import argparse
import csv
import math
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

import scenes
from material import HELD_OUT_PHOTOS, photos

WIDTH, HEIGHT, RATE, SECONDS = 640, 360, 25, 11
BITRATE = 950_000


def film(path):
    """Its frames, uint8 [count, 720, 1280, 3]."""
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!", "videoconvert", "!",
               "videoscale", "!", "video/x-raw,format=RGB,width=1280,height=720", "!", "fdsink"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 720, 1280, 3)


class Mover:
    """An object that enters, crosses the picture on a curve, grows or shrinks, turns a little, and leaves."""

    def __init__(self, rng, kind, pictures):
        self.sprite = scenes.sprite(rng, kind, pictures)
        self.length = rng.uniform(3.0, 5.5)
        self.start = 0.0
        side = rng.choice([-1, 1])
        self.path = np.array([WIDTH * (0.5 - 0.65 * side), rng.uniform(0.2, 0.8) * HEIGHT,
                              WIDTH * (0.5 + 0.65 * side), rng.uniform(0.2, 0.8) * HEIGHT])
        self.bend = rng.uniform(-0.25, 0.25) * HEIGHT
        self.size = np.exp(rng.uniform(math.log(34), math.log(150), 2))
        self.turn = rng.uniform(-25, 25) if kind not in (0, 4) else rng.uniform(-120, 120)
        self.light = rng.uniform(0.75, 1.15)

    def at(self, time):
        """Its pixels, left and top at this time, or nothing when it is not there."""
        done = (time - self.start) / self.length
        if not 0 <= done < 1:
            return None
        longest = self.size[0] * (self.size[1] / self.size[0]) ** done
        image = Image.fromarray((self.sprite.pixels * 255).astype(np.uint8), "RGBA")
        image = image.rotate(self.turn * (done - 0.5), Image.BICUBIC, expand=True)
        image = image.crop(image.getchannel("A").point(lambda it: 255 * (it > 40)).getbbox())
        pixels = scenes.scaled(np.asarray(image, np.float32) / 255, longest)
        x = self.path[0] + (self.path[2] - self.path[0]) * done
        y = self.path[1] + (self.path[3] - self.path[1]) * done + self.bend * math.sin(math.pi * done)
        return pixels, round(x - pixels.shape[1] / 2), round(y - pixels.shape[0] / 2)


def cast(rng, pictures):
    """The objects: one of each kind in turn, a new one every 0.6 s, and some shapes that are nobody's."""
    movers, time = [], -2.0
    kinds = list(rng.permutation(len(scenes.CLASSES)))
    while time < SECONDS:
        kinds = kinds or list(rng.permutation(len(scenes.CLASSES)))
        mover = Mover(rng, int(kinds.pop()) if rng.random() > 0.12 else -1, pictures)
        mover.start = time
        movers.append(mover)
        time += rng.uniform(0.4, 0.8)
    return movers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path, help="a clip of at least some seconds")
    parser.add_argument("--out", type=Path, default=Path("examples/media"))
    parser.add_argument("--seed", type=int, default=77)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(arguments.seed)
    source = film(arguments.film)
    # Pieces of these are seen in the clip: they are in the public domain.
    movers = cast(rng, list(photos({"skimage": HELD_OUT_PHOTOS["skimage"]}, "/")))
    there_and_back = np.concatenate([np.arange(len(source)), np.arange(len(source) - 2, 0, -1)])
    encoder = subprocess.Popen(
        (f"gst-launch-1.0 -q fdsrc blocksize={WIDTH * HEIGHT * 3}"
         f" ! rawvideoparse format=rgb width={WIDTH} height={HEIGHT} framerate={RATE}/1 ! videoconvert"
         f" ! vp8enc target-bitrate={BITRATE} deadline=1 cpu-used=2 keyframe-max-dist=50 end-usage=vbr"
         f" ! webmmux ! filesink location={arguments.out / 'scene.webm'}").split(), stdin=subprocess.PIPE)
    with open(arguments.out / "scene.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["frame", "class", "left", "top", "width", "height"])
        for frame in range(RATE * SECONDS):
            time = frame / RATE
            picture = Image.fromarray(source[there_and_back[frame % len(there_and_back)]])
            zoom = 0.72 + 0.2 * math.sin(2 * math.pi * time / 17)
            x = (1280 - 1280 * zoom) * (0.5 + 0.5 * math.sin(2 * math.pi * time / 13))
            y = (720 - 720 * zoom) * (0.5 + 0.5 * math.cos(2 * math.pi * time / 19))
            window = picture.resize((WIDTH, HEIGHT), Image.BILINEAR, box=(x, y, x + 1280 * zoom, y + 720 * zoom))
            pixels = np.asarray(window, np.float32) / 255
            boxes = []
            for mover in movers:
                if (seen := mover.at(time)) is None:
                    continue
                shape, left, top = seen
                scenes.place(pixels, shape, left, top, mover.light)
                whole = scenes.Box(mover.sprite.kind, left, top, left + shape.shape[1], top + shape.shape[0])
                cut = scenes.Box(whole.kind, max(0, left), max(0, top), min(WIDTH, whole.right), min(HEIGHT, whole.bottom))
                # Later ones lie on top: what they hide for the most part is not there.
                boxes = [it for it in boxes if cut.shared(it) < 0.55 * it.area()]
                inside = cut.right > cut.left and cut.bottom > cut.top and cut.area() > 0.4 * whole.area()
                if whole.kind >= 0 and inside:
                    boxes.append(cut)
            for box in boxes:
                rows.writerow([frame, scenes.CLASSES[box.kind], box.left, box.top, box.right - box.left, box.bottom - box.top])
            encoder.stdin.write((np.clip(pixels, 0, 1) * 255).astype(np.uint8).tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit("the encoder failed")


if __name__ == "__main__":
    main()
