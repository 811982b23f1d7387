"""The notebooks of docs/ run, and its tables name what the library and a finished study have."""

import dataclasses
import inspect
import json
from pathlib import Path
import re
from typing import Any

import pandas as pd
from project import ROOT, copy_of_project, snakemake
import pytest

from attinfo.information.api import estimate
from attinfo.information.flags import FLAGS
from attinfo.information.summary import Estimate
from attinfo.states.store import States

DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished smoke study: that of this checkout, or else run now."""
    if (ROOT / "results/smoke/report.html").is_file():
        return ROOT / "results/smoke"
    folder = copy_of_project(tmp_path_factory.mktemp("smoke"))
    done = snakemake(folder, "--configfile", "studies/smoke.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results/smoke"


def executed(name: str) -> list[dict[str, Any]]:
    """The outputs of a notebook of a fresh kernel."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    path = DOCS / f"notebooks/{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


@pytest.mark.slow
def test_the_notebook_of_own_states_runs_and_draws() -> None:
    outputs = executed("own_states")
    assert any("image/png" in out.get("data", {}) for out in outputs)


@pytest.mark.slow
def test_the_notebook_of_a_finished_study_runs_and_recomputes_the_agreement(
    smoke: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY", str(smoke))
    outputs = executed("finished_study")
    assert sum("image/png" in out.get("data", {}) for out in outputs) == 2
    last = outputs[-1]["text"]
    by_hand, in_table = re.findall(r"[+-]\d\.\d{4}", last)
    assert by_hand == in_table


# What tables of names list


def first_cells(path: str, heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    text = (DOCS / path).read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_docs_explain_every_flag_of_an_estimate() -> None:
    text = "".join(path.read_text("utf-8") for path in (DOCS / "stages").glob("info*.md"))
    studies = {flag for flag in FLAGS if f"`{flag}`" in text}
    assert first_cells("own_states.md", "Flags") | studies == set(FLAGS)


def test_the_docs_explain_every_attribute_and_argument_of_an_estimate() -> None:
    names = {field.name for field in dataclasses.fields(Estimate)}
    assert first_cells("own_states.md", "Result") == names
    arguments = set(inspect.signature(estimate).parameters) - {"options"}
    assert first_cells("own_states.md", "Arguments") == arguments


def test_the_docs_explain_every_tensor_of_the_store() -> None:
    names = {field.name for field in dataclasses.fields(States)}
    text = (DOCS / "stages/states.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)`", text, re.M)) == names


@pytest.mark.slow
def test_a_finished_study_has_the_files_and_columns_that_the_docs_name(smoke: Path) -> None:
    files = re.findall(r"`<study>/([\w./]+)`", (ROOT / "results/README.md").read_text("utf-8"))
    assert len(files) > 10
    for name in set(files) - {"published.csv"}:
        assert (smoke / name).exists(), name
    text = (DOCS / "stages/claims.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named <= set(pd.read_csv(smoke / "claims.csv").columns)
    trust = first_cells("stages/information.md", "Trust")
    assert trust <= set(pd.read_parquet(smoke / "information.parquet").columns)
    statistics = set(pd.read_csv(smoke / "agreement.csv")["statistic"])
    text = (DOCS / "stages/agreement.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} <= statistics
