"""A raw table that knows the file and the number of each row, for messages."""

from pathlib import Path

import pandas as pd


class RawTable:
    """A raw table with its name, the places of its rows, and notes for the user."""

    def __init__(self, path: Path) -> None:
        """Read a table that a source has brought, from a Parquet file."""
        self.table = pd.read_parquet(path)
        self.files: list[tuple[str, int]] = self.table.attrs.get("files", [[path.stem, 0]])
        self.name = " + ".join(dict.fromkeys(name for name, _ in self.files))
        self.notes = [f"{self.name}: {line}" for line in self.table.attrs.get("notes", [])]

    def place(self, row: int) -> str:
        """The number of a row in its file, and the file if there are several."""
        name, first = max((file for file in self.files if file[1] <= row), key=lambda f: f[1])
        number = f"row {row - first + 1}"
        return number if len(self.files) == 1 else f"{number} of {name}"

    def note(self, line: str) -> None:
        """Add a note about the table for the user."""
        self.notes.append(f"{self.name}: {line}")
