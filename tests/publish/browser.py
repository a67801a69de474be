"""Headless Chromium over the WebDriver protocol: open a page, run a script, take a picture."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]


class Browser:
    """One session."""

    def __init__(self, driver: str, width: int, height: int, *, dark: bool) -> None:
        theme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        options: dict[str, Any] = {
            "binary": shutil.which("chromium"),
            "args": [*ARGUMENTS, f"--window-size={width},{height}", *theme],
        }
        if width < 500:  # no window is narrower than that
            screen = {"width": width, "height": height, "pixelRatio": 1.0}
            options["mobileEmulation"] = {"deviceMetrics": screen}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL"}}  # fmt: skip
        self.driver = driver
        body = {"capabilities": {"alwaysMatch": wanted}}
        self.session = f"{driver}/session/{_ask(f'{driver}/session', body)['sessionId']}"

    def open(self, path: Path, fragment: str = "") -> None:
        _ask(f"{self.session}/url", {"url": "about:blank"})
        _ask(f"{self.session}/url", {"url": f"{path.as_uri()}{fragment}"})

    def run(self, script: str) -> Any:
        return _ask(f"{self.session}/execute/sync", {"script": script, "args": []})

    def log(self) -> list[str]:
        """Return what the console said: errors, and what the page's policy refused."""
        return [e["message"] for e in _ask(f"{self.session}/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        with urlopen(f"{self.session}/screenshot", timeout=30) as answer:
            path.write_bytes(b64decode(json.load(answer)["value"]))

    def close(self) -> None:
        with urlopen(Request(self.session, method="DELETE"), timeout=30):
            pass


def _ask(url: str, body: Any) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


@contextmanager
def browsing(width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[Browser]:
    """Give a browser; the test is skipped where Chromium or its driver is not installed."""
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium-driver)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        browser = _connected(f"http://127.0.0.1:{port}", width, height, dark=dark)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(10)


def _connected(driver: str, width: int, height: int, *, dark: bool) -> Browser:
    for _ in range(100):
        try:
            with urlopen(f"{driver}/status", timeout=5):
                break
        except URLError:
            time.sleep(0.1)
    return Browser(driver, width, height, dark=dark)
