"""How fast the information engine is, as ratios within one run: `python benchmarks/information.py`.

Nearest neighbours against the one matrix product they cannot do without, their null against the
estimate alone, and `stack` for the units of a run, with its null and memory.
"""

from collections.abc import Callable
from dataclasses import replace
import resource
from statistics import median
from time import perf_counter

import torch

from attinfo.calibration import sample_of
from attinfo.information.estimators import ESTIMATORS
from attinfo.information.sample import Sample, with_permutations
from attinfo.information.tasks import TASKS

REPEATS = 7
UNITS = 40


def drawn(texts: int, width: int, permutations: int, seed: int = 1) -> Sample:
    """A sample of normal classes."""
    sample = sample_of(TASKS["gaussian"](texts, width, 2, 4.0, 0.2, seed), seed)
    return replace(sample, output=with_permutations(sample.output[:, 0], permutations, seed))


def interleaved(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of each call; the calls take turns, so that a slow moment hits all."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(REPEATS + 1):
        for call, own in zip(calls, seconds, strict=True):
            start = perf_counter()
            call()
            own.append(perf_counter() - start)
    return [median(own[1:]) for own in seconds]  # the first warms up


def peak_megabytes() -> float:
    """The most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def neighbours() -> None:
    """On two threads."""
    torch.set_num_threads(2)
    knn, n, d = ESTIMATORS["knn"], 4000, 128
    alone, with_null = drawn(n, d, 0), drawn(n, d, 100)
    product, one, all_ = interleaved(
        lambda: alone.hidden @ alone.hidden.T, lambda: knn(alone), lambda: knn(with_null)
    )
    print(f"knn, n = {n}, d = {d}, two threads")
    print(f"  matrix product {product:.4f} s, estimate {one:.4f} s: {one / product:.2f} times")
    print(f"  with 100 permutations {all_:.4f} s: {all_ / one:.2f} times the estimate")


def stack() -> None:
    """On one thread, all units of a run."""
    torch.set_num_threads(1)
    pool, n, d = ESTIMATORS["stack"], 1700, 128
    pool(drawn(n, d, 0))
    seconds = {}
    for permutations in (0, 20, 100):
        start = perf_counter()
        for unit in range(UNITS):
            pool(drawn(n, d, permutations, unit))
        seconds[permutations] = perf_counter() - start
    print(f"stack, {UNITS} units, n = {n}, d = {d}, one thread")
    print(f"  estimates {seconds[0]:.1f} s")
    for permutations in (20, 100):
        floor = seconds[permutations] - seconds[0]
        print(f"  floor of {permutations} permutations {floor:.1f} s more")
    print(f"  memory of the process at most {peak_megabytes():.0f} MB")


if __name__ == "__main__":
    stack()
    neighbours()
