#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Prints which crates are linked into the plugin and the command, under which licences, and the texts that come with them.

A text that several crates have word for word is printed once.
"""

import json
import subprocess
from pathlib import Path

TEXTS = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE", "OFL", "UFL")


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def linked():
    """The packages that end up in what is built, without avrec itself and what only runs while it is built."""
    host = next(it.split()[1] for it in subprocess.check_output(["rustc", "-vV"], text=True).splitlines() if it.startswith("host:"))
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--filter-platform", host))
    packages = {it["id"]: it for it in metadata["packages"]}
    nodes = {it["id"]: it for it in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen, ahead = set(), [root]
    while ahead:
        package = ahead.pop()
        if package in seen or any("proc-macro" in it["kind"] for it in packages[package]["targets"]):
            continue
        seen.add(package)
        for dependency in nodes[package]["deps"]:
            if any(it["kind"] is None for it in dependency["dep_kinds"]):
                ahead.append(dependency["pkg"])
    return sorted((packages[it] for it in seen - {root}), key=lambda it: (it["name"], it["version"]))


def texts(package):
    folder = Path(package["manifest_path"]).parent
    files = sorted(it for it in folder.iterdir() if it.is_file() and it.name.upper().startswith(TEXTS))
    return [it.read_text(errors="replace").strip() for it in files]


packages = linked()
users = {}
print("These crates are linked into avrec. Below are the texts of the licences that come with them.\n")
for package in packages:
    name = f"{package['name']} {package['version']}"
    by = ", ".join(package["authors"])
    print(f"{name}: {package['license'] or 'see its text'}{f' (by {by})' if by else ''}")
    for text in texts(package):
        users.setdefault(" ".join(text.split()), (text, []))[1].append(name)
for text, names in users.values():
    print(f"\n{'-' * 100}\n{', '.join(names)}:\n\n{text}")
