"""A real Chromium without a window, and what a page did in it."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import shutil
import subprocess
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
]


def absent(tool: str) -> None:
    """Skip, and say why; where all tests are to be run, fail."""
    said = f"{tool} is not installed: what needs it is not tested"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def need(tool: str) -> str:
    """The path of a program; without it the test is skipped, or fails, see `absent`."""
    place = shutil.which(tool)
    if place is None:
        absent(tool)
    return place


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A browser of its own profile, from Debian's packages `chromium` and `chromium-driver`."""
    binary, service = need("chromium"), Service(need("chromedriver"))
    with TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = binary
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = Chrome(options=options, service=service)
        try:
            yield driver
        finally:
            driver.quit()


def visit(driver: Chrome, page: Path, width: int = 1200) -> Chrome:
    """Open a page from disk; what was logged before is forgotten."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(page.as_uri())
    return driver


def requests(driver: Chrome) -> list[str]:
    """The addresses that were asked for since the page was opened."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def axe(driver: Chrome, folder: Path) -> list[dict[str, Any]]:
    """What axe-core finds wrong with the page that is open; it is installed to `folder` once."""
    source = folder / "node_modules/axe-core/axe.min.js"
    if not source.is_file():
        need("npm")
        shutil.copy(Path(__file__).parent / "browser/package.json", folder)
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            absent("axe-core (npm)")
    driver.execute_script(source.read_text("utf-8"))
    wait = "const done = arguments[0]; axe.run().then((found) => done(found.violations));"
    return driver.execute_async_script(wait)
