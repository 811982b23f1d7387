"""The seeds of each job: finished and unfinished seeds are never in the same job.

Snakemake remakes all outputs of a job if one of them is missing or older than an input. A job of
several seeds is therefore safe only where the files of its seeds are in the same state.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

Files = Mapping[str, str]  # role of a file in its run -> path
Times = dict[str, int | None]  # role -> time stamp; None: no such file


def batches(
    seeds: Iterable[int],
    size: int,
    files_of: Sequence[Callable[[int], Files]],
    made_from: Mapping[str, Collection[str]],
    unfinished: Collection[str] = (),
) -> list[list[int]]:
    """Put seeds together whose files could have been made by the same jobs.

    Seeds stand together if, in each cell and variant, the same files exist for all of them and no
    file is older than a file of any of them that it is made from. Then one job of all these seeds
    has nothing to do where each of them has nothing to do.

    Args:
        seeds: the seeds of the study.
        size: how many seeds a job may take, >= 1.
        files_of: one function for each cell and variant: seed -> the files of its run.
        made_from: role of a file -> roles of the files that it is made from.
        unfinished: paths that a killed job has left, which count as missing.

    Returns:
        The seeds in ascending order, split; the first batch has the smallest seed.
    """
    found: list[tuple[list[int], list[list[Times]]]] = []
    for seed in sorted(seeds):
        own = [_times(files(seed), unfinished) for files in files_of]
        for batch, members in found:
            if len(batch) < size and _side_by_side([*members, own], made_from):
                batch.append(seed)
                members.append(own)
                break
        else:
            found.append(([seed], [own]))
    return [batch for batch, _ in found]


def _times(files: Files, unfinished: Collection[str]) -> Times:
    return {role: None if path in unfinished else _time(path) for role, path in files.items()}


def _time(path: str) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _side_by_side(
    members: Sequence[Sequence[Times]], made_from: Mapping[str, Collection[str]]
) -> bool:
    """Whether all members have the same files, and none is older than what it is made from."""
    for runs in zip(*members, strict=True):
        oldest: dict[str, int] = {}
        newest: dict[str, int] = {}
        for role in runs[0]:
            known = [time for run in runs if (time := run[role]) is not None]
            if known:
                if len(known) < len(runs):
                    return False
                oldest[role], newest[role] = min(known), max(known)
        for role, time in oldest.items():
            if any(newest.get(source, time) > time for source in made_from[role]):
                return False
    return True
