"""What is on the screen last when a study has failed."""

from pathlib import Path
import subprocess

from project import small_project, small_study, snakemake, write_study
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets, one of which keeps no row: only the job that prepares it can know."""
    folder = small_project(tmp_path_factory.mktemp("failing"))
    study = small_study()
    study["datasets"]["empty"] = study["datasets"]["small"] | {"where": {"label": "none"}}
    study["grid"].append(study["grid"][1] | {"dataset": "empty"})
    write_study(folder / "failing.yaml", study)
    return folder


def screen(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.strip()]


def test_the_last_lines_are_the_message_of_the_failed_job_and_its_log(folder: Path) -> None:
    done = snakemake(folder, "--configfile", "failing.yaml", "--until", "prepare")
    assert done.returncode == 1
    count, message, log = screen(done)[-3:]
    assert count == "failed: 1 job"
    assert message.startswith("error: small.csv: where keeps no row for 'none'")
    assert log.startswith("    rule prepare, log: results/data/logs/prepare/empty-")
    path = log.split("log: ")[1]
    assert message in (folder / path).read_text("utf-8")


def test_a_job_that_is_killed_without_a_word_is_named_with_its_log(folder: Path) -> None:
    script = folder / "workflow/scripts/preflight.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    done = snakemake(folder, "--configfile", "small.yaml", "--until", "preflight")
    assert done.returncode == 1
    count, message, log = screen(done)[-3:]
    assert count == "failed: 1 job" and message.startswith("no message: the job was killed")
    assert log == "    rule preflight, log: results/small/logs/preflight/preflight.log"


def test_a_study_that_succeeds_or_is_not_run_says_nothing_of_failures(folder: Path) -> None:
    done = snakemake(folder, "--configfile", "small.yaml", "--until", "download")
    assert done.returncode == 0 and "failed:" not in done.stderr
