"""The process of a job: its log, its message on failure, and shortcuts that save time.

Each shortcut below states what it saves. Where a shortcut cannot work, it does nothing. The
environment variable `ATTINFO_NO_SHORTCUTS` turns all of them off.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import ctypes
import gc
import logging
import os
from pathlib import Path
import sys
import time
import traceback
from typing import Any

from attinfo.runtime.errors import InputError

SHORTCUTS = "ATTINFO_NO_SHORTCUTS" not in os.environ
# A job of the workflow is a process that does nothing else; a notebook or a test is not.
IN_JOB = hasattr(sys.modules["__main__"], "snakemake")

# Saves 0.25 s a job, a fifth of its imports: importing makes objects, but no garbage. Scripts
# import this module first; `job` turns the collection of garbage on again.
if SHORTCUTS and IN_JOB:
    gc.disable()


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Run one job: messages go to its log file, a failure ends in one line on stderr.

    An `InputError` is the user's to mend, and its message is printed as it is. Any other exception
    is a bug: its traceback is written to the log, and the line on stderr names the log.

    Args:
        log: path of the log file.
    """
    logging.basicConfig(
        filename=log, filemode="w", level=logging.INFO, format="%(asctime)s %(message)s", force=True
    )
    logging.info("imported in %.2f s of CPU", time.process_time())
    gc.freeze()  # what is imported stays
    gc.enable()
    try:
        yield
    except InputError as error:
        logging.error("error: %s", error)
        sys.exit(f"error: {error}")
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        message = f"internal error: {type(error).__name__}: {error} (traceback in {log})"
        logging.error("%s", message)
        sys.exit(message)
    logging.info("finished after %.2f s of CPU", time.process_time())
    if SHORTCUTS and IN_JOB:
        _exit_at_once()


def _exit_at_once() -> None:
    """End the process without freeing its objects one by one, which saves 0.25 s a job."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def be_deterministic() -> None:
    """Use one thread for torch for the rest of the process.

    On one CPU thread every kernel used here sums in a fixed order. (The switch
    `torch.use_deterministic_algorithms` would add nothing but an import of seconds a job.)
    """
    import torch  # here: jobs that need no torch import this module too

    torch.set_num_threads(1)


TRIM_THRESHOLD, MMAP_MAX = -1, -4  # options of mallopt, as in malloc.h
LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory for the rest of the process instead of giving it back to the system.

    A page that is written for the first time costs a microsecond. The gradients of a recurrent
    network, which need the same memory for every batch, take up to twice as long for it. Does
    nothing where the C library is not GNU's.
    """
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if SHORTCUTS and option is not None:
        option(MMAP_MAX, 0)
        option(TRIM_THRESHOLD, LARGEST)


def undecorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `torch.optim` without its decorator; the function itself where it has none.

    The decorator imports torch's compiler, which takes a second or more a job.
    """
    return getattr(function, "__wrapped__", function) if SHORTCUTS else function
