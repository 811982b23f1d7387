"""Running the project as a user does: a fresh copy, the real Snakemake."""

import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any

from conftest import write_planted
import yaml

ROOT = Path(__file__).parents[1]


def copy_of_project(folder: Path) -> Path:
    """The files that git knows or would add, in a new folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def snakemake(
    folder: Path, *arguments: str, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")},
        check=False,
        timeout=timeout,
    )


def small_study() -> dict[str, Any]:
    """A study with every stage but as little in each as there can be; it reads `small.csv`."""
    cell = {"dataset": "small", "attention": "additive", "normaliser": "softmax"}
    return {
        "study": "small",
        "seeds": [1, 2],
        "batch": 2,
        "datasets": {
            "small": {"source": {"name": "files", "path": "small.csv"}, "split": {"train": 0.55}}
        },
        "grid": [
            cell | {"encoder": "mlp", "variant": ["trained", "uniform"]},
            cell | {"encoder": "cnn", "attention": "scaled_dot"},
        ],
        "model": {"embedding": 16, "width": 16, "dropout": 0.1},
        "training": {
            "epochs": 3,
            "patience": 3,
            "batch_size": 64,
            "learning_rate": 0.01,
            "weight_decay": 0.02,
        },
        "information": {
            "estimators": ["linear", "knn"],
            "light": [],
            "spot_checks": [],
            "positions": 3,
            "ranks": 3,
            "min_texts": 50,
            "permutations": 19,
        },
        "importance": {"measures": ["gradient", "leave_one_out"], "options": {}},
        "faithfulness": {"texts": 20, "normalised_texts": 4, "random_orders": 1},
        "calibration": {"ranks": [4], "levels": [0.3], "repeats": 2},
        "statistics": {"bootstrap": 200},
        "report": {"texts": 2},
    }


def smallest_study() -> dict[str, Any]:
    """The small study with one model and one estimator."""
    study = small_study() | {"seeds": [1]}
    study["grid"] = [study["grid"][0] | {"variant": "trained"}]
    study["information"] |= {"estimators": ["linear"]}
    return study


def small_project(folder: Path) -> Path:
    """A copy of the project with the small study in `small.yaml`."""
    copy_of_project(folder)
    write_planted(folder / "small.csv")
    write_study(folder / "small.yaml", small_study())
    return folder


def write_study(path: Path, study: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(study), "utf-8")


def jobs_of_dry_run(folder: Path, *arguments: str) -> dict[str, int]:
    """Rule -> how many of its jobs would run."""
    done = snakemake(folder, *arguments, "--dry-run", "--quiet", "rules")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-2000:]
    rows = [line.split() for line in text.splitlines()]
    return {r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].isdigit() and r[0] != "total"}
