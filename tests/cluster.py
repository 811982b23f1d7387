"""A real Slurm of two nodes on this machine, in a folder of its own.

    python tests/cluster.py snakemake --profile slurm      a command within it

Debian's slurm-wlm and munge, no accounting; as root. Each node is a `slurmd` in a process namespace
of its own, so that a node can die with all that runs on it. Nothing outside the folder is written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

DAEMONS = ("munged", "slurmctld", "slurmd")
NODES = ("n1", "n2")
CONFIG = """
ClusterName=attinfo
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1
# Memory limits without cgroups: looked at every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
# squeue answers for jobs that have ended.
MinJobAge={min_job_age}
# A dead node is known as such within seconds.
SlurmdTimeout=10
KillWait=1
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=1 RealMemory=16000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=1 RealMemory=16000 Gres=gpu:1
PartitionName=both Nodes=n1,n2 Default=YES State=UP
PartitionName=second Nodes=n2 State=UP
"""


class Job(NamedTuple):
    """What Slurm says of a job of Snakemake's."""

    id: str
    state: str
    node: str
    name: str  # its rule and wildcards
    memory: str
    limit: str  # hours:minutes:seconds


def missing() -> str:
    """Why there can be no cluster here, if so."""
    if os.geteuid() != 0:
        return "a Slurm of our own needs root"
    absent = [name for name in DAEMONS if shutil.which(name, path=_paths()) is None]
    return f"no {', '.join(absent)} here (apt-get install slurm-wlm munge)" if absent else ""


class Cluster:
    """Two nodes, `n1` and `n2`; partition `both` has both, partition `second` has `n2` alone."""

    def __init__(self, folder: Path, min_job_age: int = 600) -> None:
        """Write the files of a cluster that `start` starts."""
        self.folder = folder
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SLURM")},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": _paths(),
        }
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "state").mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (folder / "munge.key").chmod(0o400)
        ports = dict(zip(("controller", *NODES), free_ports(3), strict=True))
        text = CONFIG.format(
            host=socket.gethostname(), folder=folder, min_job_age=min_job_age, **ports
        )
        (folder / "slurm.conf").write_text(text, "utf-8")
        # What Slurm takes for a GPU is a device file.
        (folder / "gres.conf").write_text("NodeName=n2 Name=gpu File=/dev/null\n", "utf-8")

    def start(self) -> None:
        """Start all daemons and wait for the nodes."""
        files = {"key-file": "key", "log-file": "log", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        socket_path = self.folder / "munge.socket"
        # `--force`: munged minds that its folder is in a temporary one, and root.
        self._daemon("munged", "munged", "-F", "-f", f"--socket={socket_path}", *options)
        wait_until(socket_path.exists, "munge answers")
        self.start_controller()
        for node in NODES:
            self.start_node(node)

    def restart_controller(self) -> None:
        """End `slurmctld` as an administrator does and start it again: it knows its jobs."""
        self.daemons["slurmctld"].terminate()
        self.daemons.pop("slurmctld").wait()
        self.start_controller()

    def start_controller(self) -> None:
        """Start `slurmctld`."""
        self._daemon("slurmctld", "slurmctld", "-D")
        wait_until(lambda: "is UP" in self.ask("scontrol", "ping"), "slurmctld answers")

    def start_node(self, node: str, hidden: Path | None = None) -> None:
        """Start a node and wait until it is idle; it sees an empty folder for `hidden`."""
        (self.folder / node).mkdir(exist_ok=True)
        namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        # A job's own `srun` has lost SLURM_CONF (jobstep plugin 0.6.1): it must find /etc/slurm.
        script = 'mount --bind "$1" /etc/slurm; test -z "$3" || mount -t tmpfs none "$3"'
        script += '; exec slurmd -D -N "$2"'
        arguments = [str(self.folder), node, str(hidden or "")]
        self._daemon(node, *namespace, "sh", "-ec", script, "sh", *arguments)
        self.ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
        wait_until(lambda: self.state(node) == "idle", f"{node} is idle")

    def kill(self, name: str) -> None:
        """End a daemon as a power cut does: a node with all that runs on it."""
        self.daemons[name].kill()
        self.daemons.pop(name).wait()

    def stop(self) -> None:
        """End all daemons."""
        for name in reversed(list(self.daemons)):
            self.kill(name)

    def state(self, node: str) -> str:
        """What Slurm says of a node, for instance `idle`."""
        return self.ask("sinfo", "--noheader", "--format=%t", f"--nodes={node}").split("\n")[0]

    def jobs(self, *states: str) -> list[Job]:
        """The jobs that Snakemake has submitted, in all states or the given ones."""
        printed = self.ask("squeue", "--states=all", "--sort=i", "-h", "-o", "%i|%T|%N|%k|%m|%l")
        found = [Job(*line.split("|")) for line in printed.splitlines()]
        return [j for j in found if "rule_" in j.name and (not states or j.state in states)]

    def ask(self, *command: str) -> str:
        """Run a command of Slurm's and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()

    def _daemon(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )


@contextmanager
def cluster(min_job_age: int = 600) -> Iterator[Cluster]:
    """A running cluster, ended with the block."""
    # A short path: that of a Unix socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        running = Cluster(Path(folder), min_job_age)
        try:
            running.start()
            yield running
        finally:
            running.stop()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not within the time.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _paths() -> str:
    """Daemons are in `sbin`, where not every PATH leads."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"


def main(command: Sequence[str]) -> int:
    """Run a command within a cluster."""
    with cluster() as running:
        return subprocess.run(command, env=running.environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(missing() or main(sys.argv[1:] or ["sinfo"]))
