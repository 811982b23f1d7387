"""Reading of JSON lines: files with one JSON object on each line. Standard library only."""

import json
from typing import Any

from attinfo.data.encoding import NotATable
from attinfo.data.names import shown


def parse(text: str) -> list[dict[str, Any]]:
    """The objects, one for each line that is not blank.

    Raises:
        NotATable: a line is not JSON or holds no object, a key stands in it twice, or half of a
            surrogate pair.
    """
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_once)
        except json.JSONDecodeError as error:
            raise NotATable(f"line {number} is not JSON: {error}") from None
        except _Twice as error:
            raise NotATable(f"line {number}: {error}, expected once") from None
        except RecursionError:
            raise NotATable(f"line {number} is nested too deeply") from None
        if not isinstance(row, dict):
            raise NotATable(f"line {number} holds no JSON object, expected one a line")
        if "\\u" in line:
            _refuse_half_characters(row, number)
        rows.append(row)
    return rows


class _Twice(Exception):
    """A key that stands twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the key '{shown(twice)}' stands twice in an object")
    return found


def _refuse_half_characters(row: dict[str, Any], number: int) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotATable(
            f"line {number} holds half of a surrogate pair, which is no character"
        ) from None
