"""The error for wrong input: one line with the place, the value found and what was expected."""

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path


class InputError(ValueError):
    """The config or the data cannot be used as they are; the message is for the user."""


def unknown(kind: str, value: object, known: Collection[str]) -> str:
    """A sentence for a name that is not among the known ones, with the nearest of them."""
    near = get_close_matches(str(value), known, n=1, cutoff=0.5)
    guess = f"did you mean '{near[0]}'? " if near else ""
    return f"unknown {kind} '{value}': {guess}(known: {', '.join(sorted(known))})"


def no_file(path: str | Path) -> str:
    """What stands at a path where a file is expected, for messages."""
    return "a folder" if Path(path).is_dir() else "nothing there"


def expectation(message: str) -> str:
    """What pydantic expected, as the end of a sentence."""
    return (message[:1].lower() + message[1:]).replace("input should be", "expected", 1)
