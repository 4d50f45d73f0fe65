#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0

"""What avrec tells, read as JSON: for Python, where arrays inside of a GstStructure are hard to reach.

It plays a test picture through the upscalers of models/upscale.toml for some seconds (three, or as many as are
given). Each message of the elements is told as a dictionary, and each second what stats says of each candidate;
at the end, why it is the one that answers. docs/messages.schema.json has all of the fields.

It needs PyGObject (on Debian: python3-gi and gir1.2-gst-plugins-base-1.0) and the plugin, installed or at
GST_PLUGIN_PATH:

    GST_PLUGIN_PATH=target/release python3 examples/as_json.py [SECONDS]
"""

import json
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

CATALOG = pathlib.Path(__file__).resolve().parent.parent / "models" / "upscale.toml"


def build():
    pipeline = Gst.parse_launch(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180 "
        "! avrec-switch name=switch ! videoconvert ! fakesink"
    )
    pipeline.get_by_name("switch").set_property("catalog", str(CATALOG))
    return pipeline


def as_dictionary(element, structure):
    """Any structure, in the thread that asks; no frame waits for it."""
    return json.loads(element.emit("to-json", structure))


def tell(told):
    candidate = told.get("candidate", told.get("to", ""))
    reason = told.get("reason", told.get("cause", ""))
    print(f"{told['structure']}: {candidate} {reason}", flush=True)


def print_stats(switch):
    stats = json.loads(switch.get_property("stats-json"))
    print(f"{stats['active-candidate']} answers; {stats['misses']} misses of {stats['out']}")
    for candidate in stats["candidates"]:
        # What is not known yet is absent.
        latency = candidate.get("latency-p50-ns")
        took = f"{latency / 1e6:.1f} ms" if latency is not None else "-"
        print(f"    {candidate['name']:8} {candidate['state']:8} {took}", flush=True)


def main():
    Gst.init(None)
    left = int(sys.argv[1]) if 1 < len(sys.argv) else 3
    pipeline = build()
    switch = pipeline.get_by_name("switch")
    loop = GLib.MainLoop()
    status = 0

    def on_message(_bus, message):
        nonlocal status
        if message.type == Gst.MessageType.ERROR:
            print(f"Error: {message.parse_error()[0].message}", file=sys.stderr)
            status = 1
            loop.quit()
        elif message.type == Gst.MessageType.ELEMENT and message.get_structure().get_name().startswith("avrec/"):
            tell(as_dictionary(message.src, message.get_structure()))

    def each_second():
        nonlocal left
        print_stats(switch)
        left -= 1
        if left <= 0:
            loop.quit()
        return 0 < left

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", on_message)
    GLib.timeout_add_seconds(1, each_second)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        loop.run()
    except KeyboardInterrupt:
        pass
    why = as_dictionary(switch, switch.emit("explain"))
    print(why["text"])
    print("compared:", ", ".join(it["name"] for it in why["candidates"]))
    pipeline.set_state(Gst.State.NULL)
    bus.remove_signal_watch()
    return status


if __name__ == "__main__":
    sys.exit(main())
