"""A raw table, with what messages need to name its rows."""

from pathlib import Path

import pandas as pd


class RawTable:
    """A raw table, how messages call it and its rows, and what was noted while it was read."""

    def __init__(self, path: Path) -> None:
        """Read a table that a source has brought, from a Parquet file."""
        self.table = pd.read_parquet(path)
        self.files: list[tuple[str, int]] = self.table.attrs.get("files", [[path.stem, 0]])
        self.name = " + ".join(dict.fromkeys(name for name, _ in self.files))
        self.notes = [f"{self.name}: {line}" for line in self.table.attrs.get("notes", [])]

    def place(self, row: int) -> str:
        """Where a row of the table stands in the files that it came from."""
        name, first = max((file for file in self.files if file[1] <= row), key=lambda f: f[1])
        number = f"row {row - first + 1}"
        return number if len(self.files) == 1 else f"{number} of {name}"

    def note(self, line: str) -> None:
        """Remember what the user must know of the table."""
        self.notes.append(f"{self.name}: {line}")
