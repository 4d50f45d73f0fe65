# SPDX-License-Identifier: MPL-2.0
"""Draws objects of six kinds and places them into photographs, with boxes that are known to the pixel.

Used by `train_detectors.py` for pictures to learn from and by `make_scene.py` for a clip to look at. Every object is
drawn anew: shape, colors (mostly such as its kind has), pattern, shading and texture are random, and so are its turn, size, sharpness and light in
the scene. Shapes that belong to no class are placed as well, so that "something drawn" is not enough to be found.
"""

import io
import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ["ball", "cone", "sign", "cup", "arrow", "box"]

# Objects are drawn at this size and made smaller when placed, which smooths their edges.
CANVAS = 256


class Sprite(NamedTuple):
    pixels: np.ndarray  # [height, width, 4] in 0..1: RGB and opacity, cut to what can be seen
    kind: int           # index into CLASSES, or -1 for what belongs to none


class Box(NamedTuple):
    kind: int
    left: float
    top: float
    right: float
    bottom: float

    def area(self):
        return (self.right - self.left) * (self.bottom - self.top)

    def shared(self, other):
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)


# ---- drawing ---------------------------------------------------------------------------------------------------------

def color(rng, vivid=0.5):
    """A random color, as a tuple of three of 0..255; `vivid` is how often it is a saturated one."""
    if rng.random() < vivid:
        hue = rng.random()
        wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
        rgb = rng.uniform(0.5, 1) * (1 - rng.uniform(0.5, 1) * (1 - wheel))
    else:
        rgb = rng.uniform(0.05, 1) * rng.uniform(0.7, 1, 3)
    return tuple(int(255 * it) for it in rgb)


def near(rng, *choices):
    """Mostly one of these colors, a little off, as things of one kind have them; sometimes any."""
    if rng.random() < 0.15:
        return color(rng, 0.7)
    return tuple(int(it) for it in np.clip(np.array(choices[rng.integers(len(choices))]) + rng.normal(size=3) * 14, 0, 255))


def contrast(rng, other):
    """A color whose lightness differs from the other's."""
    light = np.dot(other, [0.3, 0.59, 0.11])
    for _ in range(8):
        candidate = color(rng, 0.4)
        if abs(np.dot(candidate, [0.3, 0.59, 0.11]) - light) > 80:
            return candidate
    return (245, 245, 245) if light < 128 else (15, 15, 15)


def blank():
    image = Image.new("RGBA", (CANVAS, CANVAS))
    return image, ImageDraw.Draw(image)


def masked(pattern, shape):
    """The pattern where the shape is opaque."""
    out = Image.new("RGBA", (CANVAS, CANVAS))
    out.paste(pattern, (0, 0), shape)
    return out


def shaded(image, light):
    """Multiplies the colors by a field of light, [CANVAS, CANVAS]."""
    pixels = np.asarray(image, np.float32).copy()
    pixels[..., :3] = np.clip(pixels[..., :3] * light[..., None], 0, 255)
    return Image.fromarray(pixels.astype(np.uint8), "RGBA")


def ball(rng):
    """A shaded sphere, plain or with stripes, panels or a beach ball's sectors."""
    first = near(rng, (235, 235, 235), (225, 60, 50), (60, 90, 220), (250, 210, 40), (60, 180, 80), (230, 130, 40))
    second = contrast(rng, first)
    pattern = Image.new("RGBA", (CANVAS, CANVAS), first + (255,))
    draw = ImageDraw.Draw(pattern)
    style = rng.integers(4)
    if style == 1:
        wide = int(rng.integers(20, 60))
        for y in range(0, CANVAS, 2 * wide):
            draw.rectangle([0, y, CANVAS, y + wide], fill=second)
    elif style == 2:
        for _ in range(rng.integers(4, 9)):
            x, y = rng.uniform(0, CANVAS, 2)
            draw.regular_polygon((x, y, rng.uniform(15, 35)), 5, rotation=int(rng.integers(72)), fill=second)
    elif style == 3:
        step = 360 / (2 * int(rng.integers(2, 5)))
        middle = CANVAS * rng.uniform(0.35, 0.65, 2)
        for n in range(0, round(360 / step), 2):
            draw.pieslice([*(middle - 300), *(middle + 300)], n * step, (n + 1) * step, fill=second)
    shape, cut = Image.new("L", (CANVAS, CANVAS)), 8
    ImageDraw.Draw(shape).ellipse([cut, cut, CANVAS - cut, CANVAS - cut], fill=255)
    y, x = (np.mgrid[:CANVAS, :CANVAS] - CANVAS / 2) / (CANVAS / 2 - cut)
    z = np.sqrt(np.clip(1 - x * x - y * y, 0, 1))
    sun = rng.normal(size=3) * [0.5, 0.5, 0.2] + [0, -0.4, 0.8]
    sun /= np.linalg.norm(sun)
    diffuse = np.clip(x * sun[0] + y * sun[1] + z * sun[2], 0, 1)
    shine = diffuse ** rng.integers(10, 40) * rng.uniform(0, 0.8)
    return shaded(masked(pattern.rotate(rng.uniform(0, 360)), shape), 0.35 + 0.8 * diffuse + shine)


def cone(rng):
    """A traffic cone: a slim trunk with bands on a flat base."""
    image, draw = blank()
    body = near(rng, (240, 100, 20), (250, 120, 30), (225, 70, 20), (180, 200, 40))
    band = near(rng, (240, 240, 240), (225, 225, 215))
    tip, foot, base = rng.uniform(8, 22), rng.uniform(60, 85), rng.uniform(85, 120)
    top, bottom, middle = 10, 215, CANVAS / 2
    edge = lambda y: tip + (foot - tip) * (y - top) / (bottom - top)
    draw.polygon([(middle - tip, top), (middle + tip, top), (middle + foot, bottom), (middle - foot, bottom)], fill=body)
    for n in range(rng.integers(1, 4)):
        high = rng.uniform(18, 34)
        y = 50 + n * rng.uniform(48, 58)
        draw.polygon([(middle - edge(y), y), (middle + edge(y), y), (middle + edge(y + high), y + high),
                      (middle - edge(y + high), y + high)], fill=band)
    draw.rounded_rectangle([middle - base, bottom - 6, middle + base, bottom + rng.uniform(15, 32)], 6,
                           fill=body if rng.random() < 0.6 else (40, 40, 40))
    across = (np.arange(CANVAS) - middle) / foot
    light = 1.05 - rng.uniform(0.1, 0.45) * np.abs(across - rng.uniform(-0.4, 0.4))
    return shaded(image, np.broadcast_to(light, (CANVAS, CANVAS)))


def sign(rng):
    """A flat traffic sign: disc, triangle, octagon or rhombus with a rim and a mark."""
    image, draw = blank()
    rim = near(rng, (205, 25, 30), (30, 70, 170), (20, 20, 20), (20, 110, 60))
    face = near(rng, (245, 245, 245), (250, 205, 30)) if rng.random() < 0.7 else contrast(rng, rim)
    mark = contrast(rng, face) if rng.random() < 0.5 else rim
    middle, style = CANVAS / 2, rng.integers(4)
    outer, inner = 116, rng.uniform(80, 98)
    if style == 0:
        draw.ellipse([middle - outer, middle - outer, middle + outer, middle + outer], fill=rim)
        draw.ellipse([middle - inner, middle - inner, middle + inner, middle + inner], fill=face)
    else:
        sides, turn = {1: (3, 180 * int(rng.integers(2))), 2: (8, 0), 3: (4, 45)}[int(style)]
        draw.regular_polygon((middle, middle, outer), sides, rotation=turn, fill=rim)
        draw.regular_polygon((middle, middle, inner), sides, rotation=turn, fill=face)
    reach = inner * (0.45 if style in (1, 3) else 0.65)
    choice = rng.integers(5)
    if choice == 0:
        draw.rectangle([middle - reach, middle - 14, middle + reach, middle + 14], fill=mark)
    elif choice == 1:
        draw.rectangle([middle - 12, middle - reach, middle + 12, middle + reach * 0.4], fill=mark)
        draw.ellipse([middle - 13, middle + reach * 0.55, middle + 13, middle + reach * 0.55 + 26], fill=mark)
    elif choice == 2:
        draw.line([middle - reach, middle - reach, middle + reach, middle + reach], fill=mark, width=20)
        if rng.random() < 0.5:
            draw.line([middle - reach, middle + reach, middle + reach, middle - reach], fill=mark, width=20)
    elif choice == 3:
        text = str(rng.integers(1, 13) * 10)
        draw.text((middle, middle), text, fill=mark, anchor="mm", font_size=int(reach * 1.3))
    return image


def cup(rng):
    """A mug with a handle, seen from slightly above."""
    image, draw = blank()
    glaze = near(rng, (240, 238, 230), (120, 170, 200), (190, 60, 60), (60, 110, 90), (70, 70, 80), (230, 190, 120))
    top, bottom = rng.uniform(40, 70), rng.uniform(205, 225)
    left, right = 30, rng.uniform(165, 185)
    taper, lip = rng.uniform(0, 28), rng.uniform(10, 24)
    grip = rng.uniform(40, 62)
    high = (bottom - top) * rng.uniform(0.25, 0.33)
    waist = (top + bottom) / 2 - 5
    draw.ellipse([right - grip, waist - high, right + grip - 4, waist + high], outline=glaze, width=int(rng.integers(12, 22)))
    draw.polygon([(left, top), (right, top), (right - taper, bottom), (left + taper, bottom)], fill=glaze)
    draw.ellipse([left + taper, bottom - lip, right - taper, bottom + lip], fill=glaze)
    if rng.random() < 0.5:
        stripe = contrast(rng, glaze)
        y = rng.uniform(top + 40, bottom - 60)
        wide = rng.uniform(12, 45)
        inset = lambda at: taper * (at - top) / (bottom - top)
        draw.polygon([(left + inset(y), y), (right - inset(y), y), (right - inset(y + wide), y + wide),
                      (left + inset(y + wide), y + wide)], fill=stripe)
    across = (np.arange(CANVAS) - (left + right) / 2) / (right - left) * 2
    light = 1.1 - rng.uniform(0.15, 0.5) * np.abs(across - rng.uniform(-0.5, 0.5))
    image = shaded(image, np.broadcast_to(np.clip(light, 0.4, 1.2), (CANVAS, CANVAS)))
    draw = ImageDraw.Draw(image)
    rim = tuple(min(255, it + 35) for it in glaze)
    inside = (60, 35, 20) if rng.random() < 0.4 else tuple(int(it * 0.6) for it in glaze)
    draw.ellipse([left, top - lip, right, top + lip], fill=rim)
    draw.ellipse([left + 8, top - lip + 5, right - 8, top + lip - 3], fill=inside)
    return image


def arrow(rng):
    """A block arrow, with or without an outline."""
    image, draw = blank()
    fill = near(rng, (30, 180, 70), (240, 40, 40), (250, 220, 30), (40, 120, 250), (245, 245, 245), (20, 20, 20))
    shaft, head, neck = rng.uniform(18, 45), rng.uniform(75, 110), rng.uniform(110, 170)
    middle = CANVAS / 2
    points = [(12, middle - shaft), (neck, middle - shaft), (neck, middle - head), (244, middle), (neck, middle + head),
              (neck, middle + shaft), (12, middle + shaft)]
    draw.polygon(points, fill=fill)
    if rng.random() < 0.5:
        draw.line(points + points[:2], fill=contrast(rng, fill), width=int(rng.integers(5, 13)), joint="curve")
    return image


def box(rng):
    """A parcel of three visible faces, some with tape or a label."""
    image, draw = blank()
    card = np.array(near(rng, (190, 140, 90), (205, 165, 110), (165, 115, 70)), float)
    turn = rng.uniform(0.25, 1.3)
    tall, deep = rng.uniform(70, 130), rng.uniform(0.3, 0.55)
    wide, long = rng.uniform(75, 110, 2)
    right = np.array([wide * math.cos(turn), wide * math.sin(turn) * deep])
    back = np.array([-long * math.sin(turn), long * math.cos(turn) * deep])
    up = np.array([0, -tall])
    corner = np.array([CANVAS / 2, CANVAS / 2]) - (right + back + up) / 2 + right + back
    at = lambda a, b, c: tuple(corner - a * right - b * back + c * up)
    lights = rng.permutation([1.0, rng.uniform(0.7, 0.85), rng.uniform(0.45, 0.65)])
    paint = lambda light: tuple(int(min(255, it * light)) for it in card)
    draw.polygon([at(0, 0, 0), at(1, 0, 0), at(1, 0, 1), at(0, 0, 1)], fill=paint(lights[0]))
    draw.polygon([at(0, 0, 0), at(0, 1, 0), at(0, 1, 1), at(0, 0, 1)], fill=paint(lights[1]))
    draw.polygon([at(0, 0, 1), at(1, 0, 1), at(1, 1, 1), at(0, 1, 1)], fill=paint(lights[2]))
    if rng.random() < 0.6:
        tape = tuple(int(it) for it in np.clip(card * rng.uniform(0.6, 1.5), 0, 255))
        a, b = 0.5 - rng.uniform(0.06, 0.12), 0.5 + rng.uniform(0.06, 0.12)
        draw.polygon([at(a, 0, 1), at(b, 0, 1), at(b, 1, 1), at(a, 1, 1)], fill=tape)
        draw.polygon([at(a, 0, 1), at(b, 0, 1), at(b, 0, 0.6), at(a, 0, 0.6)], fill=tape)
    if rng.random() < 0.5:
        draw.polygon([at(0, 0.2, 0.3), at(0, 0.7, 0.3), at(0, 0.7, 0.75), at(0, 0.2, 0.75)], fill=(235, 235, 230))
    return image


def distractor(rng, photos):
    """A shape of no class: star, ring, cross, blob, crescent, plain triangle or bar, or a piece of another photograph."""
    image, draw = blank()
    paint = color(rng, 0.6)
    middle, style = CANVAS / 2, rng.integers(7)
    if style == 0:
        sides = int(rng.integers(4, 8))
        turns = np.arange(2 * sides) * math.pi / sides
        reach = np.where(np.arange(2 * sides) % 2, rng.uniform(40, 70), 115)
        draw.polygon([(middle + r * math.cos(t), middle + r * math.sin(t)) for r, t in zip(reach, turns)], fill=paint)
    elif style == 1:
        draw.ellipse([20, 20, 236, 236], outline=paint, width=int(rng.integers(20, 45)))
    elif style == 2:
        thick = rng.uniform(18, 40)
        draw.rectangle([middle - thick, 15, middle + thick, 241], fill=paint)
        draw.rectangle([15, middle - thick, 241, middle + thick], fill=paint)
    elif style == 3:
        turns = np.linspace(0, 2 * math.pi, 40)
        reach = 80 + sum(rng.uniform(-18, 18) * np.cos(n * turns + rng.uniform(0, 6)) for n in (2, 3, 4))
        draw.polygon([(middle + r * math.cos(t), middle + r * math.sin(t)) for r, t in zip(reach, turns)], fill=paint)
    elif style == 4:
        draw.ellipse([20, 20, 236, 236], fill=paint)
        draw.ellipse([70, 0, 290, 220], fill=(0, 0, 0, 0))
    elif style == 5:
        draw.rectangle([20, middle - 40, 236, middle + rng.uniform(10, 40)], fill=paint)
    if style == 6 or rng.random() < 0.4:
        photo = photos[rng.integers(len(photos))]
        x, y = rng.integers(photo.width - 128), rng.integers(photo.height - 128)
        patch = photo.crop((x, y, x + 128, y + 128)).resize((CANVAS, CANVAS))
        shape = image.getchannel("A")
        if style == 6:
            shape = Image.new("L", (CANVAS, CANVAS))
            ImageDraw.Draw(shape).polygon([tuple(it) for it in rng.uniform(10, 246, (5, 2))], fill=255)
        image = masked(patch.convert("RGBA"), shape)
    return image


DRAW = [ball, cone, sign, cup, arrow, box]
# Degrees to either side: arrows and balls point anywhere, cones and cups mostly stand.
TURN = [180, 25, 15, 20, 180, 12]


def sprite(rng, kind, photos):
    """One object, drawn, textured and turned."""
    if kind < 0:
        image, turn = distractor(rng, photos), 180
    else:
        image, turn = DRAW[kind](rng), TURN[kind]
    if rng.random() < 0.3:
        # The grain of a photograph over the paint, as wear and fabric have it.
        photo = photos[rng.integers(len(photos))]
        x, y = rng.integers(photo.width - CANVAS), rng.integers(photo.height - CANVAS)
        grain = np.asarray(photo.crop((x, y, x + CANVAS, y + CANVAS)).convert("L"), np.float32)
        image = shaded(image, 1 + rng.uniform(0.1, 0.6) * (grain - grain.mean()) / 128)
    if rng.random() < 0.5 and kind not in (2,):
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    if rng.random() < 0.4:
        # Foreshortening.
        image = image.resize((round(CANVAS * rng.uniform(0.65, 1)), round(CANVAS * rng.uniform(0.75, 1))), Image.BILINEAR)
    if rng.random() < 0.85 or kind in (0, 4):
        image = image.rotate(rng.uniform(-turn, turn), Image.BICUBIC, expand=True)
    image = image.crop(image.getchannel("A").point(lambda it: 255 * (it > 40)).getbbox())
    return Sprite(np.asarray(image, np.float32) / 255, kind)


# ---- placing ---------------------------------------------------------------------------------------------------------

def scaled(pixels, longest):
    """The sprite with its longer side at so many pixels; opacity is multiplied in, so that edges stay clean."""
    height, width = pixels.shape[:2]
    shrink = longest / max(height, width)
    premultiplied = pixels * np.concatenate([np.repeat(pixels[..., 3:], 3, -1), np.ones_like(pixels[..., 3:])], -1)
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    planes = [np.asarray(Image.fromarray(premultiplied[..., n]).resize(size, Image.BOX if shrink < 0.5 else Image.BILINEAR))
              for n in range(4)]
    return np.stack(planes, -1)


def blurred(pixels, radius):
    """With room around, or the blur would be cut; returns the pixels and the width of that room."""
    room = math.ceil(2 * radius)
    padded = np.pad(pixels, ((room, room), (room, room), (0, 0)))
    image = Image.fromarray((np.clip(padded, 0, 1) * 255).astype(np.uint8), "RGBA")
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255, room


def place(scene, pixels, left, top, light=1.0, opacity=1.0):
    """Draws a premultiplied sprite over the scene, [height, width, 3] in 0..1, in place. Parts outside are cut."""
    height, width = scene.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + pixels.shape[1]), min(height, top + pixels.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = pixels[y0 - top:y1 - top, x0 - left:x1 - left]
    under = scene[y0:y1, x0:x1]
    scene[y0:y1, x0:x1] = under * (1 - opacity * part[..., 3:]) + opacity * light * part[..., :3]


def background(rng, photos, width, height):
    """A random window of a random photograph, [height, width, 3] in 0..1."""
    photo = photos[rng.integers(len(photos))]
    zoom = rng.uniform(1, max(1.05, min(2.5, photo.width / width, photo.height / height)))
    wide = min(photo.width, width * zoom)
    high = min(photo.height, height * zoom)
    x, y = rng.uniform(0, photo.width - wide), rng.uniform(0, photo.height - high)
    window = photo.resize((width, height), Image.BILINEAR, box=(x, y, x + wide, y + high), reducing_gap=2)
    pixels = np.asarray(window, np.float32) / 255
    return pixels[:, ::-1].copy() if rng.random() < 0.5 else pixels.copy()


def scene(rng, sprites, photos, size=320, smallest=24, largest=150, tries=7):
    """A square picture, uint8 [size, size, 3], and the boxes of the objects in it, cut to the picture; up to `tries`.

    An object that others would hide for more than 45 % is not placed, nor one that would hide another so far; an object
    cut by the picture's edge keeps at least 60 % of its area.
    """
    pixels = background(rng, photos, size, size)
    pixels *= rng.uniform(0.5, 1.1) if rng.random() < 0.4 else 1
    boxes, everything = [], []
    for _ in range(rng.integers(1, tries + 1)):
        one = sprites[rng.integers(len(sprites))]
        longest = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
        shape = scaled(one.pixels, longest)
        height, width = shape.shape[:2]
        left, top = round(rng.uniform(-0.25 * width, size - 0.75 * width)), round(rng.uniform(-0.25 * height, size - 0.75 * height))
        cut = Box(one.kind, max(0, left), max(0, top), min(size, left + width), min(size, top + height))
        if cut.area() < 0.6 * width * height:
            continue
        if any(cut.shared(it) > 0.45 * min(cut.area(), it.area()) for it in everything):
            continue
        everything.append(cut)
        light = rng.uniform(0.45, 1.25) * (1 + rng.uniform(-0.12, 0.12, 3))
        if rng.random() < 0.3:
            shadow = shape.copy()
            shadow[..., :3] = 0
            shadow, room = blurred(shadow, max(1, longest * 0.06))
            place(pixels, shadow, left - room + round(0.08 * longest), top - room + round(0.1 * longest), opacity=0.5)
        room = 0
        if rng.random() < 0.35:
            shape, room = blurred(shape, rng.uniform(0.4, 0.4 + 0.02 * longest))
        place(pixels, shape, left - room, top - room, light)
        if one.kind >= 0:
            boxes.append(cut)
    return develop(rng, pixels), boxes


def develop(rng, pixels):
    """What a camera and a codec do: color cast, blur, noise, compression. Returns uint8."""
    pixels = pixels * (1 + rng.uniform(-0.08, 0.08, 3))
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.3)))
    if rng.random() < 0.4:
        noisy = np.asarray(image, np.float32) + rng.normal(size=pixels.shape).astype(np.float32) * rng.uniform(2, 14)
        image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        packed = io.BytesIO()
        image.save(packed, "jpeg", quality=int(rng.integers(35, 92)))
        image = Image.open(packed)
    return np.asarray(image)
