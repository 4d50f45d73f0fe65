# SPDX-License-Identifier: MPL-2.0
"""Chromium without a window, driven over a pipe by the DevTools protocol. Needs nothing but Python."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Browser:
    """A browser with one page, until it is closed."""

    def __init__(self, program="chromium"):
        self.profile = tempfile.mkdtemp(prefix="avrec-page-")
        command_in, self.out = os.pipe()
        self.answers, answers_out = os.pipe()

        def pipes():
            # Chromium reads commands at 3 and answers at 4.
            one, other = os.dup(command_in), os.dup(answers_out)
            os.dup2(one, 3), os.dup2(other, 4)
            os.set_inheritable(3, True), os.set_inheritable(4, True)

        flags = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
                 "--js-flags=--expose-gc", "--enable-precise-memory-info", f"--user-data-dir={self.profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen([program, *flags, "about:blank"], preexec_fn=pipes, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_in), os.close(answers_out)
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "Performance"]:
            self.send(f"{domain}.enable")

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method, **params):
        """What the browser answers to a command."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.out, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next(30)
            assert message, f"the browser does not answer to {method}"
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message}"
                return message["result"]
            self.events.append(message)

    def _next(self, patience):
        end = time.monotonic() + patience
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            self.rest += os.read(self.answers, 1 << 20)
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def listen(self, seconds):
        """Takes events for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self._next(left)
            if message:
                self.events.append(message)

    def faults(self):
        """What scripts did wrong, and what the console says is wrong."""
        found = []
        for it in self.events:
            params = it.get("params", {})
            if it.get("method") == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            if it.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(str([arg.get("value") for arg in params["args"]]))
            if it.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            if it.get("method") == "Page.javascriptDialogOpening":
                found.append(f"a dialog: {params['message']}")
        return found

    def hosts(self):
        """Whom requests went to."""
        requests = (it["params"]["request"]["url"] for it in self.events if it.get("method") == "Network.requestWillBeSent")
        return {url.split("/")[2] if url.startswith("http") else url.split(":")[0] for url in requests}

    def open(self, url):
        self.send("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression in the page; it may be a promise."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, what, script, patience=20):
        """Until it is true in the page; returns the value."""
        end = time.monotonic() + patience
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{what}; the page says: {self.run('document.body.innerText')[:2000]}"
            self.listen(.05)
        return value

    def size(self, width, height, scale=1, is_phone=False):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=is_phone)
        self.send("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    def scheme(self, name):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def place(self, selector):
        """The middle of what a selector finds, brought into view."""
        return self.run(f"""(() => {{ const node = document.querySelector({json.dumps(selector)});
            if (!node) return null;
            node.scrollIntoView({{ block: 'center' }});
            const box = node.getBoundingClientRect();
            return [box.x + Math.min(box.width / 2, 60), box.y + box.height / 2]; }})()""")

    def click(self, selector):
        place = self.place(selector)
        assert place, f"there is no {selector}"
        x, y = place
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"]:
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def tap(self, selector):
        x, y = self.place(selector)
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key, text=None):
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, " ": 32}
        params = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        typed = text or {"Enter": "\r", " ": " "}.get(key)
        self.send("Input.dispatchKeyEvent", type="keyDown", **params, **({"text": typed} if typed else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **params)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def picture(self, path, is_whole=False):
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=is_whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def heap(self):
        """Bytes that scripts hold after a collection, and nodes of documents."""
        self.send("HeapProfiler.collectGarbage")
        figures = {it["name"]: it["value"] for it in self.send("Performance.getMetrics")["metrics"]}
        return int(figures["JSHeapUsedSize"]), int(figures["Nodes"])

    def memory(self):
        """Bytes of the processes of the browser, shared ones counted once each (proportional set size)."""
        total, left = 0, [self.process.pid]
        while left:
            pid = left.pop()
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as file:
                    left += map(int, file.read().split())
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
            except OSError:
                pass
        return total
