"""Ratios of the times of calls that run in turn, so that a slow machine slows all of them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from statistics import median
from time import perf_counter
from typing import Any

from threadpoolctl import threadpool_limits
import torch

REPETITIONS = 5
REST = 0.05  # seconds; idle threads of the last call have stopped waiting for work by then
IDLE = bytes(2**20)  # hashed during the rest

Seconds = list[float]  # one number for each repetition


def use_threads(count: int) -> None:
    """Set the number of threads of torch and of all thread pools in this process."""
    torch.set_num_threads(count)
    threadpool_limits(count)


def _rest() -> None:
    """Wait with all cores busy, because a virtual core that sleeps needs up to 20 ms to wake."""

    def hash_until(end: float) -> None:
        while perf_counter() < end:
            sha256(IDLE)  # lets other Python threads run

    count, end = torch.get_num_threads(), perf_counter() + REST
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(hash_until, [end] * count))


def interleaved(
    calls: Mapping[str, Callable[[], Any]], repetitions: int = REPETITIONS
) -> tuple[dict[str, Seconds], dict[str, Any]]:
    """Run the calls in turn, and time each of them.

    The order of the calls is reversed in every second repetition. A caller that does not want to
    time imports and compilation makes each call once before.

    Args:
        calls: functions without arguments, by name.
        repetitions: how often each function is called.

    Returns:
        The seconds of each call in each repetition, and the last result of each call.
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
    """A row of a speed table: the ratio of two times.

    The ratio is computed in each repetition, and the row has its median, minimum and maximum.

    Args:
        topic: the table, a key of `TOPICS` in `benchmarks/__main__.py`.
        work: name of our work.
        against: name of the other work.
        size: size of the data.
        ours: seconds of our work in each repetition.
        theirs: seconds of the other work in each repetition.
        target: smallest median ratio wanted; the largest one if `lower`.
        lower: the ratio is our time divided by the other time, not the reverse.
        difference: largest difference between the answers, or our loss minus the other loss.
        tolerance: largest `difference` allowed; None if the answers need not be equal.
        note: a remark for the last column.

    Raises:
        ValueError: `ours` and `theirs` differ in length.
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
