#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Fine-tunes all layers of a student on the first half of a clip, where `avrec tune` fits the last one.

    python3 -m venv venv && venv/bin/pip install torch numpy onnx onnxruntime
    venv/bin/python examples/tune_deep.py models/detect-small.onnx --teacher models/detect-large.onnx \\
        --on examples/media/scene.webm --output small-deep.onnx
    venv/bin/python examples/tune_deep.py models/small.onnx --on examples/media/scene.webm --output small-deep.onnx

A detector learns classes and boxes from a teacher's grids, as `models/train/train_detectors.py` lays them out; an upscaler
learns the clip from the clip halved. The graph stays as it is and gets other weights, so that the new file runs wherever
the old one did. It needs `gst-launch-1.0`, runs on a processor in minutes, and knows the operators of the models in
`models/` only. Whether the new model is better is for `avrec rank`, or the second half, to say.
"""

import argparse
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper

GRAY = 114 / 255


class Graph(torch.nn.Module):
    """Runs an ONNX graph with torch; float weights of convolutions are parameters."""

    def __init__(self, model):
        super().__init__()
        self.nodes = list(model.graph.node)
        self.ports = model.graph.input[0].name, [it.name for it in model.graph.output]
        learned = {name for node in self.nodes if node.op_type == "Conv" for name in node.input[1:]}
        self.weights, self.constants = torch.nn.ParameterDict(), {}
        for it in model.graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(it).copy())
            if it.name in learned:
                self.weights[it.name.replace(".", "_")] = torch.nn.Parameter(value)
            else:
                self.constants[it.name] = value

    def forward(self, x):
        known = {**self.constants, self.ports[0]: x}
        known.update({name: self.weights[name.replace(".", "_")] for node in self.nodes if node.op_type == "Conv" for name in node.input[1:]})
        for node in self.nodes:
            attributes = {it.name: onnx.helper.get_attribute_value(it) for it in node.attribute}
            inputs = [known[it] if it else None for it in node.input]
            known[node.output[0]] = run(node.op_type, inputs, attributes)
        return known[self.ports[1][0]]


def run(operator, inputs, attributes):
    """One operator of those that the shipped networks have."""
    first, *rest = inputs
    if operator == "Conv":
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
        return F.conv2d(F.pad(first, (left, right, top, bottom)), *rest, stride=attributes.get("strides", [1, 1]), groups=attributes.get("group", 1))
    if operator == "Resize":
        return F.interpolate(first, scale_factor=tuple(rest[-1][2:].tolist()), mode="nearest")
    if operator == "Reshape":
        shape = [first.shape[0] if n == 0 and size == 1 else first.shape[n] if size == 0 else size for n, size in enumerate(rest[0].tolist())]
        return first.reshape(shape)
    if operator == "Slice":
        starts, ends, axes = (it.tolist() for it in rest[:3])
        for start, end, axis in zip(starts, ends, axes):
            first = first.narrow(axis, start, min(end, first.shape[axis]) - start)
        return first
    if operator == "DepthToSpace":
        # Columns of the depth come last in the mode DCR.
        batch, depth, height, width = first.shape
        block = attributes["blocksize"]
        cells = first.reshape(batch, block, block, depth // block**2, height, width)
        return cells.permute(0, 3, 4, 1, 5, 2).reshape(batch, depth // block**2, height * block, width * block)
    if operator == "MaxPool":
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
        padded = F.pad(first, (left, right, top, bottom), value=-torch.inf)
        return F.max_pool2d(padded, attributes["kernel_shape"], attributes.get("strides", [1, 1]))
    if operator == "Clip":
        # A gradient also where the answer is beyond the range.
        return first if torch.is_grad_enabled() else first.clamp(*(float(it) for it in rest))
    simple = {"Relu": F.relu, "Sigmoid": torch.sigmoid, "Exp": torch.exp, "Min": torch.minimum, "Mul": torch.mul, "Add": torch.add, "Sub": torch.sub}
    if operator == "Concat":
        return torch.cat([it.expand(max(x.shape[0] for x in inputs), *it.shape[1:]) for it in inputs], attributes["axis"])
    if operator not in simple:
        raise SystemExit(f"the operator {operator} is none of those that this example knows")
    return simple[operator](*inputs)


def frames(clip, size, kind="RGB", channels=3):
    """The frames of a clip, [n, height, width, channels] of uint8; as they are, or scaled."""
    with tempfile.NamedTemporaryFile() as png:
        line = f"filesrc location={clip} ! decodebin ! videoconvert ! pngenc snapshot=true ! filesink location={png.name}"
        subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
        # Width and height stand in the header.
        width, height = size(*(int(it) for it in np.fromfile(png.name, ">u4", 2, offset=16)))
    with tempfile.NamedTemporaryFile() as raw:
        line = f"filesrc location={clip} ! decodebin ! videoconvert ! videoscale ! video/x-raw,format={kind},width={width},height={height} ! filesink location={raw.name}"
        subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
        return np.fromfile(raw.name, np.uint8).reshape(-1, height, width, channels)


def letterboxed(pictures, side):
    """Pictures of one size in the middle of a gray square, [n, 3, side, side], 0..1."""
    height, width = pictures.shape[2:]
    scale = side / max(width, height)
    inner = round(height * scale), round(width * scale)
    scaled = F.interpolate(pictures, inner, mode="bilinear", antialias=True, align_corners=False)
    squares = torch.full((len(pictures), 3, side, side), GRAY)
    top, left = (side - inner[0]) // 2, (side - inner[1]) // 2
    squares[:, :, top : top + inner[0], left : left + inner[1]] = scaled
    return squares


def views(picture, count, generator):
    """A frame, and other views of it: mirrored, parts of it, lighter and darker. Few frames of one clip teach little else."""
    _, height, width = picture.shape
    yield picture
    for _ in range(count):
        number = lambda least, most: least + (most - least) * float(torch.rand(1, generator=generator))
        share = number(0.45, 1.0)
        rows, columns = round(height * share), round(width * share)
        top, left = round(number(0, height - rows)), round(number(0, width - columns))
        view = picture[:, top : top + rows, left : left + columns]
        view = view.flip(2) if number(0, 1) < 0.5 else view
        colors = torch.tensor([number(0.85, 1.15) for _ in range(3)])[:, None, None]
        yield (view * number(0.7, 1.3) * colors).clamp(0, 1)


def grids(side, count):
    """Cells of each grid of so many proposals in all: those of strides 8, 16 and 32, as far as there are any."""
    sizes = [side // it for it in (8, 16, 32)]
    spans = [sizes[first:end] for first in range(3) for end in range(first + 1, 4)]
    return next(span for span in spans if sum(it * it for it in span) == count)


def taught(answer, scale, theirs, ours):
    """What our cells should tell: the most certain of the teacher's cells that fall on each, with its box."""
    parts, start = {}, 0
    for size in theirs:
        cells = answer[:, :, start : start + size * size].reshape(len(answer), -1, size, size)
        start += size * size
        goal = max(it for it in ours if size % it == 0)
        times = size // goal
        cells = cells.reshape(len(answer), -1, goal, times, goal, times).permute(0, 2, 4, 3, 5, 1).flatten(3, 4)
        parts.setdefault(goal, []).append(cells)
    made = []
    for goal in ours:
        cells = torch.cat(parts[goal], 3)
        best = cells[..., 4:].amax(-1).argmax(3)
        boxes = cells[..., :4].gather(3, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(3)
        made.append(torch.cat([boxes * scale, cells[..., 4:].amax(3)], -1).flatten(1, 2))
    return torch.cat(made, 1).transpose(1, 2)


def detector_loss(student, inputs, wanted):
    given = student(inputs)
    classes = F.binary_cross_entropy(given[:, 4:].clamp(1e-6, 1 - 1e-6), wanted[:, 4:], reduction="none").sum(1)
    certain = wanted[:, 4:].amax(1) * (0.3 < wanted[:, 4:].amax(1))
    size = wanted[:, 2:4].clamp_min(4).repeat(1, 2, 1)
    boxes = F.smooth_l1_loss(given[:, :4] / size, wanted[:, :4] / size, reduction="none", beta=0.1).sum(1)
    return (classes.sum() + 2 * (certain * boxes).sum()) / wanted[:, 4:].sum().clamp_min(1)


def detector_data(arguments, model):
    side = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    options = onnxruntime.SessionOptions()
    teacher = onnxruntime.InferenceSession(arguments.teacher, options, providers=["CPUExecutionProvider"])
    theirs = teacher.get_inputs()[0].shape[2]
    pictures = frames(arguments.clip, lambda width, height: (width, height))
    generator = torch.Generator().manual_seed(1)
    seen, answers = [], []
    for picture in pictures[: len(pictures) // 2]:
        for view in views(torch.from_numpy(picture).permute(2, 0, 1) / 255, arguments.views, generator):
            seen.append(letterboxed(view[None], side))
            shown = letterboxed(view[None], theirs).numpy()
            answers.append(torch.from_numpy(teacher.run(None, {teacher.get_inputs()[0].name: shown})[0]))
    seen, answers = torch.cat(seen), torch.cat(answers)
    student_count = model.graph.output[0].type.tensor_type.shape.dim[2].dim_value
    ours = sorted(grids(side, student_count), reverse=True)
    wanted = taught(answers, side / theirs, grids(theirs, answers.shape[2]), ours)
    return seen, wanted


def upscaler_data(arguments, _model):
    pictures = frames(arguments.clip, lambda width, height: (width // 4 * 4, height // 4 * 4), "GRAY8", 1)
    luma = torch.from_numpy(pictures[: len(pictures) // 2]).permute(0, 3, 1, 2) / 255
    generator = torch.Generator().manual_seed(1)
    patches = []
    for picture in luma:
        for _ in range(16):
            y, x = (2 * int(torch.randint(0, (it - 96) // 2, (1,), generator=generator)) for it in picture.shape[1:])
            patches.append(picture[:, y : y + 96, x : x + 96])
    wanted = torch.stack(patches)
    # As videoscale halves it.
    return (F.avg_pool2d(wanted, 2) * 255).round() / 255, wanted


def upscaler_loss(student, inputs, wanted):
    # The border is left out: there the network sees what is no picture.
    return F.mse_loss(student(inputs)[..., 8:-8, 8:-8], wanted[..., 8:-8, 8:-8]) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student")
    parser.add_argument("--on", dest="clip", required=True)
    parser.add_argument("--teacher", help="of a detector: a larger one of models/")
    parser.add_argument("--output", required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--views", type=int, default=7, help="other views of each frame, for a detector")
    parser.add_argument("--rate", type=float, default=5e-4)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    model = onnx.load(arguments.student)
    student = Graph(model)
    is_detector = len(model.graph.output[0].type.tensor_type.shape.dim) == 3
    if is_detector and not arguments.teacher:
        raise SystemExit("a detector needs --teacher")
    data, loss = (detector_data, detector_loss) if is_detector else (upscaler_data, upscaler_loss)
    inputs, wanted = data(arguments, model)
    # A part of the first half tells which epoch is kept.
    left_out = torch.arange(len(inputs)) >= len(inputs) * 4 // 5
    kept = (~left_out).nonzero().flatten()
    steps = arguments.epochs * (len(kept) // 16)
    optimizer = torch.optim.AdamW(student.parameters(), lr=arguments.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, total_steps=max(1, steps), pct_start=0.1)

    def judged():
        with torch.no_grad():
            return float(loss(student, inputs[left_out], wanted[left_out]))

    best, state, start = judged(), {name: it.detach().clone() for name, it in student.weights.items()}, time.time()
    print(f"{len(kept)} pictures to learn from, loss on {int(left_out.sum())} others {best:.4f}", flush=True)
    for epoch in range(arguments.epochs):
        for part in kept[torch.randperm(len(kept))][: len(kept) // 16 * 16].split(16):
            optimizer.zero_grad()
            loss(student, inputs[part], wanted[part]).backward()
            optimizer.step()
            schedule.step()
        now = judged()
        if now < best:
            best, state = now, {name: it.detach().clone() for name, it in student.weights.items()}
        print(f"epoch {epoch + 1}: {now:.4f}, {time.time() - start:.0f} s", flush=True)
    for it in model.graph.initializer:
        if (name := it.name.replace(".", "_")) in state:
            it.CopyFrom(numpy_helper.from_array(state[name].numpy(), it.name))
    entry = model.metadata_props.add()
    entry.key, entry.value = "avrec.tuned-by", f"examples/tune_deep.py, {arguments.epochs} epochs"
    onnx.save(model, arguments.output)
    print(f"written {arguments.output}, loss {best:.4f}")


if __name__ == "__main__":
    main()
