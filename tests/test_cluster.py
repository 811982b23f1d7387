"""Slurm for real: two nodes of our own on this machine, asked and used as a user does."""

from collections.abc import Callable, Iterator
import os
from pathlib import Path
import subprocess
import sys

from cluster import Cluster, Job, cluster, missing, wait_until
from project import copy_of_project
import pytest
import yaml

from attinfo import cluster as library
from attinfo.cluster import Queue, check_queues, check_shared, ready, status_command
from attinfo.errors import InputError

pytestmark = pytest.mark.skipif(
    bool(missing()) and not os.environ.get("CI"), reason=f"no Slurm to test on: {missing()}"
)
BOTH = Queue("any", "both")
SECOND = Queue("any", "second")
STUDY = {
    "study": "local",
    "seeds": [1, 2],
    "datasets": {
        "small": {
            "source": {"name": "planted", "texts": 600, "longest": 8},
            "split": {"train": 0.55},
        }
    },
    "grid": [
        {"dataset": "small", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    ],
    "model": {"embedding": 8, "width": 8},
    "training": {"epochs": 2, "learning_rate": 0.01},
    "information": {"positions": 2, "ranks": 2, "min_texts": 50, "permutations": 19},
    "faithfulness": {"texts": 50, "normalised_texts": 4},
    "calibration": {"ranks": [4], "levels": [0.3], "repeats": 2},
    "statistics": {"bootstrap": 200},
    "report": {"texts": 1},
}
TABLES = ("claims", "runs", "cells", "variance", "ranks", "agreement", "faithfulness")


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    assert not missing(), missing()
    with cluster() as running:
        yield running


@pytest.fixture
def here(slurm: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, for commands that this process runs."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, slurm.environment[name])
    return slurm


# What is asked before the first job.


def test_the_partitions_of_a_cluster_are_listed(here):
    assert library.partitions() == ["both", "second"]


def test_a_partition_that_does_not_exist_is_named_with_those_that_do(here):
    with pytest.raises(InputError) as error:
        check_queues({Queue("any", "bth")}, library.partitions())
    assert str(error.value) == (
        "unknown slurm_partition 'bth': did you mean 'both'? (known: both, second)"
    )


@pytest.mark.parametrize(("account", "how"), [("CHANGE", "still CHANGE"), ("", "not set")])
def test_an_account_that_nobody_set_is_a_line_that_says_where(account, how):
    with pytest.raises(InputError) as error:
        check_queues({Queue(account, "both"), Queue(account, "second")}, ["both", "second"])
    assert str(error.value).startswith(f"slurm_account is {how}: expected your account")
    assert str(error.value).endswith("at the top of profiles/slurm/profile.yaml")
    assert "\n" not in str(error.value)


def test_account_and_partition_are_told_at_once():
    with pytest.raises(InputError) as error:
        check_queues({Queue("CHANGE", "CHANGE")}, ["both", "second"])
    account, partition = str(error.value).splitlines()
    assert "slurm_account" in account and "expected one of both, second" in partition


def test_without_accounting_squeue_tells_how_jobs_ended(here):
    command, note = status_command("sacct", longest_wait=180)
    assert command == "squeue"
    assert note == (
        "sacct does not answer (Slurm accounting storage is disabled): squeue tells how jobs ended"
    )


def test_squeue_is_not_relied_on_where_it_forgets_too_soon(here):
    with pytest.raises(
        InputError, match=r"squeue forgets ended jobs after 600 s: .* 601 s or more"
    ):
        status_command("squeue", longest_wait=601)


@pytest.mark.parametrize(
    ("script", "answer"),
    [("exit 0", ("sacct", "")), ("exec sleep 60", ("squeue", "sacct did not answer in 1 s"))],
)
def test_sacct_is_used_where_it_answers(here, tmp_path, monkeypatch, script, answer):
    # A stand-in: accounting that works needs a database server.
    (tmp_path / "sacct").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(library, "ANSWER", 1)
    command, note = status_command("sacct", longest_wait=180)
    assert command == answer[0] and answer[1] in note


def test_a_folder_that_the_nodes_see_is_ready_and_left_as_it_was(here, tmp_path):
    command, notes = ready({BOTH, SECOND}, tmp_path / "results", "squeue", longest_wait=180)
    assert (command, notes) == ("squeue", [])
    assert not list((tmp_path / "results").iterdir())


def test_where_no_node_is_free_the_check_says_so_and_goes_on(here, tmp_path):
    job = here.ask("sbatch", "--parsable", "--partition=second", "--wrap=sleep 60")
    wait_until(lambda: here.state("n2") == "alloc", "n2 is taken")
    note = check_shared(SECOND, tmp_path, seconds=1)
    here.ask("scancel", job)
    wait_until(lambda: here.state("n2") == "idle", "n2 is free")
    assert note.startswith("not checked whether partition 'second' shares")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_the_nodes_do_not_see_is_refused(here, tmp_path):
    here.kill("n2")
    here.start_node("n2", hidden=tmp_path)
    try:
        with pytest.raises(InputError, match="is not shared: node .* of partition 'second'"):
            check_shared(SECOND, tmp_path / "results")
    finally:
        here.kill("n2")
        here.start_node("n2")


def test_a_silent_slurmctld_is_one_line(here, monkeypatch):
    monkeypatch.setattr(library, "ANSWER", 3)
    here.kill("slurmctld")
    try:
        with pytest.raises(InputError, match="slurmctld does not answer|did not answer in 3 s"):
            library.partitions()
    finally:
        here.start_controller()


def test_a_machine_without_slurm_is_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="no command 'sinfo' here"):
        library.partitions()


# A study on it.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_of_project(tmp_path_factory.mktemp("cluster"))
    (folder / "small.yaml").write_text(yaml.safe_dump(STUDY), "utf-8")
    return folder


def command(*arguments: str, queue: Queue = BOTH) -> list[str]:
    """A study on the cluster; its state is asked for every second at first."""
    return [
        *(sys.executable, "-m", "snakemake", "--profile", "slurm", "--configfile", "small.yaml"),
        "--default-resources",
        *(f"slurm_account={queue.account}", f"slurm_partition={queue.partition}"),
        *("--seconds-between-status-checks", "1"),
        *("--slurm-init-seconds-before-status-checks", "1"),
        *arguments,
    ]


def run(
    slurm: Cluster, folder: Path, *arguments: str, queue: Queue = BOTH
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, queue=queue),
        cwd=folder,
        env=slurm.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def local(slurm: Cluster, folder: Path) -> Path:
    """Results of the study on this machine alone."""
    done = subprocess.run(
        [*(sys.executable, "-m", "snakemake", "--cores", "2"), "--configfile", "small.yaml"],
        cwd=folder,
        env=slurm.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results/local"


class Story:
    """A study that runs on the cluster while things go wrong, one after the other."""

    def __init__(self, slurm: Cluster, study: subprocess.Popen[str]) -> None:
        self.slurm = slurm
        self.study = study
        self.hit: dict[str, Job] = {}

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait, as long as the study runs."""
        wait_until(lambda: self.study.poll() is not None or holds(), what, 120)
        assert self.study.poll() is None, f"the study ended before: {what}"

    def hung(self, node: str, fault: str) -> Job:
        """A job that runs on a node and stops there."""
        found: list[Job] = []

        def stopped() -> bool:
            running = [job for job in self.slurm.jobs("RUNNING") if job.node == node]
            for job in [job for job in running if job not in self.hit.values()]:
                self.slurm.ask("scancel", "--signal=STOP", "--full", job.id)
                found.append(job)
                return job in self.slurm.jobs("RUNNING")
            return False

        self.wait(stopped, f"a job runs on {node}")
        self.hit[fault] = found[-1]
        return found[-1]

    def update(self, job: Job, setting: str) -> None:
        """Change a job as an administrator can."""
        self.slurm.ask("scontrol", "update", f"JobId={job.id}", setting)

    def ended(self, job: Job, state: str) -> None:
        """Wait until Slurm says how a job ended."""
        self.wait(lambda: job.id in {j.id for j in self.slurm.jobs(state)}, f"{job} is {state}")

    def tell(self) -> None:
        """Every fault, once."""
        slurm = self.slurm
        self.wait(lambda: len(slurm.jobs("PENDING")) >= 3, "jobs wait for a node")
        self.hit["memory"] = slurm.jobs("PENDING")[-1]
        self.update(self.hit["memory"], "MinMemoryNode=60")
        lost = self.hung("n2", "node")
        slurm.kill("n2")
        late = self.hung("n1", "time")
        self.update(late, "EndTime=now")
        self.ended(late, "TIMEOUT")
        cancelled = self.hung("n1", "scancel")
        slurm.ask("scancel", cancelled.id)
        self.ended(cancelled, "CANCELLED")
        self.ended(lost, "PENDING")  # again: Slurm has found the node dead
        self.update(lost, "StartTime=now")  # Slurm would wait for two minutes
        slurm.start_node("n2")
        slurm.kill("slurmctld")
        slurm.start_controller()


@pytest.fixture(scope="module")
def survived(slurm: Cluster, folder: Path, local: Path) -> tuple[Story, str]:
    """The study on the cluster, with all faults; it shares the prepared data of the local one."""
    with (folder / "out").open("w+") as out:
        study = subprocess.Popen(
            command("--config", "study=cluster"),
            cwd=folder,
            env=slurm.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        story = Story(slurm, study)
        try:
            story.tell()
            study.wait(timeout=400)
        finally:
            study.kill()
            out.seek(0)
            said = out.read()
            print(said)  # pytest shows it where a test fails
    return story, said


@pytest.mark.slow
def test_a_study_survives_dead_nodes_killed_jobs_and_a_restarted_slurmctld(survived, folder):
    story, said = survived
    assert story.study.returncode == 0, said[-3000:]
    assert (folder / "results/cluster/report.html").stat().st_size > 50_000


@pytest.mark.slow
def test_its_tables_are_those_of_a_local_run_byte_for_byte(survived, local):
    theirs = local.with_name("cluster")
    names = [*(f"{name}.csv" for name in TABLES), "information.parquet", "calibration.csv"]
    for name in names:
        assert (theirs / name).read_bytes() == (local / name).read_bytes(), name


@pytest.mark.slow
def test_nothing_that_was_finished_is_computed_twice(survived, slurm):
    jobs = [job for job in slurm.jobs() if "cluster" not in job.name]
    finished = [job.name for job in jobs if job.state == "COMPLETED"]
    assert len(finished) == len(set(finished)) >= 15
    assert {job.name for job in jobs} == set(finished)
    # One job more for each that was killed; the one on the dead node Slurm queued again itself.
    assert len(jobs) == len(finished) + 3


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["memory", "time", "scancel"])
def test_a_killed_job_comes_back_with_twice_the_memory_and_time(survived, slurm, fault):
    story, _ = survived
    first, second = [job for job in slurm.jobs() if job.name == story.hit[fault].name]
    assert first.id == story.hit[fault].id and first.state != "COMPLETED"
    assert (first.memory, second.memory) == ("60M" if fault == "memory" else "1500M", "3000M")
    assert second.minutes == "2:00:00"


@pytest.mark.slow
def test_a_job_of_a_dead_node_is_queued_again_as_it_was(survived, slurm):
    story, _ = survived
    lost = story.hit["node"]
    (job,) = [job for job in slurm.jobs() if job.name == lost.name]
    assert (job.id, job.state, job.memory) == (lost.id, "COMPLETED", lost.memory)
    assert "Restarts=1" in slurm.ask("scontrol", "show", "job", job.id)


@pytest.mark.slow
def test_a_job_that_fails_for_good_is_named_with_its_log(slurm, folder, local):
    done = run(
        *(slurm, folder, "--config", "study=failing", "--until", "train"),
        *("--retries", "0", "--set-resources", "train:mem_mb=40"),
    )
    assert done.returncode == 1
    assert "Error in rule train:" in done.stderr
    logs = [word for word in done.stderr.split() if "slurm_logs/rule_train" in word]
    assert "exceeded memory limit" in Path(logs[-1]).read_text("utf-8")
    assert not list((folder / "results/failing").rglob("*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("queue", "line"),
    [
        (Queue("CHANGE", "both"), "cluster: slurm_account is still CHANGE"),
        (Queue("any", "bth"), "cluster: unknown slurm_partition 'bth': did you mean 'both'?"),
        (SECOND, "cluster: {folder}/results is not shared: node"),
    ],
)
def test_a_cluster_that_cannot_take_the_jobs_is_one_line_and_no_job(
    slurm, folder, tmp_path, queue, line
):
    before = slurm.jobs()
    slurm.kill("n2")
    slurm.start_node("n2", hidden=folder)
    try:
        done = run(slurm, folder, "--config", "study=refused", queue=queue)
    finally:
        slurm.kill("n2")
        slurm.start_node("n2")
    assert done.returncode == 1
    (said,) = [text for text in done.stderr.splitlines() if text.startswith("cluster: ")]
    assert said.startswith(line.format(folder=folder))
    assert "Traceback" not in done.stderr
    assert slurm.jobs() == before
