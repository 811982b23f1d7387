"""A study on a real Slurm, as a user runs it, and what befalls it there."""

from collections.abc import Callable
from pathlib import Path
import subprocess
import sys

from cluster import Cluster, Job, wait_until
from project import small_project, small_study, write_study
import pytest

from attinfo.runtime.slurm import Queue

pytestmark = pytest.mark.slow
BOTH = Queue("me", "both")
SECOND = Queue("me", "second")
STUDY = small_study() | {
    "study": "local",
    "grid": [
        {"dataset": "small", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    ],
}
# Four estimators: as many calibrations, and a training, that can run at the same time.
STUDY["information"] |= {"estimators": ["linear", "knn", "gaussian", "binning"]}
# What the jobs that can be hit ask for: memory, that of the second attempt, its time.
ASKED = {"calibrate": ("1500M", "3000M", "2:00:00"), "train": ("3000M", "6000M", "8:00:00")}
TABLES = ("claims", "runs", "cells", "variance", "ranks", "agreement", "faithfulness")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small_project(tmp_path_factory.mktemp("cluster"))
    write_study(folder / "small.yaml", STUDY)
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
        """A job that hangs on a node."""
        found: list[Job] = []

        def stopped() -> bool:
            known = {job.id for job in self.hit.values()}
            for job in self.slurm.jobs("RUNNING"):
                if job.node == node and job.id not in known:
                    self.slurm.ask("scancel", "--signal=STOP", "--full", job.id)
                    found.append(job)
            return bool(found) and found[-1].id in {j.id for j in self.slurm.jobs("STOPPED")}

        self.wait(stopped, f"a job hangs on {node}")
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
        # Now, as no job starts: an `srun` that meets a restart stands still for two minutes.
        slurm.restart_controller()
        self.update(late, "EndTime=now")
        self.ended(late, "TIMEOUT")
        cancelled = self.hung("n1", "scancel")
        slurm.ask("scancel", cancelled.id)
        self.ended(cancelled, "CANCELLED")
        self.ended(lost, "PENDING")  # again: Slurm has found the node dead
        # Slurm would wait for two minutes, so that its order to kill what runs of the job on `n2`
        # comes before the job does. On the other node it need not wait.
        self.update(lost, "ExcNodeList=n2")
        self.update(lost, "StartTime=now")
        slurm.start_node("n2")


@pytest.fixture(scope="module")
def survived(slurm: Cluster, folder: Path, local: Path) -> tuple[Story, str]:
    """The study on the cluster, with all faults; it shares the prepared data of the local one."""
    with (folder / "out").open("w+") as out:
        study = subprocess.Popen(
            command("--config", "study=cluster", "--set-resources", "report:gpu=1"),
            cwd=folder,
            env=slurm.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        story = Story(slurm, study)
        try:
            story.tell()
            study.wait(timeout=600)
        finally:
            study.kill()
            out.seek(0)
            said = out.read()
            print(said)  # pytest shows it where a test fails
    return story, said


def test_a_study_survives_dead_nodes_killed_jobs_and_a_restarted_slurmctld(survived, folder):
    story, said = survived
    assert story.study.returncode == 0, said[-3000:]
    assert (folder / "results/cluster/report.html").stat().st_size > 50_000
    assert "cluster: sacct does not answer (Slurm accounting storage is disabled)" in said


def test_its_tables_are_those_of_a_local_run_byte_for_byte(survived, local):
    theirs = local.with_name("cluster")
    names = [*(f"{name}.csv" for name in TABLES), "information.parquet", "calibration.csv"]
    for name in names:
        assert (theirs / name).read_bytes() == (local / name).read_bytes(), name


def test_nothing_that_was_finished_is_computed_twice(survived, slurm):
    jobs = slurm.jobs()
    finished = [job.name for job in jobs if job.state == "COMPLETED"]
    assert len(finished) == len(set(finished)) >= 15
    assert {job.name for job in jobs} == set(finished)
    # One job more for each that was killed; the one on the dead node Slurm queued again itself.
    assert len(jobs) == len(finished) + 3


@pytest.mark.parametrize("fault", ["memory", "time", "scancel"])
def test_a_killed_job_comes_back_with_twice_the_memory_and_time(survived, slurm, fault):
    story, _ = survived
    first, second = [job for job in slurm.jobs() if job.name == story.hit[fault].name]
    assert first.id == story.hit[fault].id and first.state != "COMPLETED"
    once, twice, limit = ASKED[first.name.split("_")[1]]
    assert first.memory == ("60M" if fault == "memory" else once)
    assert (second.memory, second.limit) == (twice, limit)


def test_a_job_of_a_dead_node_is_queued_again_as_it_was(survived, slurm):
    story, _ = survived
    lost = story.hit["node"]
    (job,) = [job for job in slurm.jobs() if job.name == lost.name]
    assert (job.id, job.state, job.memory) == (lost.id, "COMPLETED", lost.memory)
    assert "Restarts=1" in slurm.ask("scontrol", "show", "job", job.id)


def test_a_job_that_asks_for_a_gpu_is_given_one(survived, slurm):
    (job,) = [job for job in slurm.jobs() if job.name.startswith("rule_report")]
    assert job.node == "n2"  # the node that has one
    assert "TresPerJob=gres:gpu:1" in slurm.ask("scontrol", "show", "job", job.id)


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
    count, message, log = done.stderr.strip().splitlines()[-3:]
    assert count == "failed: 1 job" and message.startswith("no message: the job was killed")
    assert log.startswith("    rule train, log: results/failing/logs/train/small/mlp")


@pytest.mark.parametrize(
    ("queue", "line"),
    [
        (Queue("CHANGE", "both"), "cluster: slurm_account is still CHANGE"),
        (Queue("me", "bth"), "cluster: unknown slurm_partition 'bth': did you mean 'both'?"),
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
