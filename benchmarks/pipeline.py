"""Where the time of a study went, and how a study's cost grows with its runs.

    python -m benchmarks.pipeline results/default [--log LOG] [--cores 2]
    python -m benchmarks.pipeline --grow 10 100 1000 10000
    python -m benchmarks.pipeline --grow 10 50 200 --real

The first reads the benchmark files of a finished study and the log of the Snakemake run that made
it. A job is its start-up (Python, and what its script imports: the CPU time that its own log tells,
stretched as the job was by what else ran), its useful work, and what Snakemake adds around its
script; what no job had is idle.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
import csv
from datetime import datetime
from pathlib import Path
import re
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from typing import NamedTuple

import yaml

from attinfo.runtime.errors import InputError

ROOT = Path(__file__).parents[1]
STUDY = Path("results/default")
CPU = re.compile(
    r" imported in ([\d.]+) s of CPU$.* finished after ([\d.]+) s of CPU$", re.M | re.S
)
CLOCK = re.compile(r"^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]$")
STARTED, FINISHED = re.compile(r"^    jobid: (\d+)$"), re.compile(r"^Finished jobid: (\d+) ")
SEEDS = 10  # of a generated study, one model each
TEMPERATURES = 0.01  # its cells differ by the temperature of their softmax


class Job(NamedTuple):
    """A job's script: seconds as Snakemake measured them, and CPU time as the job's log tells."""

    rule: str
    seconds: float
    cpu: float
    startup: float  # of the CPU time


def jobs_of(study: Path) -> list[Job]:
    """The jobs of a finished study.

    Raises
    ------
    InputError
        If it has no benchmark files, or a job's log does not tell its CPU time.
    """
    folder, jobs = study / "benchmarks", []
    for file in sorted(folder.rglob("*.tsv")):
        with file.open(encoding="utf-8", newline="") as opened:
            seconds = float(next(csv.DictReader(opened, delimiter="\t"))["s"])
        path = file.relative_to(folder)
        log = study / "logs" / path.with_suffix(".log")
        told = CPU.search(log.read_text(encoding="utf-8") if log.exists() else "")
        if told is None:
            raise InputError(f"{log}: tells no CPU time, expected the log of a finished job")
        jobs.append(Job(path.parts[0], seconds, float(told[2]), float(told[1])))
    if not jobs:
        raise InputError(f"{folder}: holds no benchmark files, expected those of a finished study")
    return jobs


def times_in(log: Path) -> tuple[float, float]:
    """Seconds from the first job's start to the last one's end, and in all jobs together.

    Raises
    ------
    InputError
        If the log tells of no finished job.
    """
    now, started, ended = 0.0, {}, {}
    for line in log.read_text(encoding="utf-8").splitlines():
        if found := CLOCK.match(line):
            now = datetime.strptime(found[1], "%a %b %d %H:%M:%S %Y").timestamp()
        elif found := STARTED.match(line):
            started.setdefault(found[1], now)
        elif found := FINISHED.match(line):
            ended[found[1]] = now
    if not ended:
        raise InputError(f"{log}: tells of no finished job, expected the log of a Snakemake run")
    wall = max(ended.values()) - min(started.values())
    return wall, sum(end - started[job] for job, end in ended.items())


def split(study: Path, log: Path, cores: int) -> Iterator[str]:
    """The lines of two tables: by rule, and by what the cores did."""
    jobs = jobs_of(study)
    wall, inside = times_in(log)
    begin = 0.0
    yield "| rule | jobs | seconds | of CPU | of that start-up |"
    yield "|---|---|---|---|---|"
    rules = sorted(
        {job.rule for job in jobs}, key=lambda r: -sum(j.seconds for j in jobs if j.rule == r)
    )
    for rule in rules:
        own = [job for job in jobs if job.rule == rule]
        seconds, cpu = sum(j.seconds for j in own), sum(j.cpu for j in own)
        startup = sum(j.startup for j in own)
        begin += seconds * startup / cpu
        yield f"| {rule} | {len(own)} | {seconds:.0f} | {cpu:.0f} | {startup:.0f} |"
    scripts = sum(job.seconds for job in jobs)
    parts = {
        "useful work": scripts - begin,
        "start-up of scripts": begin,
        "Snakemake around them": inside - scripts,
        "idle cores": wall * cores - inside,
    }
    yield ""
    yield f"{len(jobs)} jobs, {wall / 60:.1f} minutes on {cores} cores"
    yield ""
    yield "| | core seconds | share |"
    yield "|---|---|---|"
    for name, seconds in parts.items():
        yield f"| {name} | {seconds:.0f} | {seconds / (wall * cores):.0%} |"


def generated(runs: int) -> dict:
    """What a config says beside studies/smoke.yaml to have so many runs, a job for ten of them."""
    cells = max(1, runs // SEEDS)
    warmth = [f"softmax@{1 + TEMPERATURES * i:g}" for i in range(cells)]
    grid = {"dataset": "smoke", "encoder": "mlp", "attention": "additive", "normaliser": warmth}
    seeds = {"seeds": list(range(1, SEEDS + 1)), "batch": SEEDS}
    return {"study": f"grow-{runs}", "grid": [grid], **seeds}


def growth(sizes: list[int], cores: int, real: bool) -> Iterator[str]:
    """Jobs, and seconds of a dry run and of a real one, by number of runs."""
    yield "| runs | jobs | seconds of a dry run |" + (f" on {cores} cores |" if real else "")
    yield "|---|---|---|" + ("---|" if real else "")
    for runs in sizes:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "grow.yaml"
            config.write_text(yaml.safe_dump(generated(runs)), encoding="utf-8")
            told, seconds = _snakemake(config, "--dry-run", "--quiet", "rules", "--cores", "1")
            jobs = int(re.search(r"^total +(\d+)", told, re.M)[1])
            made = ""
            if real:
                made = f" {_snakemake(config, '--quiet', 'all', '--cores', str(cores))[1]:.0f} |"
                shutil.rmtree(ROOT / f"results/grow-{runs}")
        yield f"| {runs:,} | {jobs:,} | {seconds:.1f} |{made}"


def _snakemake(config: Path, *options: str) -> tuple[str, float]:
    """What Snakemake says of a study beside studies/smoke.yaml, and how many seconds it takes."""
    command = [sys.executable, "-m", "snakemake", *options, "--configfile", "studies/smoke.yaml"]
    start = time.perf_counter()
    done = subprocess.run([*command, str(config)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"Snakemake failed: {(done.stdout + done.stderr).strip()[-300:]}")
    return done.stdout + done.stderr, time.perf_counter() - start


def log_of(study: Path) -> Path:
    """The log of Snakemake that tells of the most jobs, of equal ones the newest.

    Raises
    ------
    InputError
        If there is none.
    """
    logs = sorted((study.parents[1] / ".snakemake/log").glob("*.log"))
    if not logs:
        raise InputError(f"{study}: no log of Snakemake beside it, expected the log of its run")
    return max(reversed(logs), key=lambda log: log.read_text("utf-8").count("Finished jobid"))


def lines(quick: bool, cores: int, study: Path = STUDY) -> Iterator[str]:
    """Where the time of the default study went, if it was run here, and how studies grow."""
    try:
        yield from split(study, log_of(study), cores)
    except InputError as error:
        yield f"The default study was not run here: {error}."
    yield ""
    yield from growth([10] if quick else [10, 50, 200], cores, real=True)
    if not quick:
        yield ""
        yield from growth([1000, 10_000], cores, real=False)


def arguments() -> Namespace:
    """What the command takes."""
    parser = ArgumentParser(
        prog="python -m benchmarks.pipeline", description=__doc__.split("\n")[0]
    )
    parser.add_argument("study", nargs="?", type=Path, default=STUDY)
    parser.add_argument("--log", type=Path, help="of the Snakemake run; else the fullest")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--grow", type=int, nargs="+", metavar="RUNS")
    parser.add_argument("--real", action="store_true", help="the grown studies are made, too")
    return parser.parse_args()


def main() -> None:
    """Print the tables."""
    given = arguments()
    try:
        if given.grow:
            told = growth(given.grow, given.cores, given.real)
        else:
            told = split(given.study, given.log or log_of(given.study), given.cores)
        for line in told:
            print(line, flush=True)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
