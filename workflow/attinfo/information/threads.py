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


def by_rows(work: Callable[[Tensor], None], rows: Tensor, threads: int) -> None:
    """Work on the rows [n], on each thread on a part of them; inside of `one_thread` only."""
    if threads == 1 or rows.device.type != "cpu":
        work(rows)
        return
    own, *others = rows.chunk(threads)
    with ThreadPoolExecutor(threads) as pool:
        found = [pool.submit(work, some) for some in others]
        work(own)
    for each in found:
        each.result()  # raises what went wrong
