"""Tables as files: CSV, plain or compressed by xz."""

import csv
import lzma
from pathlib import Path
from typing import IO


def opened(path: Path) -> IO[str]:
    """A table, opened to read its text as it stands, line ends included."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table with a header line."""
    with opened(path) as file:
        return list(csv.DictReader(file, delimiter=delimiter))
