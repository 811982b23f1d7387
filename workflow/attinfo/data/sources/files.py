"""Labelled text from your own files."""

from pathlib import Path
from typing import Literal

import pandas as pd

from attinfo.data.delimited import Quoting
from attinfo.data.sources.layouts import eraser, hatexplain
from attinfo.data.tables import joined, read_table
from attinfo.option_types import Text
from attinfo.runtime.errors import InputError, no_file


def files(
    *,
    path: Text | None = None,
    train: Text | None = None,
    dev: Text | None = None,
    test: Text | None = None,
    columns: list[Text] | None = None,
    quoting: Literal["auto", "standard", "none"] = "auto",
    layout: Literal["table", "eraser", "hatexplain"] = "table",
) -> pd.DataFrame:
    """Your own files: CSV, TSV, JSON lines or Parquet, plain or .gz; one, or one for each split.

    Args:
        path: the one file, by its ending `.csv`, `.tsv`, `.txt`, `.jsonl`, `.ndjson` or
            `.parquet` (and `.gz`); in UTF-8.
        train: instead of `path`, the files of given splits; without `dev`, it is drawn from train.
        dev: see `train`.
        test: see `train`.
        columns: names of the columns, for files without a header line.
        quoting: what a quote means in CSV, TSV and text files. `standard`: it encloses a field.
            `none`: it is an ordinary character. `auto`: it encloses a field, but a field that
            holds both a line break and a separator is refused, since a lone quote makes such
            fields of several rows; in `.txt` files as `none`.
        layout: `table`, or that of a published data set with rationales: `path` is the folder of a
            data set of `eraser`, or the `dataset.json` of `hatexplain`; see `layouts`.

    Returns:
        The rows as texts (a column of token lists as lists), with the column `split` where splits
        are given.

    Raises:
        InputError: neither one file nor given splits are named, one is not there, or it cannot be
            read (`read_table`).
    """
    splits = {"train": train, "dev": dev, "test": test}
    given = {split: file for split, file in splits.items() if file is not None}
    if path is not None and given:
        raise InputError(f"source: both 'path' and '{next(iter(given))}' are given, expected one")
    if layout != "table":
        if path is None:
            raise InputError(f"source: layout '{layout}' needs 'path'")
        return eraser(Path(path)) if layout == "eraser" else hatexplain(Path(path))
    if path is not None:
        return _read(path, columns, quoting)
    for split in ("train", "test"):
        if split not in given:
            raise InputError(
                f"source: '{split}' is not given, expected 'path', or 'train' and 'test'"
            )
    return joined({split: _read(file, columns, quoting) for split, file in given.items()})


def _read(path: str, columns: list[str] | None, quoting: Quoting) -> pd.DataFrame:
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: found {no_file(file)}, expected a file")
    return read_table(file.read_bytes(), path, columns, quoting)
