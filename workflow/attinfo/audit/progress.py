"""A progress bar on a terminal, with the time that remains."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import logging
import sys
import time

log = logging.getLogger(__name__)
WIDTH, PAUSE = 24, 0.5  # letters of the bar; seconds between two drawings


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of a loop on stderr if that is a terminal, and log the time of the loop.

    Args:
        label: name of the work.
        total: number of items.

    Yields:
        A function that takes the number of items finished since its last call.
    """
    start = shown = time.monotonic()
    done = 0
    terminal = sys.stderr.isatty()

    def advance(number: int) -> None:
        nonlocal done, shown
        done += number
        now = time.monotonic()
        if terminal and (now - shown > PAUSE or done == total):
            shown = now
            left = (now - start) * (total - done) / max(done, 1)
            bar = "#" * (WIDTH * done // max(total, 1))
            line = f"\r{label:24.24} [{bar:{WIDTH}}] {done:,}/{total:,}, {left:.0f} s left "
            print(line, end="", file=sys.stderr, flush=True)

    yield advance
    if terminal:
        print(file=sys.stderr)
    log.info("%s: %d in %.1f s", label, done, time.monotonic() - start)
