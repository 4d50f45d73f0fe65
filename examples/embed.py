#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0

"""An application that embeds avrec-switch, in Python.

It plays a test picture (or the video file that is given) through the upscalers of models/upscale.toml for
twelve seconds. It listens to the signal candidate-changed and to the bus, reads stats each second, pins a
candidate for a while, and gives the choice back.

It needs PyGObject (on Debian: python3-gi and gir1.2-gst-plugins-base-1.0) and the plugin, installed or at
GST_PLUGIN_PATH:

    GST_PLUGIN_PATH=target/release python3 examples/embed.py [FILE]
"""

import pathlib
import sys
import weakref

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

# Seconds after which the example pins a candidate, gives the choice back, and ends the stream.
PIN, UNPIN, END = 4, 8, 12

CATALOG = pathlib.Path(__file__).resolve().parent.parent / "models" / "upscale.toml"


def build(file):
    """Makes the pipeline; frames are scaled down first, so that there is something to scale up."""
    if file:
        source = "filesrc name=file ! decodebin ! videoconvert ! videoscale ! queue ! clocksync"
    else:
        source = "videotestsrc is-live=true pattern=ball ! videoconvert ! videoscale"
    pipeline = Gst.parse_launch(
        f"{source} ! video/x-raw,format=I420,width=320,height=180 "
        "! avrec-switch name=switch ! videoconvert ! fakesink"
    )
    # Properties that hold paths are set here, where spaces in them do no harm.
    switch = pipeline.get_by_name("switch")
    switch.set_property("catalog", str(CATALOG))
    switch.set_property("latency-budget", 30 * Gst.MSECOND)
    if file:
        pipeline.get_by_name("file").set_property("location", file)
    return pipeline


def on_candidate_changed(_switch, came_from, to, reason):
    """Comes on the streaming thread, so what is done here must be short."""
    instead = f" instead of {came_from}" if came_from else ""
    print(f"{to} answers{instead}: {reason}", flush=True)


def on_message(_bus, message, loop):
    """Tells what comes on the bus, and quits at the end."""
    if message.type == Gst.MessageType.EOS:
        loop.quit()
    elif message.type == Gst.MessageType.ERROR:
        error, debug = message.parse_error()
        print(f"Error: {error.message} ({debug})", file=sys.stderr)
        loop.quit()
    elif message.type == Gst.MessageType.WARNING:
        warning, _debug = message.parse_warning()
        print(f"Warning: {warning.message}", file=sys.stderr)
    elif message.type == Gst.MessageType.ELEMENT:
        tell(message.get_structure())
    return GLib.SOURCE_CONTINUE


def tell(structure):
    name, get = structure.get_name(), structure.get_value
    if name == "avrec/switch":
        print(f"  from frame {get('frame')} on, because of: {get('reason')}")
    elif name == "avrec/candidate-ready":
        print(f"  {get('candidate')} is loaded and warm")
    elif name == "avrec/candidate-failed":
        print(f"  {get('candidate')} cannot answer: {get('cause')}; {get('remedy')}")


def print_stats(switch, second):
    """Prints the figures of the switch and of each candidate; those that are not known yet are absent."""
    stats = switch.get_property("stats")
    get = stats.get_value
    print(
        f"{second:3} s  {get('active-candidate'):8}  p99 {millis(stats, 'latency-p99-ns')}"
        f"  misses {get('misses')} of {get('out')}"
    )
    _found, candidates = stats.get_array("candidates")
    for index in range(candidates.n_values):
        candidate = candidates.get_nth(index)
        quality = candidate.get_value("quality") if candidate.has_field("quality") else 0.0
        print(
            f"       {candidate.get_value('name'):8}  {candidate.get_value('state'):8}"
            f"  p50 {millis(candidate, 'latency-p50-ns')}  quality {quality:.3f}"
        )


def millis(structure, field):
    if not structure.has_field(field):
        return "    -   "
    return f"{structure.get_value(field) / 1e6:5.1f} ms"


def main():
    Gst.init(None)
    pipeline = build(sys.argv[1] if 1 < len(sys.argv) else None)
    switch = pipeline.get_by_name("switch")
    switch.connect("candidate-changed", on_candidate_changed)

    loop = GLib.MainLoop()
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", on_message, loop)

    # A strong reference in the timer would keep the pipeline alive as long as the timer.
    weak = weakref.ref(pipeline)
    seconds = iter(range(1, END + 1))

    def each_second():
        pipeline, second = weak(), next(seconds, None)
        if pipeline is None or second is None:
            return GLib.SOURCE_REMOVE
        switch = pipeline.get_by_name("switch")
        print_stats(switch, second)
        if second == PIN:
            print("Pinning small")
            switch.set_property("active-candidate", "small")
        elif second == UNPIN:
            print("Giving the choice back")
            switch.set_property("auto-switch", True)
        elif second == END:
            pipeline.send_event(Gst.Event.new_eos())
        return GLib.SOURCE_CONTINUE

    GLib.timeout_add_seconds(1, each_second)
    pipeline.set_state(Gst.State.PLAYING)
    try:
        loop.run()
    except KeyboardInterrupt:
        pass
    pipeline.set_state(Gst.State.NULL)
    bus.remove_signal_watch()


if __name__ == "__main__":
    main()
