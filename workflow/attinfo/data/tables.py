"""Tables in files: the formats that are read, and every cell as a text.

An empty cell, a null and NaN are the empty text; a number that is whole is written without a
point (3.0 -> "3"); a truth value is "true" or "false". So a label reads the same whether it came
from CSV, JSON or Parquet.
"""

from collections.abc import Callable, Mapping, Sequence
import csv
import gzip
from io import BytesIO
import json
from pathlib import PurePath
import re
from typing import Any, TypeAlias
import zlib

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attinfo.runtime.errors import InputError, unknown

Columns: TypeAlias = Sequence[str] | None  # names for a file that has no header
ORANGE_ROLES = {"", "class", "c", "meta", "m", "ignore", "i", "weight", "w"}


def cell(value: Any) -> str:
    """A value of a table as a text.

    >>> cell(None), cell(3.0), cell(True), cell(" a ")
    ('', '3', 'true', ' a ')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def shown(value: str) -> str:
    """A value as messages show it: on one line, and not a whole review."""
    line = " ".join(value.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def from_columns(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns of any values as a table of texts."""
    return pd.DataFrame(
        {name: pd.Series(map(cell, values), dtype="str") for name, values in columns.items()}
    )


def read_table(content: bytes, name: str, columns: Columns = None) -> pd.DataFrame:
    """A table of texts from the content of a file, by the ending of its name.

    Args:
        content: the bytes of the file, compressed where the name ends in `.gz`.
        name: how messages call the file; its ending is one of `READERS`.
        columns: names of the columns of a file that has no header line.

    Returns:
        The rows; columns without a name in the header are left out.

    Raises:
        InputError: the format is unknown, the content is not of the format or not UTF-8, or two
            columns have one name.
    """
    path = PurePath(name.lower())
    try:
        if path.suffix == ".gz":
            content, path = gzip.decompress(content), path.with_suffix("")
        if path.suffix not in READERS:
            raise InputError(f"{name}: {unknown('ending', path.suffix, READERS)}")
        if not content.strip():
            raise InputError(f"{name}: the file is empty, expected a table")
        table = READERS[path.suffix](content, columns)
    except UnicodeDecodeError:
        raise InputError(f"{name}: {_not_utf8(content)}") from None
    except (OSError, EOFError, zlib.error, _NotATable, pa.ArrowException) as error:
        raise InputError(f"{name}: {' '.join(str(error).split())}") from None
    repeated = table.columns[table.columns.duplicated()]
    if "" in repeated:
        repeated = repeated.drop("")
    if len(repeated):
        raise InputError(f"{name}: column '{shown(repeated[0])}' is named twice, expected once")
    table = table.loc[:, table.columns != ""]
    table.attrs["files"] = [[name, 0]]
    return table


def joined(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of given splits as one, with the column `split`.

    `attrs["files"]` names each file with the number of its first row in the joined table.
    """
    table = pd.concat(list(parts.values()), ignore_index=True, join="inner")
    table["split"] = [name for name, part in parts.items() for _ in range(len(part))]
    files, first = [], 0
    for part in parts.values():
        files += [[name, first + row] for name, row in part.attrs["files"]]
        first += len(part)
    table.attrs["files"] = files
    return table


class _NotATable(Exception):
    """What a reader found wrong with the content of a file."""


def _not_utf8(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return (
            f"byte {error.start} (line {line}) is 0x{content[error.start]:02x}, which is not "
            "UTF-8; save the file as UTF-8"
        )
    return "not UTF-8; save the file as UTF-8"


def _delimited(separator: str, quoting: int = csv.QUOTE_MINIMAL) -> Callable[..., pd.DataFrame]:
    """A reader of lines whose fields are separated by a character."""

    def read(content: bytes, columns: Columns) -> pd.DataFrame:
        try:
            # The header is read as a row: pandas would rename a repeated column, and take the
            # first column for an index where rows are longer than the header.
            table = pd.read_csv(
                BytesIO(content),
                sep=separator,
                quoting=quoting,
                header=None,
                dtype="str",
                keep_default_na=False,
                encoding="utf-8-sig",
            ).fillna("")
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise _NotATable(_explained(str(error))) from None
        if columns is None:
            return table.iloc[1:].reset_index(drop=True).set_axis(table.iloc[0].tolist(), axis=1)
        if len(columns) != table.shape[1]:
            raise _NotATable(
                f"columns names {len(columns)} columns, but the file has {table.shape[1]}"
            )
        return table.set_axis(list(columns), axis=1)

    return read


def _explained(error: str) -> str:
    """What the message of pandas' parser means for the file."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error):
        first, line, fields = found.groups()
        return (
            f"line {line} has {fields} fields, more than the {first} of the first line; "
            "is a text with a comma unquoted?"
        )
    if found := re.search(r"EOF inside string starting at row (\d+)", error):
        return f"row {found[1]}: a quote is opened and never closed"
    return f"cannot be read as a table: {error.strip()}"


def _plain(content: bytes, columns: Columns) -> pd.DataFrame:
    """Fields separated by tabs, without header or quotes."""
    if columns is None:
        raise _NotATable(
            "a .txt file has no header, expected the option 'columns' to name its columns"
        )
    return _delimited("\t", csv.QUOTE_NONE)(content, columns)


def _orange(content: bytes, columns: Columns) -> pd.DataFrame:
    """A table of Orange: a line of names, one of types, one of roles, then the rows."""
    table = _delimited("\t")(content, columns)
    if len(table) < 2 or not set(table.iloc[1]) <= ORANGE_ROLES:
        raise _NotATable(
            "a .tab file is read as Orange's: names, types and roles in its first three lines; "
            "name an ordinary one .tsv"
        )
    return table.iloc[2:].reset_index(drop=True)


def _json_lines(content: bytes, columns: Columns) -> pd.DataFrame:
    """One JSON object a line; a key that a line lacks is an empty cell."""
    rows = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except json.JSONDecodeError as error:
            raise _NotATable(f"line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise _NotATable(f"line {number} holds no JSON object, expected one a line")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        return from_columns({name: [row.get(name) for row in rows] for name in names})
    except UnicodeEncodeError as error:
        raise _NotATable(
            f"holds half of a surrogate pair, which is no character: {error}"
        ) from None


def _parquet(content: bytes, columns: Columns) -> pd.DataFrame:
    table = pq.ParquetFile(pa.BufferReader(content)).read()
    names = pd.Index(table.column_names)
    texts = from_columns(dict(enumerate(column.to_pylist() for column in table.columns)))
    return texts.set_axis(names, axis=1)


READERS: dict[str, Callable[[bytes, Columns], pd.DataFrame]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".txt": _plain,
    ".tab": _orange,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
