"""Messages about a config: which key, what was found, what was expected."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attinfo.runtime.errors import expectation


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Prefix the message of a ValueError from the `with` block with a place in the config."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def sentence(error: Any) -> str:
    """One of pydantic's errors as a line: the key, the value found and what was expected."""
    where = ".".join(map(str, error["loc"]))
    prefix = f"config: {where}: " if where else "config: "
    if error["type"] == "value_error":
        return prefix + str(error["ctx"]["error"])
    if error["type"] == "missing":
        return prefix + "missing"
    return f"{prefix}found {error['input']!r}, {expectation(error['msg'])}"
