"""CPU time of the same study at two commits, measured in turn on one machine.

    python -m benchmarks.against b856e38
    python -m benchmarks.against b856e38 --seeds 1 2 --rounds 2 --keep /tmp/against

Both commits are cloned, and `make .venv/installed` makes an environment for each clone. Both clones
run the default study of the older commit. The output is a table with the CPU seconds of all jobs,
divided by the number of runs in the study, at both commits, and their ratio. It also has the share
of the CPU time that starts the jobs. A setting that the older config lacks has its present default,
unless `SAME` gives a value with which both commits do the same work.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from benchmarks.pipeline import ROOT, jobs_of

# Settings that an older commit lacks: values that switch off estimates which it does not make.
SAME: dict[str, dict[str, Any]] = {"information": {"light": []}}


class Work(NamedTuple):
    """The CPU time of a study at a commit."""

    commit: str
    runs: int
    cpu: float  # CPU seconds of all jobs
    startup: float  # CPU seconds until the imports of each job are done, part of `cpu`
    rules: dict[str, float]  # CPU seconds by rule

    @property
    def each(self) -> float:
        """CPU seconds divided by the number of runs."""
        return self.cpu / self.runs


def git(*words: str) -> str:
    """The output of a git command in this repository."""
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def config_of(commit: str, seeds: list[int] | None) -> dict[str, Any]:
    """The config of the default study at a commit, with `seeds` instead of its seeds if given."""
    config: dict[str, Any] = yaml.safe_load(git("show", f"{commit}:config.yaml"))
    return config | ({"seeds": seeds, "batch": len(seeds)} if seeds else {})


def clone_of(commit: str, folder: Path) -> Path:
    """Clone a commit and install its environment; a clone that exists already is used again."""
    place = folder / commit
    if not place.exists():
        subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=place, check=True)
    subprocess.run(["make", "--silent", ".venv/installed"], cwd=place, check=True)
    return place


def work(commit: str, place: Path, config: dict[str, Any], cores: int) -> Work:
    """Delete the results of a study in a clone, run the study, and add up the time of its jobs.

    Args:
        commit: the commit of the clone.
        place: the folder of the clone.
        config: the config of the study.
        cores: number of cores that Snakemake uses.

    Raises:
        CalledProcessError: the study failed; `against.log` in the clone says why.
        InputError: a job left no CPU time in its log.
    """
    file = place / "against.yaml"
    study = "against"
    file.write_text(yaml.safe_dump(config | {"study": study}, sort_keys=False), encoding="utf-8")
    results = place / "results" / study
    subprocess.run(["rm", "-rf", results], check=True)
    command = [place / ".venv/bin/snakemake", "--cores", str(cores), "--configfile", file]
    with (place / "against.log").open("w") as log:
        subprocess.run(command, cwd=place, check=True, stdout=log, stderr=subprocess.STDOUT)
    jobs = jobs_of(results)
    rules: dict[str, float] = {}
    for job in jobs:
        rules[job.rule] = rules.get(job.rule, 0.0) + job.cpu
    runs = len(list((results / "runs").rglob("states.safetensors")))
    return Work(commit, runs, sum(j.cpu for j in jobs), sum(j.startup for j in jobs), rules)


@contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """The folder for the clones: `folder`, or a temporary folder that is removed afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)


def asked() -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("commit", help="the older commit, whose default study is run")
    parser.add_argument("--seeds", type=int, nargs="+", help="seeds instead of those of the study")
    parser.add_argument("--rounds", type=int, default=1, help="how often each commit is run")
    parser.add_argument("--cores", type=int, default=2, help="number of jobs at the same time")
    parser.add_argument("--keep", type=Path, help="folder for the clones; they are not deleted")
    return parser.parse_args()


def main() -> None:
    """Run the study at both commits and print the CPU times."""
    given = asked()
    old, new = (git("rev-parse", "--short=7", name) for name in (given.commit, "HEAD"))
    config = config_of(old, given.seeds)
    configs = {
        old: config,
        new: config | {name: config.get(name, {}) | more for name, more in SAME.items()},
    }
    least: dict[str, Work] = {}
    with kept(given.keep) as folder:
        for _ in range(given.rounds):
            for commit, own in configs.items():
                found = work(commit, clone_of(commit, folder), own, given.cores)
                least[commit] = min(found, least.get(commit, found), key=lambda one: one.cpu)
    print(f"{'':<16}{old:>10}{new:>10}{'ratio':>8}")
    one, other = least[old], least[new]
    for rule in sorted({*one.rules, *other.rules}, key=lambda r: -one.rules.get(r, 0)):
        a, b = (w.rules.get(rule, 0.0) / w.runs for w in (one, other))
        print(f"{rule:<16}{a:>10.3f}{b:>10.3f}{b / a if a else float('nan'):>8.2f}")
    print(f"{'CPU s per run':<16}{one.each:>10.3f}{other.each:>10.3f}{other.each / one.each:>8.2f}")
    shares = [w.startup / w.cpu for w in (one, other)]
    print(f"{'start-up':<16}{shares[0]:>10.1%}{shares[1]:>10.1%}")
    print(f"{one.runs} runs at {old}, {other.runs} at {new}; the smallest of {given.rounds} rounds")


if __name__ == "__main__":
    sys.exit(main())
