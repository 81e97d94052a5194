"""A headless Chromium that a test can drive: the few calls of the DevTools protocol that it takes, through a pipe.

The protocol: https://chromedevtools.github.io/devtools-protocol. With --remote-debugging-pipe the browser reads
commands from file descriptor 3 and writes answers and events to 4, each a JSON text that ends with a zero byte.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
# A program that becomes another one, whose file descriptors 3 and 4 are two of its own.
TURNED_INTO = (
    "import fcntl, os, sys; write = fcntl.fcntl(int(sys.argv[2]), fcntl.F_DUPFD, 10); "
    "os.dup2(int(sys.argv[1]), 3); os.dup2(write, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 120  # seconds: only a browser that hangs takes longer, on whatever machine


def installed():
    """The path of a browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def is_of(event, params):
    """Whether an event has these parameters among its own."""
    return all(event.get("params", {}).get(name) == value for name, value in params.items())


class Browser:
    """A browser with one page; a context manager, which ends it."""

    def __init__(self, path):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command_end, self.commands = os.pipe()
        self.answers, answer_end = os.pipe()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", TURNED_INTO, str(command_end), str(answer_end)),
                *(path, *FLAGS, f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", "about:blank"),
            ],
            pass_fds=(command_end, answer_end),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_end)
        os.close(answer_end)
        self.count, self.buffer, self.events, self.session = 0, b"", [], None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.close(self.commands)  # at the end of its commands the browser closes
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            os.close(self.answers)
            self.profile.cleanup()

    def call(self, method, **params):
        """Send a command, and return its result; events that come before it are kept."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.count:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def receive(self):
        """The next message."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError(f"the browser has said nothing for {PATIENCE} seconds")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def show(self, width, height=900, dark=False):
        """Set the size of the window, and the colours that the user prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address):
        """Go to a page, wait until it is loaded, and return what went wrong: failed requests, errors of scripts."""
        self.call("Page.navigate", url="about:blank")  # from where a place in the same page is loaded as well
        self.events.clear()
        loader = self.call("Page.navigate", url=address)["loaderId"]
        loaded = {"loaderId": loader, "name": "load"}
        self.wait(lambda: any(is_of(event, loaded) for event in self.events))
        return self.faults()

    def wait(self, condition):
        """Take messages until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page has not come so far within {PATIENCE} seconds")
            self.evaluate("new Promise(done => setTimeout(done, 20))")  # takes what has come meanwhile

    def evaluate(self, expression):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def faults(self):
        """What went wrong since the page was opened, a line each."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if "favicon.ico" in str(params):  # which a browser asks for by itself
                continue
            if method == "Network.loadingFailed" and not params.get("canceled"):
                found.append(f"request failed: {params['errorText']}")
            elif method == "Network.responseReceived" and params["response"]["status"] >= 400:
                found.append(f"{params['response']['status']}: {params['response']['url']}")
            elif method == "Runtime.exceptionThrown":
                found.append(f"script: {params['exceptionDetails']['text']}")
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
                found.append(f"console: {[argument.get('value') for argument in params['args']]}")
            elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")
        return found

    def screenshot(self, path, whole=False):
        """Write a picture of the window, or of the whole page, as PNG."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
