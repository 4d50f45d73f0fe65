#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""What an operator does with the live page, done in a real browser; scripts/page.sh runs it.

Two programs of gst-launch-1.0 play with the tracer avrec-metrics, one of them with names that are markup and with control.
The page is opened, clicked, tapped and typed at; whatever its scripts do wrong, or ask of another host, fails.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request

from browser import Browser

TOKEN = "live-page-test-token"
MARKUP = "<img src=x onerror=alert(1)>"
SHOWN = """videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=15/1
  ! avrec-switch name=upscale catalog=models/upscale.toml late-policy=floor ! avrec-probe name=meter ! fakesink
  videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=5/1
  ! avrec-infer name=boxes model-file=models/detect-small.onnx ! fakesink""".split()
# At 5 frames a second nobody is late on a busy machine, so that only a pin swaps.
MARKED = [*"""videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=5/1
  ! avrec-switch.( late-policy=floor""".split(), f"name={MARKUP}", "identity", "name=<b>plain</b>",
          "identity", "name=<script>alert(2)</script>", *") ! fakesink".split()]


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Program:
    """A program that plays until it is ended."""

    def __init__(self, port, parameters, line):
        self.port = port
        tracers = f"avrec-metrics(port={port}{parameters})"
        self.process = subprocess.Popen(["gst-launch-1.0", "-q", *line], env={**os.environ, "GST_TRACERS": tracers},
                                        stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/streams", timeout=5).read()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, f"no answer at port {port}"
                time.sleep(.1)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            # On a machine that is overloaded a run at idle priority ends late.
            self.process.kill()
            self.process.wait()


def say(text):
    print(f"page: {text}", flush=True)


def look(browser, folder):
    """A stream of models in light and dark, on a screen and on a phone."""
    browser.size(1280, 860)
    browser.scheme("light")
    port = free_port()
    program = Program(port, "", SHOWN)
    try:
        # What else the machine does is not the page's, so the best of five counts.
        first = []
        for _ in range(5):
            browser.open("about:blank")
            begin = time.monotonic()
            browser.open(f"http://127.0.0.1:{port}/")
            browser.wait("a chart", "!!document.querySelector('.chart canvas')")
            first.append(time.monotonic() - begin)
        say(f"the first chart is there after {', '.join(f'{it:.2f}' for it in first)} s")
        assert min(first) <= 1, "the first chart takes longer than a second"

        browser.wait("three rows", "document.querySelectorAll('.stream').length === 3")
        browser.wait("who answers", "/small|bilinear|medium|large/.test(document.querySelector('.active').textContent)")
        assert browser.run("document.querySelector('.name').textContent") == "pipeline0 / upscale"

        # By keyboard: Tab to the row, Enter, the arrow to the next one, Escape.
        browser.run("document.activeElement.blur()")
        for _ in range(8):
            browser.key("Tab")
            if browser.run("document.activeElement.classList.contains('row')"):
                break
        assert browser.run("document.activeElement.classList.contains('row')"), "no row is reached by Tab"
        assert browser.run("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is not seen"
        browser.key("Enter")
        browser.wait("an explanation", "/ answers: /.test(document.querySelector('.words').textContent)")
        assert browser.run("document.activeElement.getAttribute('aria-expanded')") == "true"
        browser.key("ArrowDown")
        assert browser.run("[...document.querySelectorAll('.row')].indexOf(document.activeElement)") == 1
        browser.key("ArrowUp")
        browser.key("Escape")
        assert browser.run("document.querySelector('.details').hidden && document.activeElement.classList.contains('row')")

        # By mouse, on the row and on a chart.
        browser.click(".row")
        browser.wait("it opens", "!document.querySelector('.details').hidden")
        browser.click(".chart")
        browser.wait("it closes", "document.querySelector('.details').hidden")
        browser.click("#spans button:nth-child(2)")
        assert browser.run("document.querySelector('#spans button:nth-child(2)').getAttribute('aria-pressed')") == "true"
        browser.click("#spans button:nth-child(1)")
        # The tip shows what is under the mouse.
        browser.listen(12)
        browser.click(".row")
        x, y = browser.place(".chart .u-over")
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + 200, y=y)
        browser.wait("a tip", "!document.getElementById('tip').hidden && /median/.test(document.getElementById('tip').textContent)")
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)

        browser.listen(20)
        browser.run("scrollTo(0, 0)")
        browser.picture(f"{folder}/light.png")
        browser.scheme("dark")
        browser.listen(1.5)
        dark = browser.run("getComputedStyle(document.body).backgroundColor")
        assert dark == "rgb(20, 23, 26)", dark
        browser.picture(f"{folder}/dark.png")

        browser.size(360, 740, 2, True)
        browser.scheme("light")
        browser.listen(1.5)
        for _ in range(2):
            sizes = browser.run("[document.documentElement.scrollWidth, innerWidth]")
            assert sizes[0] <= 360, f"the page is wider than a phone: {sizes}"
            browser.picture(f"{folder}/phone.png")
            browser.tap(".row")
            browser.listen(1)
        say("360 pixels wide it does not scroll sideways, open and closed")

        # The program ends, and another one comes.
        assert not browser.faults(), browser.faults()
        browser.size(1280, 860)
        program.end()
        browser.wait("that it is gone", "/^No answer since \\d\\d:\\d\\d:\\d\\d/.test(document.getElementById('state').textContent)")
        # The console tells each request that fails then.
        faults = [it for it in browser.faults() if not it.startswith("Failed to load resource: net::ERR_")]
        assert not faults, faults
        program = Program(port, "", SHOWN)
        browser.wait("that it is there again", "/^Live/.test(document.getElementById('state').textContent)")
        browser.wait("rows of the new program", "document.querySelectorAll('.stream').length === 3")
        say("it says that the program has ended, and comes back by itself with the next one")
    finally:
        browser.open("about:blank")
        program.end()


def control(browser, folder):
    """Names that are markup, and a person who pins and forbids."""
    browser.events.clear()
    port = free_port()
    program = Program(port, f",control=true,token={TOKEN}", MARKED)
    try:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("the row", "document.querySelectorAll('.stream').length === 1")
        assert MARKUP in browser.run("document.querySelector('.name').textContent")
        assert browser.run("document.querySelectorAll('main img, main b b, main script').length") == 0
        browser.click(".row")
        browser.wait("the table", "document.querySelectorAll('tbody tr').length === 2")
        assert browser.run("document.querySelector('.act') == null"), "buttons without a token"

        # A wrong token first.
        browser.click("#token")
        browser.type("wrong")
        browser.key("Enter")
        browser.wait("buttons", "document.querySelectorAll('.act').length === 4")
        browser.click("tbody tr:nth-child(2) .act")
        browser.wait("that it is wrong", "/token is missing or wrong/.test(document.body.textContent)")
        browser.wait("the form again", "!document.getElementById('access').hidden")
        browser.events[:] = [it for it in browser.events if "401" not in str(it)]

        # As gst-launch-1.0 prints it: the address has the token, and forgets it.
        browser.open("about:blank")
        browser.open(f"http://127.0.0.1:{port}/#token={TOKEN}")
        browser.wait("the row", "document.querySelectorAll('.stream').length === 1")
        assert TOKEN not in browser.run("location.href")
        browser.click(".row")
        browser.wait("buttons", "document.querySelectorAll('.act').length === 4")
        # Who does not answer is pinned, so that there is a swap.
        active = browser.run("document.querySelector('.active b').textContent")
        other = "plain" if "script" in active else "script"
        row = 1 + browser.run(f"[...document.querySelectorAll('tbody tr')].findIndex((it) => it.textContent.includes('{other}'))")
        browser.click(f"tbody tr:nth-child({row}) .act")
        browser.wait("the pin", "/is pinned/.test(document.querySelector('.details [role=status]').textContent)")
        browser.wait("the tag", "/held by hand/.test(document.querySelector('.tag').textContent)")
        browser.wait("the swap", f"document.querySelector('.active b').textContent.includes('{other}')")
        browser.wait("it is read aloud", "/</.test(document.getElementById('news').textContent)")
        browser.listen(2)
        browser.picture(f"{folder}/control.png")
        browser.click(f"tbody tr:nth-child({row}) .act")
        browser.wait("the choice is given back", "document.querySelector('.tag').hidden")
        browser.click("tbody tr:nth-child(1) .act:nth-of-type(2)")
        browser.wait("it is forbidden", "document.querySelector('.keys .bad').textContent === 'forbidden'")
        browser.click("tbody tr:nth-child(1) .act:nth-of-type(2)")
        browser.wait("it is allowed", "document.querySelector('.keys .bad').textContent === ''")
        browser.click(".weigh input")
        browser.type("2.5")
        browser.key("Enter")
        browser.wait("the weight", "/the weight is 2.5/.test(document.querySelector('.details [role=status]').textContent)")
        faults = browser.faults()
        assert not faults, faults
        say("names that are markup are text, and pin, forbid and weigh work with the token only")
    finally:
        program.end()


def stay(browser, seconds):
    """What the page holds while it stays open: nothing grows after the ten minutes that it keeps."""
    browser.events.clear()
    # Or the browser keeps for its tools whatever came, which is not the page's.
    browser.send("Network.disable")
    port = free_port()
    program = Program(port, "", SHOWN)
    try:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait("a chart", "!!document.querySelector('.chart canvas')")
        browser.click(".row")
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            browser.listen(min(60, seconds))
            assert not browser.faults(), browser.faults()
            browser.events.clear()
            heap, nodes = browser.heap()
            with open(f"/proc/{program.process.pid}/status") as file:
                rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
            say(f"after {(time.monotonic() - begin) / 60:.1f} min: heap {heap / 1e6:.2f} MB, {nodes} nodes, "
                f"browser {browser.memory() / 1e6:.0f} MB, program {rss / 1000:.0f} MB")
    finally:
        program.end()


def main():
    folder, seconds = sys.argv[1], float(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    browser = Browser()
    try:
        if not seconds:
            look(browser, folder)
            hosts = browser.hosts()
            assert all(it.startswith("127.0.0.1:") or it in ("about", "data") for it in hosts), hosts
            control(browser, folder)
            say(f"no script error, and no other host was asked; pictures are in {folder}")
        else:
            stay(browser, seconds)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
