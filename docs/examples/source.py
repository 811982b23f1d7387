"""A source: one text file for each class, one text on each line."""

from pathlib import Path

import pandas as pd

from attinfo.data.tables import from_columns
from attinfo.runtime.errors import InputError


def lines(*, folder: str) -> pd.DataFrame:
    """Read a folder with one `.txt` file for each class; the name of the file is the class.

    Args:
        folder: path of the folder.

    Returns:
        The columns `text` and `label`, as texts.

    Raises:
        InputError: the folder holds no `.txt` file.
    """
    files = sorted(Path(folder).glob("*.txt"))
    if not files:
        raise InputError(f"source: folder is '{folder}', expected a folder with .txt files")
    rows = [
        (text, file.stem) for file in files for text in file.read_text("utf-8").splitlines() if text
    ]
    return from_columns({"text": [text for text, _ in rows], "label": [name for _, name in rows]})


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        Path(folder, "positive.txt").write_text("a fine film\nwell acted\n", "utf-8")
        Path(folder, "negative.txt").write_text("a dull film\n", "utf-8")
        print(lines(folder=folder))
