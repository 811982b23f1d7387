"""The pictures of the README: the top of a page, and the graph of the rules."""

import os
from pathlib import Path
import re
import shutil
import subprocess
from tempfile import TemporaryDirectory

from attinfo.runtime.errors import InputError

WIDTH, HEIGHT = 1280, 1180  # of the picture of a page, in pixels
SECONDS = 120
QUIET = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
LOOK = [
    "-Gdpi=80",
    "-Grankdir=LR",
    "-Gbgcolor=white",
    "-Gnodesep=0.2",
    "-Granksep=0.3",
    "-Nfontname=sans-serif",
]


def _run(command: list[str], package: str, given: str | None = None) -> str:
    """Run a program and return what it prints.

    Raises:
        InputError: it is not installed, it fails, or it takes too long.
    """
    name = command[0]
    if shutil.which(name) is None:
        raise InputError(f"{name}: not found, expected on the PATH (package {package})")
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{name}: took more than {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"{name}: failed: {last}") from None
    return done.stdout


def picture_of_page(page: str | Path, path: Path) -> None:
    """Write the top of a page as PNG, as Chromium shows it.

    Raises:
        InputError: Chromium is not installed or fails.
    """
    with TemporaryDirectory() as profile:
        # Chromium refuses its sandbox to root, the user in many containers.
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        size = f"--window-size={WIDTH},{HEIGHT}"
        own = [f"--user-data-dir={profile}", size, f"--screenshot={path.resolve()}"]
        address = Path(page).resolve().as_uri()
        _run(["chromium", *QUIET, *root, *own, address], "chromium")
    if not path.is_file():
        raise InputError(f"chromium: made no picture of {page}")


def picture_of_rules(graph: str, path: Path) -> None:
    """Write a graph in the dot language as PNG, without edges that others imply.

    Raises:
        InputError: Graphviz is not installed or fails.
    """
    plain = re.sub(r', color = "[^"]*"', "", graph)
    reduced = _run(["tred"], "graphviz", plain)
    _run(["dot", "-Tpng", *LOOK, f"-o{path}"], "graphviz", reduced)
    if not path.is_file():
        raise InputError("dot: made no picture, as its input is not a graph")
