"""Texts in plain files: lines that a pattern takes apart, and a folder of files for each class."""

from collections.abc import Callable, Mapping
import re

import pandas as pd

from attinfo.data.encoding import NotATable, decoded
from attinfo.data.names import shown
from attinfo.runtime.errors import InputError


def matched_lines(content: bytes, name: str, pattern: str) -> pd.DataFrame:
    """A table of the lines of a file.

    Args:
        content: the bytes of the file, in UTF-8.
        name: how messages call the file.
        pattern: a regular expression of Python that every line matches as a whole; empty lines are
            left out. Its named groups are the columns.

    Raises:
        InputError: the pattern is none or names no group, the file is not in UTF-8 or empty, or a
            line does not match.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"source: pattern is {pattern!r}: {error}") from None
    if not expression.groupindex:
        raise InputError(
            f"source: pattern is {pattern!r}, expected named groups, such as (?P<text>.+)"
        )
    try:
        lines = decoded(content).split("\n")
    except NotATable as error:
        raise InputError(f"{name}: {error}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not (line := line.removesuffix("\r")):
            continue
        if (match := expression.fullmatch(line)) is None:
            raise InputError(
                f"{name}: line {number} is '{shown(line)}', expected a match of {pattern}"
            )
        rows.append({group: cell or "" for group, cell in match.groupdict().items()})
    if not rows:
        raise InputError(f"{name}: the file is empty, expected lines")
    table = pd.DataFrame(rows, dtype="str")
    table.attrs["files"] = [[name, 0]]
    return table


def folder_of_classes(files: Mapping[str, Callable[[], bytes]], folder: str) -> pd.DataFrame:
    """A table of the texts in a folder that has a folder of `.txt` files for each class.

    A file that is not in UTF-8 is read as Latin-1, which is noted.

    Args:
        files: path -> a function that reads the file.
        folder: the path of the folder, with "/" at its end.

    Returns:
        The columns `text`, `label` (the name of the inner folder) and `file` (path in the folder),
        sorted by `file`.

    Raises:
        InputError: the folder holds no such file, or one in UTF-16 or UTF-32.
    """
    rows, other = [], []
    for path in sorted(files):
        label, _, rest = path.removeprefix(folder).partition("/")
        if not path.startswith(folder) or "/" in rest or not rest.endswith(".txt"):
            continue
        content = files[path]()
        try:
            text = decoded(content)
        except NotATable as error:
            if b"\0" in content:  # no text of one byte a character
                raise InputError(f"{path}: {error}") from None
            text = content.decode("latin-1")
            other.append(path)
        rows.append({"text": text, "label": label, "file": f"{label}/{rest}"})
    if not rows:
        raise InputError(
            f"source: member is '{folder}', which holds no file <class>/<name>.txt, expected one "
            "or more"
        )
    table = pd.DataFrame(rows, dtype="str")
    table.attrs["files"] = [[folder, 0]]
    if other:
        table.attrs["notes"] = [
            f"{len(other):,} of {len(rows):,} files are not in UTF-8 and were read as Latin-1 "
            f"(first: {other[0]})"
        ]
    return table
