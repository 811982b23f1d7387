"""The package beside other people's packages: ranges of versions, and the core alone."""

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
import subprocess
import sys
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from project import ROOT, copy_of_project
import pytest

CORE = {"numpy", "pandas", "pydantic", "scipy", "torch"}
EXTRAS = {"docs", "fast", "pretrained", "study", "test"}
PROGRAM = """
import sys
import numpy as np
from attinfo.information import estimate
rng = np.random.default_rng(0)
hidden = rng.normal(size=(400, 4))
output = (hidden[:, 0] + 0.5 * rng.normal(size=400) > 0).astype(int)
for name in ("linear", "knn", "gaussian", "binning", "stack"):
    found = estimate(hidden, output, estimator=name)
    assert 0 < found.mi_nats < np.log(2), (name, found)
print(*sorted(name for name in sys.modules if "." not in name))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_of_project(tmp_path_factory.mktemp("package"))
    out = folder / "dist"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def requirements(wheel: Path) -> dict[str, list[Requirement]]:
    """What the wheel asks for: extra, or "" for the core -> requirements."""
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(name).decode().splitlines()
    found: dict[str, list[Requirement]] = {"": []}
    for line in lines:
        key, _, value = line.partition(": ")
        if key == "Requires-Dist":
            needed = Requirement(value)
            extra = next((e for e in EXTRAS if f'"{e}"' in str(needed.marker)), "")
            found.setdefault(extra, []).append(needed)
    return found


def test_the_core_is_small_and_the_rest_are_extras(
    requirements: dict[str, list[Requirement]],
) -> None:
    assert {needed.name for needed in requirements[""]} == CORE
    assert requirements.keys() - {""} == EXTRAS


def test_any_release_of_torch_from_the_lowest_on_is_accepted(
    requirements: dict[str, list[Requirement]],
) -> None:
    (torch,) = (needed for needed in requirements[""] if needed.name == "torch")
    assert all(version in torch.specifier for version in ("2.5.0", "2.13.0", "2.14.1"))
    assert "2.4.1" not in torch.specifier


def test_the_tested_versions_are_within_the_ranges(
    requirements: dict[str, list[Requirement]],
) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    tested = {canonicalize_name(name): version for name, version in pairs}
    for needed in (one for own in requirements.values() for one in own):
        if needed.name != "attinfo":
            assert tested[canonicalize_name(needed.name)] in needed.specifier, needed


def closure(names: set[str]) -> Iterator[Distribution]:
    """Installed packages of these names, and all that they need."""
    todo, seen = {canonicalize_name(name) for name in names}, set()
    while todo - seen:
        name = (todo - seen).pop()
        seen.add(name)
        found = distribution(name)
        yield found
        for needed in map(Requirement, found.requires or []):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo.add(canonicalize_name(needed.name))


@pytest.mark.slow
def test_estimates_need_no_package_but_those_of_the_core(wheel: Path, tmp_path: Path) -> None:
    venv = [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"]
    subprocess.run(venv, check=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    for found in closure(CORE):
        tops = {Path(file).parts[0] for file in found.files or []} - {"..", "__pycache__"}
        for top in tops:
            target = Path(str(found.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    python = tmp_path / "venv/bin/python"
    done = subprocess.run(
        [python, "-I", "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    absent = {"numba", "captum", "datasets", "snakemake", "matplotlib", "safetensors", "sklearn"}
    assert not absent & set(done.stdout.split())
    assert not any((site / name).exists() for name in absent)
