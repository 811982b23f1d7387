"""Time of a study by rule and by kind of work, and its growth with the number of runs.

    python -m benchmarks.pipeline results/default [--log LOG] [--cores 2]
    python -m benchmarks.pipeline --grow 10 100 1000 10000
    python -m benchmarks.pipeline --grow 10 50 200 --real

The first command reads the benchmark files of a finished study, the logs of its jobs and the log of
Snakemake. It divides the time of the cores into four parts: the start-up of scripts, useful work,
the time that Snakemake adds around the scripts, and idle time. Start-up is the start of Python and
the imports of the script. The log of a job has the CPU time of the start-up and of the whole job;
the start-up is taken to have the same share in the wall time of the job. The other commands
generate studies with the given numbers of runs. They time a dry run of each study, and with
`--real` also the study itself.
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

from attinfo.runtime.cost import processor_seconds
from attinfo.runtime.errors import InputError

ROOT = Path(__file__).parents[1]
STUDY = Path("results/default")
CLOCK = re.compile(r"^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]$")
STARTED, FINISHED = re.compile(r"^    jobid: (\d+)$"), re.compile(r"^Finished jobid: (\d+) ")
SEEDS = 10  # seeds of a generated study
TEMPERATURES = 0.01  # difference of the softmax temperature between cells of a generated study


class Job(NamedTuple):
    """The script of a job: seconds measured by Snakemake, and CPU seconds from the job's log."""

    rule: str
    seconds: float
    cpu: float
    startup: float  # CPU seconds until the imports are done, part of `cpu`


def jobs_of(study: Path) -> list[Job]:
    """The jobs of a finished study.

    Raises:
        InputError: the study has no benchmark files, or the log of a job has no CPU time.
    """
    folder, jobs = study / "benchmarks", []
    for file in sorted(folder.rglob("*.tsv")):
        with file.open(encoding="utf-8", newline="") as opened:
            seconds = float(next(csv.DictReader(opened, delimiter="\t"))["s"])
        path = file.relative_to(folder)
        startup, cpu = processor_seconds(study / "logs" / path.with_suffix(".log"))
        jobs.append(Job(path.parts[0], seconds, cpu, startup))
    if not jobs:
        raise InputError(f"{folder}: no benchmark files found, expected a finished study")
    return jobs


def times_in(log: Path) -> tuple[float, float]:
    """Read the times of jobs from a log of Snakemake.

    Returns:
        Seconds from the start of the first job to the end of the last job, and the sum of the
        seconds of all jobs.

    Raises:
        InputError: the log has no finished job.
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
        raise InputError(f"{log}: no finished job found, expected the log of a Snakemake run")
    wall = max(ended.values()) - min(started.values())
    return wall, sum(end - started[job] for job, end in ended.items())


def split(study: Path, log: Path, cores: int) -> Iterator[str]:
    """The lines of two tables: time by rule, and time of the cores by kind of work.

    Raises:
        InputError: a file of the study or the log of Snakemake cannot be used.
    """
    jobs = jobs_of(study)
    wall, inside = times_in(log)
    begin = 0.0
    yield "| rule | jobs | seconds | CPU seconds | CPU seconds of start-up |"
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
    """Settings to add to studies/smoke.yaml for a study of `runs` runs, with ten runs in a job."""
    cells = max(1, runs // SEEDS)
    warmth = [f"softmax@{1 + TEMPERATURES * i:g}" for i in range(cells)]
    grid = {"dataset": "smoke", "encoder": "mlp", "attention": "additive", "normaliser": warmth}
    seeds = {"seeds": list(range(1, SEEDS + 1)), "batch": SEEDS}
    return {"study": f"grow-{runs}", "grid": [grid], **seeds}


def growth(sizes: list[int], cores: int, real: bool) -> Iterator[str]:
    """The lines of a table by number of runs: jobs, seconds of a dry run, seconds of the study.

    Args:
        sizes: numbers of runs.
        cores: number of cores.
        real: run the studies too, not only their dry runs.

    Raises:
        InputError: Snakemake failed.
    """
    yield "| runs | jobs | seconds of a dry run |" + (f" on {cores} cores |" if real else "")
    yield "|---|---|---|" + ("---|" if real else "")
    for runs in sizes:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "grow.yaml"
            config.write_text(yaml.safe_dump(generated(runs)), encoding="utf-8")
            printed, seconds = _snakemake(config, "--dry-run", "--quiet", "rules", "--cores", "1")
            jobs = int(re.search(r"^total +(\d+)", printed, re.M)[1])
            made = ""
            if real:
                made = f" {_snakemake(config, '--quiet', 'all', '--cores', str(cores))[1]:.0f} |"
                shutil.rmtree(ROOT / f"results/grow-{runs}")
        yield f"| {runs:,} | {jobs:,} | {seconds:.1f} |{made}"


def _snakemake(config: Path, *options: str) -> tuple[str, float]:
    """Run Snakemake on studies/smoke.yaml with a further config; its output and its seconds."""
    command = [sys.executable, "-m", "snakemake", *options, "--configfile", "studies/smoke.yaml"]
    start = time.perf_counter()
    done = subprocess.run([*command, str(config)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"Snakemake failed: {(done.stdout + done.stderr).strip()[-300:]}")
    return done.stdout + done.stderr, time.perf_counter() - start


def log_of(study: Path) -> Path:
    """The Snakemake log with the most finished jobs; the newest of logs with equally many.

    Raises:
        InputError: there is no log.
    """
    folder = study.parents[1] / ".snakemake/log"
    logs = sorted(folder.glob("*.log"))
    if not logs:
        raise InputError(f"{study}: no log of Snakemake found, expected one in {folder}")
    return max(reversed(logs), key=lambda log: log.read_text("utf-8").count("Finished jobid"))


def lines(quick: bool, cores: int, study: Path = STUDY) -> Iterator[str]:
    """The tables of the default study, if its results are here, and of generated studies."""
    try:
        yield from split(study, log_of(study), cores)
    except InputError as error:
        yield f"No finished default study was found: {error}."
    yield ""
    yield from growth([10] if quick else [10, 50, 200], cores, real=True)
    if not quick:
        yield ""
        yield from growth([1000, 10_000], cores, real=False)


def arguments() -> Namespace:
    """Parse the command line."""
    parser = ArgumentParser(
        prog="python -m benchmarks.pipeline", description=__doc__.split("\n")[0]
    )
    parser.add_argument("study", nargs="?", type=Path, default=STUDY)
    parser.add_argument("--log", type=Path, help="log of Snakemake; default: the fullest log")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--grow", type=int, nargs="+", metavar="RUNS")
    parser.add_argument("--real", action="store_true", help="run the generated studies, too")
    return parser.parse_args()


def main() -> None:
    """Print the tables."""
    given = arguments()
    try:
        if given.grow:
            table = growth(given.grow, given.cores, given.real)
        else:
            table = split(given.study, given.log or log_of(given.study), given.cores)
        for line in table:
            print(line, flush=True)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
