"""Which seeds one job takes: as many as allowed, and none that is finished beside one that is not.

Snakemake remakes all outputs of a job if one of them is missing or older than an input. A job of
several seeds is therefore safe only where the files of its seeds are in the same state.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

Levels = Sequence[Sequence[str]]  # the files of one run; a level is made from the levels before it
Times = list[tuple[int | None, ...]]  # the time stamps of the files of each level; None: no file


def batches(
    seeds: Iterable[int],
    size: int,
    levels_of: Sequence[Callable[[int], Levels]],
    unfinished: Collection[str] = (),
) -> list[list[int]]:
    """Put seeds together whose files could have been made by the same jobs.

    Seeds stand together if, in each cell and variant, the same files exist for all of them and no
    file of one level is newer than a file of a later level. Then one job of all these seeds has
    nothing to do where each of them has nothing to do.

    Args:
        seeds: the seeds of the study.
        size: how many seeds a job may take, >= 1.
        levels_of: one function for each cell and variant: seed -> the files of its run.
        unfinished: files that a killed job has left, which count as missing.

    Returns:
        The seeds in ascending order, split; the first batch has the smallest seed.
    """
    found: list[tuple[list[int], list[list[Times]]]] = []
    for seed in sorted(seeds):
        own = [_times(levels(seed), unfinished) for levels in levels_of]
        for batch, members in found:
            if len(batch) < size and _side_by_side([*members, own]):
                batch.append(seed)
                members.append(own)
                break
        else:
            found.append(([seed], [own]))
    return [batch for batch, _ in found]


def _times(levels: Levels, unfinished: Collection[str]) -> Times:
    return [tuple(_time(path, unfinished) for path in level) for level in levels]


def _time(path: str, unfinished: Collection[str]) -> int | None:
    if path in unfinished:
        return None
    try:
        return Path(path).stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _side_by_side(members: Sequence[Sequence[Times]]) -> bool:
    """Whether all members have the same files, each level no newer than those after it."""
    for runs in zip(*members, strict=True):
        newest = 0
        for level in zip(*runs, strict=True):
            there = [[time is not None for time in times] for times in level]
            if any(other != there[0] for other in there):
                return False
            known = [time for times in level for time in times if time is not None]
            if known:
                if min(known) < newest:
                    return False
                newest = max(newest, *known)
    return True
