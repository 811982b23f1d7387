"""Every kind of block, added to a copy of the project by a file and a registration, in one study.

The files and registrations are the worked examples of docs/extending.md, and the study is run by
Snakemake as a user runs it.
"""

import csv
from pathlib import Path
import re
import shutil
from typing import Any

import pandas as pd
from project import ROOT, copy_of_project, snakemake, write_study
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "docs/examples"
LIBRARY = "workflow/attinfo"
BLOCKS = {  # kind -> where its registration goes, and the name of the dictionary
    "scorer": ("blocks/scorers.py", "SCORERS"),
    "encoder": ("blocks/encoders.py", "ENCODERS"),
    "normaliser": ("blocks/normalisers.py", "NORMALISERS"),
    "estimator": ("blocks/estimators.py", "ESTIMATORS"),
    "source": ("blocks/sources.py", "SOURCES"),
    "measure": ("blocks/measures.py", "MEASURES"),
}
ENTRIES = {  # kind -> module of the example, where it goes, after which line, the entry
    "claim": (
        "claims/declared/recurrent.py",
        "claims/conclusions.py",
        '        ("combinations", combinations.CONCLUSION),',
        '("recurrent", recurrent.CONCLUSION),',
    ),
    "statistic": (
        "claims/tempering.py",
        "claims/run_statistics.py",
        "STATISTICS: dict[str, Statistic] = {",
        '"tempering": _tempering(),',
    ),
    "figure": (
        "figures/families/accuracy_by_encoder.py",
        "figures/catalogue.py",
        "FIGURES = {",
        '"accuracy_by_encoder": Figure(title="Test accuracy of each encoder", section="blocks", '
        'path="attinfo.figures.families.accuracy_by_encoder:accuracy_by_encoder"),',
    ),
}
STUDY: dict[str, Any] = {
    "study": "extended",
    "seeds": [1, 2],
    "datasets": {
        "lines": {"source": {"name": "lines", "folder": "texts"}, "split": {"train": 0.5}}
    },
    "grid": [
        {
            "dataset": "lines",
            "encoder": ["bigram", "bilstm", "cnn"],
            "attention": ["gated", "additive"],
            "normaliser": "softplus",
        }
    ],
    "model": {"embedding": 16, "width": 16, "dropout": 0.1},
    "training": {"epochs": 2, "batch_size": 64, "learning_rate": 0.01},
    "information": {
        "estimators": ["linear", "spheres"],
        "light": [],
        "spot_checks": [],
        "positions": 2,
        "ranks": 2,
        "min_texts": 50,
        "permutations": 19,
    },
    "importance": {"measures": ["gradient", "above_uniform"], "options": {}},
    "faithfulness": {"texts": 20, "normalised_texts": 0, "random_orders": 1},
    "calibration": {"ranks": [4], "levels": [0.3], "repeats": 2},
    "statistics": {"bootstrap": 200},
    "report": {"texts": 2},
}


def write_texts(folder: Path) -> None:
    """A file of texts for each class, in which one word decides the class."""
    folder.mkdir()
    for name, word in (("negative", "dull"), ("positive", "fine")):
        rows = (f"a {word} film of scene{i % 7} and actor{i % 11} number{i}" for i in range(300))
        (folder / f"{name}.txt").write_text("\n".join(rows), "utf-8")


def place(path: str) -> str:
    """The file of the library that an import path names."""
    return path.partition(":")[0].removeprefix("attinfo.").replace(".", "/") + ".py"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with an additional block of each kind, and a finished study of them."""
    folder = copy_of_project(tmp_path_factory.mktemp("extended"))
    library = folder / LIBRARY
    for kind, (registry, name) in BLOCKS.items():
        text = (EXAMPLES / f"registration/{kind}.py").read_text("utf-8")
        (path,) = re.findall(r'path="(attinfo[^"]+)"', text)
        shutil.copyfile(EXAMPLES / f"{kind}.py", library / place(path))
        own = [
            line
            for line in text.splitlines(keepends=True)
            if f"blocks.{Path(registry).stem}" not in line
        ]
        with (library / registry).open("a", encoding="utf-8") as file:
            file.write("".join(own) + f"\n{name}[BLOCK.name] = BLOCK\n")
    for kind, (module, registry, after, entry) in ENTRIES.items():
        shutil.copyfile(EXAMPLES / f"{kind}.py", library / module)
        text = (library / registry).read_text("utf-8")
        assert text.count(after) == 1, registry
        text = text.replace(after, f"{after}\n    {entry}")
        if kind == "claim":
            first = "from attinfo.claims.declared import"
            text = text.replace(first, f"from attinfo.claims.declared import recurrent\n{first}", 1)
        if kind == "statistic":  # the example imports `Statistic` from the file that has it
            text = text.replace(
                "STATISTICS: dict",
                "def _tempering() -> Statistic:\n    from attinfo.claims.tempering "
                "import TEMPERING\n\n    return TEMPERING\n\n\nSTATISTICS: dict",
                1,
            )
        (library / registry).write_text(text, "utf-8")
    write_texts(folder / "texts")
    write_study(folder / "extended.yaml", STUDY)
    done = snakemake(folder, "--configfile", "extended.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder / "results/extended"


def test_added_encoders_scorers_and_normalisers_are_cells_of_tables_and_page(
    extended: Path,
) -> None:
    cells = pd.read_csv(extended / "cells.csv")
    assert {"bigram", "bilstm", "cnn"} == set(cells["encoder"])
    assert "gated" in set(cells["attention"]) and {"softplus"} == set(cells["normaliser"])
    page = (extended / "report.html").read_text("utf-8")
    assert "Bigram" in page and "Gated" in page and "softplus" in page


def test_an_added_source_is_read_and_its_files_are_inputs(extended: Path) -> None:
    raw = pd.read_parquet(next((extended.parent / "data/raw").glob("lines-*.parquet")))
    assert set(raw["label"]) == {"negative", "positive"} and len(raw) == 600


def test_an_added_estimator_is_calibrated_and_has_statistics(extended: Path) -> None:
    information = pd.read_parquet(extended / "information.parquet")
    assert {"linear", "spheres"} <= set(information["estimator"])
    assert "spheres" in set(pd.read_csv(extended / "calibration.csv")["estimator"])
    statistics = set(pd.read_csv(extended / "cells.csv")["statistic"])
    assert {"information_position_spheres", "tau_spheres"} <= statistics


def test_an_added_measure_is_ranked_by_its_size(extended: Path) -> None:
    assert "attention~above_uniform" in set(pd.read_csv(extended / "agreement.csv")["pair"])
    assert "tau_above_uniform" in set(pd.read_csv(extended / "cells.csv")["statistic"])


def test_an_added_statistic_claim_and_figure_are_in_tables_and_on_the_page(extended: Path) -> None:
    assert "tempering" in set(pd.read_csv(extended / "cells.csv")["statistic"])
    with (extended / "claims.csv").open(encoding="utf-8", newline="") as file:
        numerals = {row["claim"] for row in csv.DictReader(file)}
    assert "vi" in numerals
    assert list(extended.glob("figures/**/accuracy_by_encoder.svg"))
    page = (extended / "report.html").read_text("utf-8")
    assert "Test accuracy of each encoder" in page and "(vi)" in page
