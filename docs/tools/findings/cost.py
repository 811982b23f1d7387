"""Processor seconds and memory of a finished study, from the logs and benchmark files of its jobs.

Not seconds of a clock, which other work on the machine makes longer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from findings.tables import rows

from attinfo.keys import ALL
from attinfo.runtime.cost import processor_seconds


class Job(NamedTuple):
    """A job: its rule, its data set (`all` for a job of the whole study), seconds, megabytes."""

    stage: str
    dataset: str
    seconds: float
    megabytes: float


def jobs(folder: Path) -> Iterator[Job]:
    """The finished jobs of a study. Those that prepare data sets, which studies share, are not in.

    Raises:
        InputError: a job has a benchmark file and no log with its processor seconds.
    """
    for file in sorted((folder / "benchmarks").rglob("*.tsv")):
        path = file.relative_to(folder / "benchmarks")
        _, seconds = processor_seconds((folder / "logs" / path).with_suffix(".log"))
        dataset = path.parts[1] if len(path.parts) > 2 else ALL
        # A job that ends before Snakemake first looks at it has no memory.
        memory = (row["max_rss"] for row in rows(file, "\t"))
        most = max(float(own) if own not in ("-", "NA") else 0.0 for own in memory)
        yield Job(path.parts[0], dataset, seconds, most)


def total(own: Iterable[Job]) -> dict[str, Any]:
    """Number of jobs, seconds of all and gigabytes of the largest."""
    own = list(own)
    return {
        "jobs": len(own),
        "seconds": round(sum(job.seconds for job in own), 1),
        "gigabytes": round(max((job.megabytes for job in own), default=0) / 1000, 2),
    }


def by(field: str, every: Iterable[Job]) -> dict[str, list[Job]]:
    """The jobs by one of their fields."""
    found: dict[str, list[Job]] = defaultdict(list)
    for job in every:
        found[getattr(job, field)].append(job)
    return found


def stages(every: Iterable[Job]) -> list[dict[str, Any]]:
    """The cost of each stage, the most expensive first."""
    table = [{"stage": stage} | total(own) for stage, own in by("stage", every).items()]
    return sorted(table, key=lambda row: -row["seconds"])
