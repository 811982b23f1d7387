"""The one error a user sees: a line that says what, where, and what was expected."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
import gc
import logging
import os
from pathlib import Path
import sys
import time
import traceback


class InputError(ValueError):
    """The config or the data cannot be used as they are; the message is for the user."""


def unknown(kind: str, value: object, known: Collection[str]) -> str:
    """A sentence for a name that is not among the known ones, with the nearest of them."""
    near = get_close_matches(str(value), known, n=1, cutoff=0.5)
    guess = f"did you mean '{near[0]}'? " if near else ""
    return f"unknown {kind} '{value}': {guess}(known: {', '.join(sorted(known))})"


def expectation(message: str) -> str:
    """What pydantic expected, as the end of a sentence."""
    return (message[:1].lower() + message[1:]).replace("input should be", "expected", 1)


@contextmanager
def reporting(log: str | Path) -> Iterator[None]:
    """Run one job: messages go to its log file, a failure ends in one line on stderr.

    The process of a job of Snakemake ends with it; what is left in memory is not tidied up.
    An `InputError` is the user's to mend and is told in its own words. Any other exception is
    ours: its traceback stands in the log, and the line on stderr says where to look.
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
        logging.error("%s", error)
        sys.exit(f"error: {error}")
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        sys.exit(f"internal error: {type(error).__name__}: {error} (traceback in {log})")
    logging.info("finished after %.2f s of CPU", time.process_time())
    if hasattr(sys.modules["__main__"], "snakemake"):  # the process is there for this job alone
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        # Python would take torch apart object by object first: a quarter of a second a job.
        os._exit(0)
