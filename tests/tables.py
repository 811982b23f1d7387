"""Tables of a data set in every format, and what becomes of them: read, noted or refused."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attinfo.config.sections.dataset import Dataset
from attinfo.data.local_files import check_local_files
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.texts import read_arrow, read_summary
from attinfo.runtime.errors import InputError

Columns = Mapping[str, Sequence[Any]]
PARTS = ("train", "dev", "test")
PLACE = "datasets.own.source"
WORDS = ["film", "plot", "actor", "very", "great", "dull", "scene", "story", "the", "a", "of"]


def texts(number: int, words: int = 6) -> list[str]:
    """Texts of a few words, no two alike."""
    return [
        " ".join(WORDS[(i // len(WORDS) ** k + k) % len(WORDS)] for k in range(words))
        for i in range(number)
    ]


def columns(number: int = 120) -> dict[str, list[Any]]:
    """A good table of two balanced classes."""
    return {"text": texts(number), "label": ["neg" if i % 2 else "pos" for i in range(number)]}


def changed(name: str, values: Mapping[int, Any], number: int = 120) -> dict[str, list[Any]]:
    """The good table with some cells of a column changed: row, from 1 -> value."""
    table = columns(number)
    for row, value in values.items():
        table[name][row - 1] = value
    return table


def write(path: Path, table: Columns) -> Path:
    """A table in the format that the path's ending names."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: pa.array(cells) for name, cells in table.items()}), path)
    elif path.suffix == ".jsonl":
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        pd.DataFrame(table).to_csv(path, sep=separator, index=False)
    return path


def options_of(path: Path, source: Mapping[str, Any] | None = None, **settings: Any) -> Any:
    """The options of a data set of one file."""
    given = {"name": "files", "path": str(path)} | dict(source or {})
    return Dataset.model_validate({"source": given} | settings).model_dump(mode="json")


def made(path: Path, source: Mapping[str, Any] | None = None, **settings: Any) -> tuple[Path, Any]:
    """The prepared data set of a file, and what was noted of it."""
    options = options_of(path, source, **settings)
    check_local_files(PLACE, options["source"], options)
    arguments = {key: value for key, value in options["source"].items() if key != "name"}
    folder = path.with_suffix(".made")
    raw = path.with_suffix(".raw")
    files(**arguments).to_parquet(raw)
    return folder, prepare(raw, options, folder)


def refused(
    path: Path, early: bool = True, source: Mapping[str, Any] | None = None, **settings: Any
) -> str:
    """The line that refuses a file; `early`: before any job, too, with the key of the config."""
    options = options_of(path, source, **settings)
    arguments = {key: value for key, value in options["source"].items() if key != "name"}
    folder = path.with_suffix(".made")
    with pytest.raises(InputError) as raised:
        files(**arguments).to_parquet(path.with_suffix(".raw"))
        prepare(path.with_suffix(".raw"), options, folder)
    assert not folder.exists()
    late = str(raised.value)
    assert str(path) in late and "\n" not in late
    if early:
        with pytest.raises(InputError) as raised:
            check_local_files(PLACE, options["source"], options)
        line = str(raised.value)
        assert line.startswith(f"config: {PLACE}: '{path}': ") and "\n" not in line
        return f"{late} | {line}"
    check_local_files(PLACE, options["source"], options)
    return late


def held(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each split of a prepared data set."""
    return {part: read_arrow(folder, part).to_pylist() for part in PARTS}


def classes(folder: Path) -> list[str]:
    """The names of the classes."""
    found: list[str] = read_summary(folder)["classes"]
    return found
