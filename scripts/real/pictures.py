# SPDX-License-Identifier: MPL-2.0
"""Pictures and sound that the models are tried on: photographs out of scikit-image, drawn text, the speech of examples/."""

import subprocess
from functools import lru_cache

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from .packages import CACHE

SPEECH = CACHE.parents[1] / "examples" / "media" / "speech.flac"


def astronaut():
    """One face, 512x512."""
    return skimage.data.astronaut()


def astronaut_wide():
    """The same face in a frame that is not square: 512x384."""
    return skimage.data.astronaut()[:384]


def face(size):
    """The face alone, a square that is transposed, as MTCNN feeds its second and third net."""
    crop = Image.fromarray(skimage.data.astronaut()[70:200, 160:290]).resize((size, size), Image.BOX)
    return np.asarray(crop).transpose(1, 0, 2).copy()


def walk(frames=5):
    """The astronaut, seen through a window that moves: frames of 448x448."""
    picture = skimage.data.astronaut()
    return [picture[2 * index:2 * index + 448, 4 * index:4 * index + 448].copy() for index in range(frames)]


def blank(width, height, color="white"):
    image = Image.new("RGB", (width, height), color)
    return image, ImageDraw.Draw(image)


def text_page():
    """Three lines of print, 960x736: both sides are multiples of 32, and the smaller is what text detectors ask for."""
    image, draw = blank(960, 736)
    font = ImageFont.load_default(42)
    for row, line in enumerate(("The quick brown fox", "jumps over the lazy dog", "Invoice 2026-11-28")):
        draw.text((90, 120 + 190 * row), line, fill="black", font=font)
    return np.asarray(image)


def text_line(text="HELLO WORLD 2026", width=480, height=48):
    image, draw = blank(width, height)
    draw.text((16, height // 8), text, fill="black", font=ImageFont.load_default(height * 0.62))
    return np.asarray(image)


def upside_down():
    """A line of print that stands on its head, 192x48."""
    return text_line("Hello 2026", 192)[::-1, ::-1].copy()


def captcha():
    """Six letters and digits on a tinted ground, 160x60."""
    image, draw = blank(160, 60, (236, 240, 250))
    draw.text((14, 10), "K7XW2B", fill=(40, 60, 130), font=ImageFont.load_default(34))
    return np.asarray(image)


def digits():
    """Five digits, 155x50."""
    image, draw = blank(155, 50, (250, 246, 236))
    draw.text((18, 5), "48215", fill=(30, 90, 60), font=ImageFont.load_default(36))
    return np.asarray(image)


def words():
    """Some words in places of their own, 400x300, for a detector of what to click."""
    image, draw = blank(400, 300, (200, 220, 205))
    for place, word in (((40, 40), "A"), ((280, 60), "7"), ((150, 180), "K"), ((310, 220), "B")):
        draw.text(place, word, fill=(120, 20, 40), font=ImageFont.load_default(52))
    return np.asarray(image)


def document(width=800, height=1000):
    """A page with a headline, paragraphs and a table."""
    image, draw = blank(width, height)
    draw.text((80, 60), "Annual Report of the Laboratory", fill="black", font=ImageFont.load_default(38))
    body = ImageFont.load_default(18)
    sentence = "Measurements were taken on each day of the year and are told below."
    for row in range(14):
        draw.text((80, 140 + 26 * row), sentence, fill="black", font=body)
    for row in range(7):
        draw.line((80, 560 + 40 * row, 720, 560 + 40 * row), fill="black", width=2)
        for column in range(4):
            if row < 6:
                draw.text((100 + 160 * column, 570 + 40 * row), f"{row * 17 + column * 5}.{row}", fill="black", font=body)
    for column in range(5):
        draw.line((80 + 160 * column, 560, 80 + 160 * column, 800), fill="black", width=2)
    draw.text((80, 850), "Table 1: what was measured", fill="black", font=body)
    return np.asarray(image)


def title_page():
    """The back of a title page, with the number of the book: 800x1000."""
    image, draw = blank(800, 1000)
    draw.text((100, 500), "ISBN 7-302-51234-5", fill="black", font=ImageFont.load_default(30))
    return np.asarray(image)


def lying_document():
    """The page turned by a quarter, 256x256."""
    page = Image.fromarray(document(1000, 1000)).resize((256, 256), Image.LANCZOS)
    return np.rot90(np.asarray(page)).copy()


def plate():
    """A blue number plate on a gray car, 640x480."""
    image, draw = blank(640, 480, (118, 122, 126))
    draw.rectangle((120, 90, 520, 400), fill=(92, 96, 104))
    draw.rectangle((220, 250, 420, 314), fill=(20, 60, 160), outline="white", width=3)
    draw.text((238, 252), "A·F0236", fill="white", font=ImageFont.load_default(48))
    return np.asarray(image)


@lru_cache
def speech():
    """A minute of speech: 16-bit samples at 16 kHz, as GStreamer decodes and resamples the file, over and over."""
    done = subprocess.run(["gst-launch-1.0", "-q", "filesrc", f"location={SPEECH}", "!", "flacparse", "!", "flacdec", "!",
                           "audioconvert", "!", "audioresample", "!", "audio/x-raw,format=S16LE,rate=16000,channels=1", "!",
                           "fdsink"], capture_output=True, check=True)
    samples = np.frombuffer(done.stdout, "<i2")
    return np.tile(samples, -(-60 * 16000 // len(samples)))[:60 * 16000]
