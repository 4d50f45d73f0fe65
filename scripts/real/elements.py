# SPDX-License-Identifier: MPL-2.0
"""What avrec-infer answers to a picture or to sound, through gst-launch-1.0, and what it tells of the model."""

import base64
import re
import subprocess
import tempfile
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from .answers import Box, Boxes, Classes, Curve, Matte, Tensors, Text

# A run of one model takes no longer than this, in seconds.
PATIENCE = 60
NUMBER = r"\(\w+\)(-?[\d.]+(?:e[-+]?\d+)?)"
# Origins of statements that the model itself does not make, as `runtime::statement::Origin` prints them.
ASSUMED, FAMILY = "nobody; assumed", "the family "


@dataclass
class Run:
    answer: object = None
    task: str = ""
    # What a user reads: assumptions, notes, warnings and errors.
    told: str = ""
    error: str = ""
    # By a signal, or killed because it did not end.
    died: bool = False
    # Property and value of each line that was proposed, and of those the ones that a user reads without asking.
    proposed: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)
    # Property and value of all that the model was taken for.
    stated: dict = field(default_factory=dict)


def infer(file, put, properties):
    """Runs a model over pictures (arrays, one or several) or samples (16 bits at 16 kHz)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        source = write_sound(folder, put) if is_sound(put) else write_pictures(folder, put)
        element = ["avrec-infer", f"model-file={file}", "post-messages=true"]
        element += [f"{key}={value}" for key, value in properties.items()]
        sink = ["fakesink"]
        if properties.get("output") == "alpha":
            source += ["!", "videoconvert", "!", "video/x-raw,format=RGBA"]
            sink = ["filesink", f"location={folder / 'out.raw'}"]
        run = read(*launch(source + ["!"] + element + ["!"] + sink), is_sound(put))
        if (folder / "out.raw").exists() and not run.error:
            run.answer = alpha(folder / "out.raw", frames(put)[-1])
        return run


def check(avrec, file, put):
    """What `avrec check` proposes where nobody or only a family says something, and in its doubts."""
    with tempfile.TemporaryDirectory() as folder:
        # It draws beside the model.
        link = Path(folder) / file.name
        link.symlink_to(file)
        write_sound(Path(folder), put) if is_sound(put) else write_pictures(Path(folder), put)
        on = Path(folder) / ("sound.wav" if is_sound(put) else "000.png")
        try:
            done = subprocess.run([avrec, "check", link, "--on", on], capture_output=True, text=True, timeout=PATIENCE)
        except (OSError, subprocess.TimeoutExpired):
            return {}
        told = [line for line in done.stdout.splitlines() if re.search(f"{ASSUMED}|{FAMILY}|^(assumed|doubt|try)", line)]
        return lines("\n".join(told))


def is_sound(put):
    return isinstance(put, np.ndarray) and put.ndim == 1


def launch(line):
    """A run's exit status, which is that of a signal where it did not end, and what it printed.

    Where EOS follows an error into the sink, gst-launch-1.0 (1.22) may print the error and wait all the same. That counts as
    an end.
    """
    with subprocess.Popen(["gst-launch-1.0", "-m", *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace") as process:
        try:
            printed = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            printed = process.communicate()
            if "ERROR: from element" in printed[1]:
                return 1, "\n".join(printed)
        return process.returncode, "\n".join(printed)


def frames(put):
    return put if isinstance(put, list) else [put]


def write_pictures(folder, put):
    for index, frame in enumerate(frames(put)):
        Image.fromarray(frame).save(folder / f"{index:03}.png")
    return ["multifilesrc", f"location={folder}/%03d.png", f"stop-index={len(frames(put)) - 1}",
            "caps=image/png,framerate=25/1", "!", "pngdec"]


def write_sound(folder, samples):
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())
    return ["filesrc", f"location={folder}/sound.wav", "!", "wavparse", "!", "audioconvert", "!", "audio/x-raw,format=F32LE"]


def alpha(file, frame):
    """The alpha channel of the last frame, which has the size of this one."""
    height, width = frame.shape[:2]
    return Matte(np.fromfile(file, np.uint8)[-width * height * 4:].reshape(height, width, 4)[:, :, 3] / 255)


def read(status, text, sound):
    """Takes a run's output apart."""
    printed = [line.replace("\\", "") for line in text.splitlines()]
    messages = [line for line in printed if "(element): avrec/" in line]
    loaded = next((line for line in messages if "avrec/model-loaded" in line), "")
    spoken = [line for line in printed if re.match(r"(ERROR|WARNING|INFO)\b", line)
              or re.search(r"\((error|warning|info)\): GstMessage", line)]
    errors = [line.split(": ", 2)[-1] for line in sorted(spoken, key=lambda it: "GstAvrecInfer" not in it)
              if line.startswith("ERROR: ")]
    error = errors[0] if errors else ""
    run = Run(task=first(r"task=\(string\)(\w+)", loaded), error=error, died=status < 0)
    run.told = " ".join([first(r'assumed=\(string\)"?(.*?)"?(?:, statements=|;$)', loaded), *changes(loaded, ASSUMED), *spoken])
    run.asked = lines(run.told)
    run.proposed = {**lines(" ".join(changes(loaded, FAMILY))), **run.asked}
    run.stated = {first(r"key=\(string\)([\w-]+)", part): first(r'value=\(string\)"?([^";]*?)"?(?:, origin=|;|$)', part)
                  for part in reversed(statements(loaded))}
    run.answer = None if error else answer([line for line in messages if line != loaded], sound)
    return run


def first(pattern, text):
    found = re.search(pattern, text)
    return found[1] if found else ""


def lines(text):
    """Property and value of each line that a text proposes."""
    return dict(re.findall(r"\b([a-z]+(?:-[a-z]+)*)=([^\s\"'`]*[^\s\"'`.;,)])", text))


def statements(loaded):
    return re.findall(r"statement, .*?(?=\"statement, |$)", loaded)


def changes(loaded, origin):
    """The lines that would change what is stated by such an origin."""
    for part in statements(loaded):
        if f"origin=(string)\"{origin}" in part or f"origin=(string){origin}" in part:
            yield first(r'line=\(string\)"?(.*?)"?(?:;|$)', part)


def answer(messages, sound):
    """The last answer of a video, or all of sound."""
    if not messages:
        return None
    last = messages[-1]
    name = first(r"avrec/([\w-]+)", last)
    if sound and name != "tensors":
        values = [re.search(rf"(?:score|probability|confidence)={NUMBER}", line) for line in messages]
        return Curve(np.array([float(it[1]) for it in values if it]))
    if name == "tensors":
        return Tensors(dict(tensor(part) for part in re.findall(r"tensor, (.*?);", last)))
    if "text=(string)" in last and "label=" not in last:
        return Text(first(r'text=\(string\)"?(.*?)"?(?:, \w+=|;|$)', last))
    objects = [dict(fields(part)) for part in re.findall(r"(?:object|class), (.*?);", last)]
    if name == "classes":
        return Classes({int(it["label-id"]): float(it["confidence"]) for it in objects},
                       {int(it["label-id"]): it["label"] for it in objects})
    return Boxes([box(it) for it in objects])


def fields(part):
    for key, value in re.findall(r"([\w-]+)=\(\w+\)(\".*?\"|[^,]*)", part):
        yield key, value.strip('"')


def box(found):
    left, top, width, height = (float(found[key]) for key in ("x", "y", "width", "height"))
    return Box((found["label"], int(found["label-id"])), float(found["confidence"]), (left, top, left + width, top + height))


def tensor(part):
    data = base64.b64decode(first(r"data=\(GBytes\)([\w+/=]*)", part))
    kind = first(r"type=\(string\)(\w+)", part)
    return first(r"name=\(string\)([^,]*)", part), np.frombuffer(data, getattr(np, kind))


def properties():
    """Names of the properties that this build of avrec-infer has."""
    done = subprocess.run(["gst-inspect-1.0", "avrec-infer"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("real_models.py: gst-inspect-1.0 does not find avrec-infer; set GST_PLUGIN_PATH")
    return set(re.findall(r"^  ([a-z-]+) *:", done.stdout, re.M))
