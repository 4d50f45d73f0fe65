#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Misses and regret of avrec-switch on this machine, live, under six programs of load.

Each program plays the demo's clip once with the switch choosing, and once with each candidate pinned, under the same
stress-ng commands. The pinned runs tell what each candidate would have done with each frame, so the best choice in
hindsight is known: the best candidate that was in time. A late frame is worth nothing, as in `avrec replay`; the worth
of an answer is its candidate's mean SSIM over the calm pinned run. Run it on a machine that does nothing else.

usage: live_figures.py AVREC CLIP [--seconds 30] [--only PROGRAM]
"""

import argparse
import json
import os
import random
import subprocess
import tempfile

CANDIDATES = ["small", "medium", "large"]
FLOOR = "bilinear"
CPU = "stress-ng --quiet --cpu {}"


def programs(seconds):
    """Loads of each program: start, end, command."""
    chance = random.Random(1)
    bursts, at = [], 3.0
    while at < seconds - 2:
        length = min(chance.expovariate(1.0), 3.0)
        bursts.append((at, min(at + length, seconds - 0.5), CPU.format(4)))
        at += length + 1.0 + min(chance.expovariate(1 / 4.0), 8.0)
    third = seconds / 3
    return {
        "none": [],
        "step": [(third, 2 * third, CPU.format(4))],
        "ramp": [(seconds * i / 10, seconds * (10 - i) / 10, CPU.format(1)) for i in range(1, 5)],
        "periodic": [(at, at + 3, CPU.format(3)) for at in range(3, int(seconds) - 3, 6)],
        "bursty": bursts,
        "tail": [(at + 0.5, at + 0.6, CPU.format(8)) for at in range(2, int(seconds) - 1, 2)],
    }


def run(avrec, clip, seconds, loads, compares, log):
    command = [avrec, "run", "--quiet", "--loop", "--duration", str(seconds), "--log", log]
    for start, end, load in loads:
        command += ["--load", f"{start:.2f}:{end:.2f}:{load}"]
    for name in compares:
        command += ["--compare", name]
    command += f"""filesrc location={clip} ! decodebin ! videoconvert ! videoscale
        ! video/x-raw,format=I420,width=640,height=360 ! queue max-size-buffers=4 ! clocksync ! tee name=truth
        truth. ! queue ! quality.reference
        truth. ! queue ! videoscale ! video/x-raw,width=320,height=180
        ! avrec-switch name=switch catalog=models/upscale.toml late-policy=floor
        ! avrec-probe name=quality ! videoconvert ! fakesink""".split()
    subprocess.run(command, check=True)
    frames, summaries, onsets, started = {}, {}, {}, {}
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            name = event.get("run", "").removesuffix(" alone")
            if event["type"] == "frame":
                frames.setdefault(name, {})[event["frame"]] = event
            elif event["type"] == "summary":
                summaries[name] = event
            elif event["type"] == "load-start":
                onsets.setdefault(name, []).append(event["elapsed-ns"])
    return frames, summaries, onsets


def worth(frame, quality):
    return 0.0 if frame["late"] else quality.get(frame["candidate"], 0.0)


def reactions(frames, onsets):
    """Late frames in a row from the first late one within 2 s of each onset, until one is in time again."""
    ordered = [frames[number] for number in sorted(frames)]
    found = []
    for onset in onsets:
        after = [it for it in ordered if onset <= it["elapsed-ns"] < onset + 2e9]
        late = next((i for i, it in enumerate(after) if it["late"]), None)
        if late is None:
            found.append(0)
            continue
        row = 0
        while late + row < len(after) and after[late + row]["late"]:
            row += 1
        found.append(row)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avrec")
    parser.add_argument("clip")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="avrec-live-")
    quality, all_reactions = {}, []
    print(f"logs in {folder}")
    print(f"{'program':9} {'misses %':>8} {'worth':>6} {'regret %':>8} {'swaps/1k':>8} | worth (misses %) if pinned")
    for name, loads in programs(args.seconds).items():
        if args.only not in (None, name, "none") and name != "none":
            continue
        compares = CANDIDATES + [FLOOR] if name == "none" else CANDIDATES
        log = os.path.join(folder, f"{name}.jsonl")
        frames, summaries, onsets = run(args.avrec, args.clip, args.seconds, loads, compares, log)
        if name == "none":
            quality = {it: summaries[it]["ssim"] for it in compares}
        ours = frames["avrec"]
        # The first second is start-up: candidates are loaded and warmed.
        common = [n for n in ours if 25 <= n and all(n in frames.get(it, {}) for it in CANDIDATES)]
        best = [max(worth(frames[it][n], quality) for it in CANDIDATES) for n in common]
        best = [max(it, quality[FLOOR]) for it in best]
        mean = lambda values: sum(values) / max(len(values), 1)
        got = mean([worth(ours[n], quality) for n in common])
        misses = mean([ours[n]["late"] for n in common])
        regret = 1 - got / mean(best)
        swaps = 1e3 * summaries["avrec"]["swaps"] / max(len(ours), 1)
        pinned = ", ".join(
            f"{it} {mean([worth(frames[it][n], quality) for n in common]):.3f}"
            f" ({1e2 * mean([frames[it][n]['late'] for n in common]):.1f})"
            for it in CANDIDATES
        )
        all_reactions += reactions(ours, onsets.get("avrec", [])) if name in ("step", "periodic", "bursty") else []
        print(f"{name:9} {1e2 * misses:8.2f} {got:6.3f} {1e2 * regret:8.2f} {swaps:8.1f} | {pinned}", flush=True)
    if all_reactions:
        ordered = sorted(all_reactions)
        print(f"late frames from an onset to the first in time: median {ordered[len(ordered) // 2]}, "
              f"largest {ordered[-1]}, over {len(ordered)} onsets")
    print("mean SSIM: " + ", ".join(f"{it} {value:.4f}" for it, value in quality.items()))


if __name__ == "__main__":
    main()
