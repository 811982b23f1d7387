"""Speeds as ratios of calls that take turns, so that a slow moment of the machine hits all."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from statistics import median
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits
import torch

REPETITIONS = 5
REST = 0.05  # seconds: threads of the call before have stopped looking for work
IDLE = bytes(2**20)  # hashed meanwhile

Seconds = list[float]  # one a repetition


def use_threads(count: int) -> None:
    """As many threads for every library of the process, ours and theirs."""
    torch.set_num_threads(count)
    threadpool_limits(count)


def _rest() -> None:
    """Wait with every processor awake: a virtual one that sleeps takes up to 20 ms to come back."""

    def hash_until(end: float) -> None:
        while perf_counter() < end:
            sha256(IDLE)  # lets other threads of Python run

    count, end = torch.get_num_threads(), perf_counter() + REST
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(hash_until, [end] * count))


def interleaved(
    calls: Mapping[str, Callable[[], Any]], repetitions: int = REPETITIONS
) -> tuple[dict[str, Seconds], dict[str, Any]]:
    """Seconds of every call in every repetition, and what each gave last.

    The order turns round from one repetition to the next. What is to be warm (imports, compiled
    loops) must be so already.
    """
    seconds: dict[str, Seconds] = {name: [] for name in calls}
    gave = {}
    for repetition in range(repetitions):
        for name in list(calls)[:: -1 if repetition % 2 else 1]:
            _rest()
            start = perf_counter()
            gave[name] = calls[name]()
            seconds[name].append(perf_counter() - start)
    return seconds, gave


def measure(
    topic: str,
    work: str,
    against: str,
    size: str,
    ours: Seconds,
    theirs: Seconds,
    *,
    target: float | None = None,
    lower: bool = False,
    difference: float | None = None,
    tolerance: float | None = None,
    note: str = "",
) -> dict[str, Any]:
    """A row of the table: how many times as long the other takes, repetition by repetition.

    Args:
        topic, work, against, size: name the row.
        ours, theirs: seconds of each repetition.
        target: of the median ratio.
        lower: the ratio is ours to theirs, which is to be small.
        difference: the largest between the answers; one-sided where it is signed.
        tolerance: what `difference` may be, where answers are meant to be equal.
        note: what the reader must know.
    """
    pairs = zip(ours, theirs, strict=True)
    ratios = [own / other if lower else other / own for own, other in pairs]
    middle = median(ratios)
    met = None if target is None else bool(middle <= target if lower else middle >= target)
    return {
        "topic": topic,
        "work": work,
        "against": against,
        "size": size,
        "seconds": median(ours),
        "seconds_against": median(theirs),
        "ratio": middle,
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "threads": torch.get_num_threads(),
        "repetitions": len(ratios),
        "lower_is_better": lower,
        "target": target,
        "met": met,
        "difference": difference,
        "tolerance": tolerance,
        "equal": None if difference is None or tolerance is None else bool(difference <= tolerance),
        "note": note,
    }
