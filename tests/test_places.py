"""The workflow works wherever it is, from wherever it is called, and within another workflow."""

import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import time

from project import (
    ROOT,
    copy_of_project,
    jobs_of_dry_run,
    small_project,
    smallest_study,
    snakemake,
    write_study,
)
import pytest
import yaml

from attinfo.config.study import Study

MODULE = """
configfile: "small.yaml"

module attinfo:
    snakefile:
        {snakefile!r}
    config:
        config

use rule * from attinfo as attinfo_*

rule mine:
    default_target: True
    input:
        "results/small/preflight.json",
"""
PREFLIGHT = ("--configfile", "small.yaml", "--until", "preflight")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose path has what formats and shells treat specially."""
    folder = tmp_path_factory.mktemp("places") / "a {folder} of 'mine' $x"
    folder.mkdir()
    return small_project(folder)


@pytest.fixture
def elsewhere(clone: Path, tmp_path: Path) -> Path:
    """Another folder, with a study and its data."""
    folder = tmp_path / "else where {x}"
    folder.mkdir()
    for name in ("small.yaml", "small.csv"):
        shutil.copy(clone / name, folder / name)
    return folder


def test_a_path_with_blanks_braces_and_quotes_is_a_path_like_any_other(clone: Path) -> None:
    done = snakemake(clone, *PREFLIGHT)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (clone / "results/small/preflight.json").is_file()


@pytest.mark.parametrize("asked", [(), ("--max-jobs-per-timespan", "7/1s")])
def test_jobs_a_second_are_limited_only_where_that_is_asked_for(
    clone: Path, asked: tuple[str, ...]
) -> None:
    """Jobs that wait for the limit would start scheduling rounds without end."""
    file = clone / "small.smk"
    file.write_text(
        """
include: "Snakefile"

onsuccess:
    print("limit:", workflow.scheduler.job_rate_limiter)
"""
    )
    done = snakemake(clone, "-s", file.name, *PREFLIGHT, "--forcerun", "preflight", *asked)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "limit: " in done.stdout, done.stdout
    assert ("limit: None" in done.stdout) == (not asked), done.stdout


@pytest.mark.parametrize(
    "snakefile", ["Snakefile", pytest.param("workflow/Snakefile", marks=pytest.mark.slow)]
)
def test_results_go_to_the_folder_that_is_named(
    clone: Path, elsewhere: Path, snakefile: str
) -> None:
    study = elsewhere / "small.yaml"
    write_study(study, smallest_study())
    arguments = ("--snakefile", str(clone / snakefile), "--directory", str(elsewhere))
    arguments = (*arguments, "--configfile", str(study))
    done = snakemake(elsewhere.parent, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (elsewhere / "results/small/report.html").is_file()
    # With the profile of the workflow, nothing is to be done from any place.
    for place in (clone, elsewhere):
        again = snakemake(place, *arguments)
        assert "Nothing to be done" in again.stderr


def test_another_workflow_uses_the_rules_as_a_module(clone: Path, elsewhere: Path) -> None:
    text = MODULE.format(snakefile=str(clone / "workflow/Snakefile"))
    (elsewhere / "Snakefile").write_text(text, "utf-8")
    done = snakemake(elsewhere)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((elsewhere / "results/small/preflight.json").read_text("utf-8"))
    planned = jobs_of_dry_run(elsewhere, "results/small/report.html")
    assert planned["attinfo_train"] == 3 and planned["attinfo_report"] == 1


def test_the_folder_may_have_defaults_of_its_own(clone: Path, elsewhere: Path) -> None:
    (elsewhere / "config.yaml").write_text((elsewhere / "small.yaml").read_text("utf-8"))
    done = snakemake(elsewhere, "--snakefile", str(clone / "workflow/Snakefile"), "--dry-run")
    assert "study 'small'" in done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_clone_that_cannot_be_written_to_is_enough(clone: Path, elsewhere: Path) -> None:
    script = 'mount --bind -o ro "$1" "$1"; cd "$2"; shift 2; ! touch "$1" 2>&1; shift; exec "$@"'
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    command += ["--snakefile", str(clone / "Snakefile"), *PREFLIGHT]
    places = [str(clone), str(elsewhere), str(clone / "written")]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script, "sh", *places, *command],
        env=os.environ | {"XDG_CACHE_HOME": str(elsewhere / ".cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (elsewhere / "results/small/preflight.json").is_file()


def test_the_catalogue_finds_what_it_looks_for(tmp_path: Path) -> None:
    folder = copy_of_project(tmp_path / "copy")
    usage = yaml.safe_load((folder / ".snakemake-workflow-catalog.yml").read_text("utf-8"))["usage"]
    assert usage["software-stack-deployment"]["conda"] is True and usage["report"] is True
    assert (folder / "config/README.md").is_file()
    schema = folder / "workflow/schemas/config.schema.yaml"
    # As editors use it; tests/test_config.py holds that to the models.
    assert schema.resolve().name == "config.schema.json"
    assert yaml.safe_load(schema.read_text("utf-8"))["properties"].keys() == (
        Study.model_json_schema()["properties"].keys()
    )
    begun = time.monotonic()
    command = ["--forceall", "-s", "workflow/Snakefile", "-d", ".test", "--rulegraph", "dot"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "digraph" in done.stdout and "claims" in done.stdout
    assert time.monotonic() - begun < 15


def test_the_root_is_the_workflow_and_nothing_else() -> None:
    text = (ROOT / "Snakefile").read_text("utf-8")
    assert 'include: "workflow/Snakefile"' in text and "rule" not in text
