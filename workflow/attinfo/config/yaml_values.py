"""Texts of a table as YAML values: 2019 is a text, `no` must be quoted."""

from collections.abc import Mapping
import datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints


def as_written(value: Any) -> Any:
    """A value of YAML as the text that it stands for, where there is one such text.

    Raises:
        ValueError: the text cannot be known, for YAML reads several texts as this value.
    """
    quote = "quote it as it stands in the file"
    if isinstance(value, bool):
        others = "yes, on, true" if value else "no, off, false"
        raise ValueError(f"found {value}, which YAML reads from any of {others}: {quote}")
    if value is None:
        raise ValueError(f"found null, which YAML reads from null, ~ and nothing at all: {quote}")
    if isinstance(value, float) and (
        not isfinite(value) or value.is_integer() or "e" in repr(value)
    ):
        raise ValueError(f"found {value!r}, a number that can be written in several ways: {quote}")
    if isinstance(value, datetime.datetime):
        raise ValueError(f"found {value}, which YAML reads as a time: {quote}")
    return str(value) if isinstance(value, int | float | datetime.date) else value


def keys_as_written(value: Any) -> Any:
    """A mapping whose keys are texts as `as_written`.

    Raises:
        ValueError: see `as_written`; or two keys are one text.
    """
    if not isinstance(value, Mapping):
        return value
    found: dict[Any, Any] = {}
    for key, held in value.items():
        text = as_written(key)
        if text in found:
            raise ValueError(f"found '{text}' twice, as a text and as a number, expected it once")
        found[text] = held
    return found


Word = Annotated[  # a text of a table
    str,
    BeforeValidator(as_written, json_schema_input_type=str | int | float),
]
Keyed = BeforeValidator(keys_as_written)
Words = Annotated[
    list[Word],
    BeforeValidator(
        lambda value: value if isinstance(value, list | tuple) else [value],
        json_schema_input_type=str | int | float | list[str | int | float],
    ),
    Field(min_length=1),
]
Column = Annotated[Word, StringConstraints(strip_whitespace=True, min_length=1)]
