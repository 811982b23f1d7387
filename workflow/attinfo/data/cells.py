"""Conversion of table values to text, and the test for missing values. Standard library only.

An empty cell, a null and NaN become the empty text. A whole number is written without a decimal
point (3.0 -> "3"). A boolean is "true" or "false". A date is written as in ISO 8601. So a label has
the same text, whether it comes from CSV, JSON or Parquet.
"""

from collections.abc import Sequence
import datetime
from decimal import Decimal
import json
from math import isinf
from numbers import Number
from typing import Any, NamedTuple, TypeAlias

Cell: TypeAlias = str | list[str] | None
MISSING = {"NAType", "NaTType", "MaskedConstant"}  # of pandas and NumPy, which are not imported
WRITTEN = (str, bool, Number, datetime.date, datetime.time, datetime.timedelta)


class Strange(NamedTuple):
    """The cells of a column that are neither texts nor lists of tokens."""

    row: int  # of the first, from 0
    number: int
    found: str  # what the first is, for messages


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NA, NaT or masked."""
    return (
        value is None
        or type(value).__name__ in MISSING
        or (isinstance(value, Number) and value != value)
    )


def cell(value: Any) -> str:
    """A value of a table as a text.

    >>> cell(None), cell(3.0), cell(True), cell(" a ")
    ('', '3', 'true', ' a ')
    """
    if type(value) is str:
        return value
    if is_missing(value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal) and not isinf(value) and value == int(value):
        return str(int(value))
    return str(value)


def strange(value: Any) -> str | None:
    """What a value is that is neither missing, a text, nor a list of tokens; else None."""
    if type(value) is str:
        return None
    if isinstance(value, float | Decimal) and isinf(value):
        return "an infinite number"
    if is_missing(value) or isinstance(value, WRITTEN):
        return None
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := _strange_token(item))), None)
    kinds: dict[type, str] = {dict: "an object (dict)", bytes: "bytes"}
    return kinds.get(type(value), f"a value of type {type(value).__name__}")


def _strange_token(item: Any) -> str | None:
    if isinstance(item, str):
        return None if item.strip() else "a list with an empty token"
    kinds: dict[type, str] = {list: "a nested list", dict: "a list of objects"}
    return kinds.get(type(item), f"a list with a value of type {type(item).__name__}")


def column(values: Sequence[Any]) -> tuple[list[Cell], Strange | None]:
    """The cells of a column: all texts, or all lists of tokens; what is neither is left empty.

    Returns:
        The cells, missing ones "" among texts and None among lists; and what is strange, if
        anything is. Strange lists and objects are texts of JSON.
    """
    if all(type(value) is str for value in values):
        return list(values), None
    texts = [cell(v) if isinstance(v, WRITTEN) or is_missing(v) else None for v in values]
    found = [(row, what) for row, value in enumerate(values) if (what := strange(value))]
    lists = [row for row, value in enumerate(values) if isinstance(value, list | tuple)]
    if lists and not found:
        plain = [row for row, text in enumerate(texts) if text]
        if not plain:
            return [list(v) if isinstance(v, list | tuple) and v else None for v in values], None
        found = [(row, "a list, where other rows hold a text") for row in lists]
    first = Strange(found[0][0], len(found), found[0][1]) if found else None
    # Lists of numbers, such as spans, are kept as they would stand in a CSV file.
    written = (
        _written(value) if isinstance(value, list | tuple | dict) else "" for value in values
    )
    return [text or other for text, other in zip(texts, written, strict=True)], first


def _written(value: Any) -> str:
    """A list or an object as JSON; "" where it holds something that JSON has no word for."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return ""
