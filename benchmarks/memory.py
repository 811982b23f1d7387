"""Peak memory of each stage by number of texts. Each measurement runs in a new process.

The functions in `STAGES` prepare the data. They return a function without arguments, which does the
work.
"""

from collections.abc import Callable, Iterator
import gc
from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np


def knn(size: int) -> Callable[[], Any]:
    """The estimator `knn` on `size` states with d = 32."""
    from benchmarks.samples import drawn, estimate

    sample = drawn(size, 32)[1]
    return lambda: estimate("knn", sample)


def chebyshev(size: int) -> Callable[[], Any]:
    """The estimator `knn` with the Chebyshev distance, d = 32."""
    from benchmarks.samples import drawn, estimate

    sample = drawn(size, 32)[1]
    return lambda: estimate("knn", sample, metric="chebyshev")


def null(size: int) -> Callable[[], Any]:
    """The estimator `knn` with a null of 100 permutations, d = 32."""
    from benchmarks.samples import drawn, estimate, permuted

    sample = permuted(drawn(size, 32)[1])
    return lambda: estimate("knn", sample)


def linear(size: int) -> Callable[[], Any]:
    """The estimator `linear` with a null of 100 permutations, d = 32."""
    from benchmarks.samples import drawn, estimate, permuted

    sample = permuted(drawn(size, 32)[1])
    return lambda: estimate("linear", sample)


def stack(size: int) -> Callable[[], Any]:
    """The estimator `stack`, d = 32."""
    from benchmarks.samples import drawn, estimate

    sample = drawn(size, 32)[1]
    return lambda: estimate("stack", sample)


def training(size: int) -> Callable[[], Any]:
    """One training epoch over `size` texts."""
    from attinfo.data.batches import batches
    from benchmarks.training import BATCH, classifier, sentences, steps

    texts = sentences(size)
    chosen = list(batches(texts.lengths, BATCH, np.random.default_rng(1)))
    return steps(classifier("bilstm", "additive", "softmax"), texts, chosen)


def states(size: int) -> Callable[[], Any]:
    """Computing and writing the hidden states of `size` texts."""
    from attinfo.states.extract import states_of
    from attinfo.states.store import write_states
    from benchmarks.training import classifier, sentences

    texts, model = sentences(size), classifier("bilstm", "additive", "softmax").eval()

    def run() -> None:
        with TemporaryDirectory() as folder:
            write_states(Path(folder) / "states.safetensors", states_of(model, texts))

    return run


STAGES = {
    "training": training,
    "states": states,
    "knn": knn,
    "knn, Chebyshev": chebyshev,
    "knn and null": null,
    "linear and null": linear,
    "stack": stack,
}


def peak(stage: str, size: int) -> tuple[float, float]:
    """Peak memory of a stage.

    Args:
        stage: a key of `STAGES`.
        size: number of texts.

    Returns:
        Peak of the process in MB, and the part of the peak that the work added.

    Raises:
        CalledProcessError: the process of the measurement failed.
    """
    command = [sys.executable, "-m", "benchmarks.memory", stage, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    most, before = done.stdout.split()
    return float(most), float(most) - float(before)


def table(quick: bool) -> Iterator[dict[str, Any]]:
    """One row per stage and size; with `growth` g, memory grew as size**g since the last size."""
    for stage in list(STAGES)[: 3 if quick else None]:
        last = None
        for size in (500, 1000) if quick else (1000, 4000, 16000):
            most, more = peak(stage, size)
            growth = None
            if last:
                times = max(more, 1.0) / max(last[1], 1.0)
                growth = float(np.log(times) / np.log(size / last[0]))
            yield {"stage": stage, "size": size, "peak_mb": most, "own_mb": more, "growth": growth}
            last = size, more


def megabytes(field: str) -> float:
    """Memory of this process in MB: at present (field VmRSS) or its peak (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def main(stage: str, size: int) -> None:
    """Print the peak memory of this process and its memory before the work, in MB."""
    small = STAGES[stage](500)
    small()  # libraries that the first call loads are not counted
    work = STAGES[stage](size)
    del small
    gc.collect()
    held = megabytes("VmRSS")
    work()
    print(megabytes("VmHWM"), held)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
