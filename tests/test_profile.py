"""The resources that `snakemake --profile slurm` requests, by dry runs; no cluster is needed."""

from functools import cache
from pathlib import Path
import re

from project import ROOT, copy_of_project, snakemake
import pytest

GPU = {"train", "states", "importance", "faithfulness"}


@cache
def asked_for(folder: Path, *arguments: str) -> dict[str, dict[str, str]]:
    """The resources of a job of each rule of the smoke study."""
    smoke = ("--profile", "slurm", "--configfile", "studies/smoke.yaml", "--forceall", "--dry-run")
    done = snakemake(folder, *smoke, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    jobs = re.findall(
        r"^(?:local)?rule (\w+):$.*?^    resources: (.*?)$",
        done.stdout + done.stderr,
        re.MULTILINE | re.DOTALL,
    )
    pairs = {rule: [pair.split("=", 1) for pair in text.split(", ")] for rule, text in jobs}
    return {rule: dict(found) for rule, found in pairs.items() if rule != "all"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_project(tmp_path_factory.mktemp("profile"))


def test_each_attempt_asks_for_more_memory_and_time(folder):
    first, third = asked_for(folder), asked_for(folder, "--attempt", "3")
    assert {"train", "information", "report"} <= first.keys() == third.keys()
    for rule, asked in first.items():
        for what in ("mem_mb", "runtime"):
            assert int(third[rule][what]) == 3 * int(asked[what]), (rule, what)


def test_so_does_every_rule_that_the_smoke_study_lacks():
    text = "".join(path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    for rule in re.split(r"^ *rule\b", text, flags=re.MULTILINE)[1:]:
        assert "mem_mb=growing(" in rule and "runtime=growing(" in rule, rule


def test_account_and_partition_are_set_in_one_place(folder):
    for asked in asked_for(folder).values():
        assert (asked["slurm_account"], asked["slurm_partition"]) == ("CHANGE", "CHANGE")
    profile = (folder / "profiles/slurm/profile.yaml").read_text("utf-8")
    assert profile.count("CHANGE") == 2


def test_another_account_and_partition_fit_on_the_command_line(folder):
    words = ("--default-resources", "slurm_account=mine", "slurm_partition=night")
    for asked in asked_for(folder, *words).values():
        assert (asked["slurm_account"], asked["slurm_partition"]) == ("mine", "night")
        assert int(asked["mem_mb"]) >= 500


def test_no_job_asks_for_a_gpu_until_the_marks_are_taken_away(folder):
    assert not any("gpu" in asked for asked in asked_for(folder).values())
    path = folder / "profiles/slurm/profile.yaml"
    before = path.read_text("utf-8")
    path.write_text(re.sub(r"^# (set-resources:|  \w+: \{)", r"\1", before, flags=re.MULTILINE))
    try:
        asked = asked_for(folder, "--config", "batch=1")
    finally:
        path.write_text(before, "utf-8")
    assert {"train", "train_from_2"} <= asked.keys()  # each batch of seeds is a rule of its own
    for rule, found in asked.items():
        on_gpu = rule.removesuffix("_from_2") in GPU
        assert (found.get("gpu"), found["slurm_partition"]) == (
            ("1", "gpu") if on_gpu else (None, "CHANGE")
        )
