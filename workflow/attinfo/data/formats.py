"""File formats, by the ending of the file name. Standard library only."""

import gzip
from pathlib import Path, PurePath
from typing import Any
import zlib

from attinfo.data.encoding import NotATable
from attinfo.runtime.errors import unknown

SEPARATED = {".csv": ",", ".tsv": "\t", ".txt": "\t", ".tab": "\t"}  # by which character
JSON_LINES = (".jsonl", ".ndjson")
UNREADABLE = (OSError, EOFError, zlib.error, UnicodeDecodeError)  # errors of a damaged file
ENDINGS = (*SEPARATED, *JSON_LINES, ".parquet")


def ending_of(name: str) -> str:
    """The ending of a file's name, from which its format follows, without `.gz`.

    Raises:
        NotATable: it is none of `ENDINGS`.
    """
    path = PurePath(name.lower())
    if path.suffix == ".gz":
        path = path.with_suffix("")
    if path.suffix not in ENDINGS:
        raise NotATable(unknown("ending", path.suffix, ENDINGS))
    return path.suffix


def head(path: Path, size: int) -> tuple[bytes, bool]:
    """The beginning of a file, unpacked where its name ends in `.gz`, up to the end of a line.

    Args:
        path: the file.
        size: largest number of bytes. The first line is read whole, even if it is longer.

    Returns:
        The bytes, and whether they are the whole file.

    Raises:
        NotATable: it is not gzipped or damaged, although its name ends in `.gz`.
    """
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(size)
            rest = file.readline()
            return content + rest, not file.read(1)
    except UNREADABLE as error:
        raise NotATable(explained(error)) from None


def values_of(cells: Any, name: str) -> list[Any]:
    """The values of a column of Arrow.

    Raises:
        NotATable: a value is no text in UTF-8, or a time that Python cannot hold.
    """
    try:
        values: list[Any] = cells.to_pylist()
    except (ValueError, OverflowError) as error:
        raise NotATable(f"column '{name}' cannot be read: {explained(error)}") from None
    return values


def explained(error: Exception) -> str:
    """An error of reading in one line."""
    line = " ".join(str(error).split())
    if isinstance(error, gzip.BadGzipFile):
        return f"is not gzipped, although its name ends in .gz: {line}"
    if isinstance(error, EOFError | zlib.error):
        return f"is gzipped and damaged: {line}"
    return line
