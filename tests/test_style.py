"""Formatters, linters and the type checker have nothing to say."""

import os
from pathlib import Path
import subprocess
import sys

from project import ROOT
import pytest

COMMANDS = (
    "ruff check .",
    "ruff format --check .",
    "snakefmt --check .",
    "snakemake --lint",
    "snakemake --lint --snakefile workflow/Snakefile",
    "snakemake --lint --configfile studies/audit.yaml",
    "mypy",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_to_be_mended(command: str) -> None:
    name, *arguments = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_snakefile_is_a_table_of_contents() -> None:
    lines = (ROOT / "workflow/Snakefile").read_text("utf-8").splitlines()
    assert len(lines) <= 50
