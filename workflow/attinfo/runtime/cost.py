"""Time and memory of a study by rule, from the benchmark files of its jobs."""

import csv
from pathlib import Path
import re
from typing import NamedTuple

from attinfo.runtime.errors import InputError

CPU = re.compile(
    r" imported in ([\d.]+) s of CPU$.* finished after ([\d.]+) s of CPU$", re.M | re.S
)


class Cost(NamedTuple):
    """Cost of a rule: number of jobs, seconds of all and of the longest job, peak memory in MB."""

    rule: str
    jobs: int
    seconds: float
    longest: float
    memory: float


def costs(*folders: str | Path) -> list[Cost]:
    """The cost of each rule, the most expensive first.

    Args:
        folders: each holds `<rule>/.../*.tsv`, benchmark files of Snakemake.
    """
    jobs: dict[str, list[tuple[float, float]]] = {}
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.tsv")):
            with file.open(encoding="utf-8", newline="") as opened:
                row = next(csv.DictReader(opened, delimiter="\t"))
            memory = float(row["max_rss"]) if row["max_rss"] not in ("-", "NA") else 0.0
            rule = file.relative_to(folder).parts[0]
            jobs.setdefault(rule, []).append((float(row["s"]), memory))
    found = []
    for rule, own in jobs.items():
        seconds, peaks = [s for s, _ in own], [m for _, m in own]
        found.append(Cost(rule, len(own), sum(seconds), max(seconds), max(peaks)))
    return sorted(found, key=lambda cost: -cost.seconds)


def processor_seconds(log: Path) -> tuple[float, float]:
    """Processor seconds of a job from its log: until its imports were done, and in all.

    Snakemake's benchmark files have a sampled time, which misses the end of a job.

    Raises:
        InputError: the log is not there, or is not that of a finished job.
    """
    times = CPU.search(log.read_text(encoding="utf-8") if log.exists() else "")
    if times is None:
        raise InputError(f"{log}: no CPU time found, expected the log of a finished job")
    return float(times[1]), float(times[2])


def slowest_rules(folder: str | Path) -> str:
    """`costs` as a text table."""
    lines = [f"{'rule':<14}{'jobs':>6}{'seconds':>10}{'longest':>10}{'MB at most':>12}"]
    for c in costs(folder):
        lines.append(
            f"{c.rule:<14}{c.jobs:>6}{c.seconds:>10.1f}{c.longest:>10.1f}{c.memory:>12.0f}"
        )
    return "\n".join(lines)
