"""Where the time of a study went, and how a study's cost grows with its runs.

    python -m benchmarks.pipeline results/default [--log LOG] [--cores 2]
    python -m benchmarks.pipeline --grow 10 100 1000 10000

The first reads the benchmark files of a finished study and the log of the Snakemake run that made
it. A job is its start-up (Python, and what its script imports: its CPU time is measured here, three
times, and stretched as the jobs of the rule were by what else ran), its useful work, and what
Snakemake adds around its script; what no job had is idle.
"""

from argparse import ArgumentParser, Namespace
import ast
from collections.abc import Iterator
import csv
from datetime import datetime
import os
from pathlib import Path
import re
from statistics import median
import subprocess
import sys
from tempfile import TemporaryDirectory
import time
from typing import NamedTuple

import yaml

from attinfo.errors import InputError

ROOT = Path(__file__).parents[1]
CLOCK = re.compile(r"^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]$")
STARTED, FINISHED = re.compile(r"^    jobid: (\d+)$"), re.compile(r"^Finished jobid: (\d+) ")
SEEDS = 10  # of a generated study, one model each
TEMPERATURES = 0.01  # its cells differ by the temperature of their softmax


class Job(NamedTuple):
    """What Snakemake measured of a job's script."""

    rule: str
    seconds: float
    cpu: float


def jobs_of(study: Path) -> list[Job]:
    """The jobs of a finished study.

    Raises
    ------
    InputError
        If it has no benchmark files.
    """
    folder, jobs = study / "benchmarks", []
    for file in sorted(folder.rglob("*.tsv")):
        with file.open(encoding="utf-8", newline="") as opened:
            row = next(csv.DictReader(opened, delimiter="\t"))
        cpu = float(row["cpu_time"]) if row["cpu_time"] not in ("-", "NA") else 0.0
        jobs.append(Job(file.relative_to(folder).parts[0], float(row["s"]), cpu))
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


def startup(rule: str) -> float:
    """CPU seconds until Python has imported what the script of a rule imports."""
    rules = "\n".join(
        f.read_text(encoding="utf-8") for f in (ROOT / "workflow/rules").glob("*.smk")
    )
    part = re.search(
        rf'(?:rule {rule}:|rule_of\("{rule}")(?:(?!\n *rule).)*?script:\s+"\.\./scripts/(\w+\.py)"',
        rules,
        re.S,
    )
    if part is None:
        return 0.0
    tree = ast.parse((ROOT / "workflow/scripts" / part[1]).read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    code = "\n".join(map(ast.unparse, imports))
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-c", code], check=True)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))  # of children, user and system
    return median(seconds)


def split(study: Path, log: Path, cores: int) -> Iterator[str]:
    """The lines of two tables: by rule, and by what the cores did."""
    jobs = jobs_of(study)
    wall, inside = times_in(log)
    begin = 0.0
    yield "| rule | jobs | seconds | of CPU | start-up, of CPU |"
    yield "|---|---|---|---|---|"
    rules = sorted(
        {job.rule for job in jobs}, key=lambda r: -sum(j.seconds for j in jobs if j.rule == r)
    )
    for rule in rules:
        own = [job for job in jobs if job.rule == rule]
        each = startup(rule)
        seconds, cpu = sum(j.seconds for j in own), sum(j.cpu for j in own)
        begin += seconds * min(1.0, each * len(own) / max(cpu, 1e-9))
        yield f"| {rule} | {len(own)} | {seconds:.0f} | {cpu:.0f} | {each:.2f} each |"
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
    """What a config says beside studies/smoke.yaml to have so many runs."""
    cells = max(1, runs // SEEDS)
    warmth = [f"softmax@{1 + TEMPERATURES * i:g}" for i in range(cells)]
    grid = {"dataset": "smoke", "encoder": "mlp", "attention": "additive", "normaliser": warmth}
    return {"study": f"grow-{runs}", "seeds": list(range(1, SEEDS + 1)), "grid": [grid]}


def growth(sizes: list[int]) -> Iterator[str]:
    """Seconds of a dry run, and jobs, by number of runs."""
    yield "| runs | jobs | seconds of a dry run |"
    yield "|---|---|---|"
    for runs in sizes:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "grow.yaml"
            config.write_text(yaml.safe_dump(generated(runs)), encoding="utf-8")
            command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
            command += ["--cores", "1", "--configfile", "studies/smoke.yaml", str(config)]
            start = time.perf_counter()
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            seconds = time.perf_counter() - start
        total = re.search(r"^total +(\d+)", done.stdout + done.stderr, re.M)
        if done.returncode or total is None:
            raise InputError(f"a dry run of {runs} runs failed: {done.stderr.strip()[-300:]}")
        yield f"| {runs:,} | {int(total[1]):,} | {seconds:.1f} |"


def arguments() -> Namespace:
    """What the command takes."""
    parser = ArgumentParser(
        prog="python -m benchmarks.pipeline", description=__doc__.split("\n")[0]
    )
    parser.add_argument("study", nargs="?", type=Path, default=Path("results/default"))
    parser.add_argument("--log", type=Path, help="of the Snakemake run; else the newest")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--grow", type=int, nargs="+", metavar="RUNS")
    return parser.parse_args()


def main() -> None:
    """Print the tables."""
    given = arguments()
    try:
        if given.grow:
            lines = growth(given.grow)
        else:
            logs = sorted(Path(".snakemake/log").glob("*.log"))
            if not (given.log or logs):
                raise InputError("no log in .snakemake/log, expected that of the study's run")
            lines = split(given.study, given.log or logs[-1], given.cores)
        for line in lines:
            print(line, flush=True)
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
