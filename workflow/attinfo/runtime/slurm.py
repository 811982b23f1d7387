"""Checks that a Slurm cluster will accept the jobs of a study, before any job is submitted."""

from collections.abc import Collection
from dataclasses import dataclass
import os
from pathlib import Path
import re
import subprocess
from uuid import uuid4

from attinfo.runtime.errors import InputError, unknown

UNSET = "CHANGE"
PROFILE = "profiles/slurm/profile.yaml"
ANSWER = 20  # seconds that a command of Slurm's may take
FREE = 20  # seconds that the check of the folder waits for a node


@dataclass(frozen=True, order=True)
class Queue:
    """Where jobs are submitted to; empty: not set."""

    account: str
    partition: str


def asked(*command: str, longer: float = 0) -> subprocess.CompletedProcess[str]:
    """A command of Slurm's, run; it may take `longer` by that many seconds.

    Raises:
        InputError: there is no such command, or it takes too long.
    """
    seconds = ANSWER + longer
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise InputError(
            f"no command '{command[0]}' here: expected a machine of a cluster"
        ) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{command[0]} did not answer in {seconds:.0f} s") from None


def partitions() -> list[str]:
    """The partitions that the user may see.

    Raises:
        InputError: slurmctld does not answer.
    """
    done = asked("sinfo", "--noheader", "--format=%R")
    if done.returncode != 0:
        raise InputError(f"slurmctld does not answer ({last_line(done.stderr)})")
    return sorted(set(done.stdout.split()))


def check_queues(queues: Collection[Queue], known: Collection[str]) -> None:
    """Check that account and partition are set, and that the partition is there.

    Raises:
        InputError: a line for each that is not.
    """
    wrong = []
    for queue in sorted(queues):
        if queue.account in ("", UNSET):
            how = "not set" if not queue.account else f"still {UNSET}"
            wrong.append(
                f"slurm_account is {how}: expected your account, or any word where the cluster has "
                f"no accounts, at the top of {PROFILE}"
            )
        if queue.partition in ("", UNSET):
            how = "not set" if not queue.partition else f"still {UNSET}"
            wrong.append(
                f"slurm_partition is {how}: expected one of {', '.join(sorted(known))}, at the top "
                f"of {PROFILE}"
            )
        elif queue.partition not in known:
            wrong.append(unknown("slurm_partition", queue.partition, known))
    if wrong:
        raise InputError("\n".join(dict.fromkeys(wrong)))


def status_command(wanted: str, longest_wait: int) -> tuple[str, str]:
    """Choose the command that reports how jobs ended.

    Args:
        wanted: `sacct` or `squeue`.
        longest_wait: seconds between two questions, at most. `squeue` forgets an ended job after
            `MinJobAge`; a job that it has forgotten would be waited for in vain.

    Raises:
        InputError: neither can be relied on.
    """
    memory = min_job_age()
    if wanted == "squeue" and memory >= longest_wait:
        return "squeue", ""
    why = accounting_fault()
    if not why:
        return "sacct", ""
    if memory >= longest_wait:
        return "squeue", f"sacct does not answer ({why}): squeue is used"
    raise InputError(
        f"sacct does not answer ({why}), and squeue forgets ended jobs after {memory} s: "
        f"expected accounting, or MinJobAge of {longest_wait} s or more"
    )


def accounting_fault() -> str:
    """Why `sacct` does not answer, if so."""
    try:
        done = asked("sacct", "--allocations", "--noheader", "--starttime=now")
    except InputError as error:
        return str(error)
    return last_line(done.stderr) or f"exit status {done.returncode}" if done.returncode else ""


def min_job_age() -> int:
    """Return the seconds for which `squeue` lists an ended job; 0 if Slurm does not say."""
    found = re.search(r"MinJobAge\s*=\s*(\d+)", asked("scontrol", "show", "config").stdout)
    return int(found[1]) if found else 0


def check_left_over(project: Path) -> None:
    """Check that no job of an earlier run waits or runs: its Snakemake was killed, they were not.

    Raises:
        InputError: some do.
    """
    states = "--states=PENDING,RUNNING,SUSPENDED"
    answer = asked("squeue", "--me", states, "--noheader", "--format=%i|%Z").stdout
    pairs = (line.split("|", 1) for line in answer.splitlines())
    jobs = [job for job, folder in pairs if folder.strip() == str(project.resolve())]
    if jobs:
        raise InputError(
            f"jobs of an earlier run in this folder are still in the queue: wait until they have "
            f"ended, or scancel {' '.join(jobs)}"
        )


def check_shared(queue: Queue, folder: Path, seconds: int = FREE) -> str:
    """Check that a node of the partition reads what this machine has just written to `folder`.

    Returns:
        Why it could not be checked, if so: no node was free, say.

    Raises:
        InputError: the node does not see it.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # A name that was never asked for before: no cache of a network file system can know it.
    word = uuid4().hex
    marker = folder / f".shared-{word}"
    marker.write_text(word, "utf-8")
    try:
        done = asked(
            "srun",
            f"--account={queue.account}",
            f"--partition={queue.partition}",
            f"--immediate={seconds}",
            f"--chdir={os.sep}",
            "--job-name=attinfo-preflight",
            "--ntasks=1",
            "--mem=100M",
            "--time=1",
            "cat",
            "/proc/sys/kernel/hostname",  # what is printed if only the folder is not there
            str(marker),
            longer=seconds,
        )
    except InputError as error:
        return _unchecked(folder, queue, str(error))
    finally:
        marker.unlink()
    if not done.stdout.strip():
        return _unchecked(folder, queue, last_line(done.stderr))
    host, *seen = done.stdout.split()
    if seen != [word]:
        raise InputError(
            f"{folder} is not shared: node {host} of partition '{queue.partition}' does not see "
            "what is written here; expected a clone in a folder that all nodes share"
        )
    return ""


def _unchecked(folder: Path, queue: Queue, why: str) -> str:
    return f"not checked whether partition '{queue.partition}' shares {folder} ({why})"


def last_line(text: str) -> str:
    """The last line of what a command says, without its name."""
    lines = text.strip().splitlines() or [""]
    return re.sub(r"^\w+: (error: )?", "", lines[-1]).strip()


def ready(
    queues: Collection[Queue], project: Path, wanted: str, longest_wait: int
) -> tuple[str, list[str]]:
    """Check everything that can be known of a cluster before the first job.

    Args:
        queues: where the jobs will be submitted to.
        project: the folder that Snakemake runs in.
        wanted: see `status_command`.
        longest_wait: see `status_command`.

    Returns:
        The command that reports how jobs ended, and notes for the user.

    Raises:
        InputError: a line for each thing that is wrong.
    """
    check_queues(queues, partitions())
    check_left_over(project)
    command, note = status_command(wanted, longest_wait)
    notes = [note, *(check_shared(queue, project / "results") for queue in sorted(queues))]
    return command, [note for note in notes if note]
