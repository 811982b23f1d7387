"""What a cluster is asked before the first job: on two nodes of a real Slurm of our own."""

import os

from cluster import Cluster, wait_until
import pytest

from attinfo.runtime import slurm as library
from attinfo.runtime.errors import InputError
from attinfo.runtime.slurm import Queue, check_queues, check_shared, ready, status_command

BOTH = Queue("me", "both")
SECOND = Queue("me", "second")
SLEEP = "--output=/dev/null", "--wrap=sleep 60"


@pytest.fixture
def here(slurm: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, for commands that this process runs."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, slurm.environment[name])
    return slurm


def test_the_partitions_of_a_cluster_are_listed(here):
    assert library.partitions() == ["both", "second"]


def test_a_partition_that_does_not_exist_is_named_with_those_that_do(here):
    with pytest.raises(InputError) as error:
        check_queues({Queue("me", "bth")}, library.partitions())
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


def test_missing_account_and_partition_are_named_together():
    with pytest.raises(InputError) as error:
        check_queues({Queue("CHANGE", "CHANGE")}, ["both", "second"])
    account, partition = str(error.value).splitlines()
    assert "slurm_account" in account and "expected one of both, second" in partition


def test_without_accounting_squeue_tells_how_jobs_ended(here):
    command, note = status_command("sacct", longest_wait=180)
    assert command == "squeue"
    assert note == ("sacct does not answer (Slurm accounting storage is disabled): squeue is used")


def test_squeue_is_not_relied_on_where_it_forgets_too_soon(here):
    with pytest.raises(InputError, match=r"ended jobs after 600 s: .* 601 s or more"):
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
    command, notes = ready({BOTH, SECOND}, tmp_path, "squeue", longest_wait=180)
    assert (command, notes) == ("squeue", [])
    assert not list((tmp_path / "results").iterdir())


def test_jobs_that_outlived_their_snakemake_are_named(here, tmp_path):
    job = here.ask("sbatch", "--parsable", f"--chdir={tmp_path}", "--hold", *SLEEP)
    try:
        with pytest.raises(InputError, match=rf"still in the queue: .* scancel {job}$"):
            ready({BOTH}, tmp_path, "squeue", longest_wait=180)
        assert ready({BOTH}, tmp_path / "another", "squeue", longest_wait=180)
    finally:
        here.ask("scancel", job)


def test_where_no_node_is_free_the_check_says_so_and_goes_on(here, tmp_path):
    job = here.ask("sbatch", "--parsable", "--partition=second", *SLEEP)
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
        with pytest.raises(InputError, match=r"is not shared: node .* of partition 'second'"):
            check_shared(SECOND, tmp_path / "results")
    finally:
        here.kill("n2")
        here.start_node("n2")


def test_a_silent_slurmctld_is_one_line(here, monkeypatch):
    monkeypatch.setattr(library, "ANSWER", 3)
    here.kill("slurmctld")
    try:
        with pytest.raises(InputError, match=r"slurmctld does not answer|did not answer in 3 s"):
            library.partitions()
    finally:
        here.start_controller()


def test_a_machine_without_slurm_is_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="no command 'sinfo' here"):
        library.partitions()
