"""Rows shared among threads, in place of operations.

torch shares every operation among its threads. These look for more work for milliseconds after
each, and so are in the way of a compiled loop that comes next. Where there are many rows, each
thread has some of its own and torch is not to share.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[int]:
    """torch shares no operation; how many threads it had, for `by_rows`."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


Together = Callable[[Callable[[int], None]], None]


@contextmanager
def team(threads: int) -> Iterator[Together]:
    """What does a work on so many threads, each told its number; inside of `one_thread` only."""
    with ThreadPoolExecutor(threads) as pool:

        def together(work: Callable[[int], None]) -> None:
            others = [pool.submit(work, thread) for thread in range(1, threads)]
            work(0)
            for each in others:
                each.result()  # raises what went wrong

        yield together


def by_rows(work: Callable[[Tensor], None], rows: Tensor, threads: int) -> None:
    """Work on the rows [n], on each thread on a part of them; inside of `one_thread` only."""
    if threads == 1 or rows.device.type != "cpu":
        work(rows)
        return
    parts = rows.chunk(threads)
    with team(len(parts)) as together:
        together(lambda thread: work(parts[thread]))
