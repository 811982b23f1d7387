"""Tables in files: the formats that are read, and their rows as texts.

Every cell becomes a text (see `cells`), except in columns of lists of tokens. Other cells, such as
objects, are left empty, and their column is recorded in `attrs["strange"]`. Such a column is
refused only if the config names it.
"""

from collections.abc import Callable, Mapping, Sequence
import gzip
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attinfo.data import delimited, json_lines
from attinfo.data.cells import cell, column
from attinfo.data.delimited import Quoting
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.formats import SEPARATED, UNREADABLE, ending_of, explained, values_of
from attinfo.data.names import bare, part_of, shown
from attinfo.runtime.errors import InputError

Columns: TypeAlias = list[str] | None  # names for a file that has no header
Reader: TypeAlias = Callable[[bytes, Columns, Quoting], pd.DataFrame]
ORANGE_ROLES = {"", "class", "c", "meta", "m", "ignore", "i", "weight", "w"}

__all__ = ["cell", "from_columns", "joined", "read_table"]


def from_columns(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns of any values as a table of texts and of lists of tokens.

    `attrs["strange"]` has, for each column with other cells, the row of the first of them (from
    0), their number and what it is.
    """
    return _from_pairs(list(columns.items()))


def _from_pairs(columns: Sequence[tuple[str, Sequence[Any]]]) -> pd.DataFrame:
    """As `from_columns`, of columns of which two may have one name."""
    series, strange = [], {}
    for name, values in columns:
        cells, found = column(values)
        lists = any(isinstance(value, list) for value in cells)
        series.append(pd.Series(cells, dtype="object" if lists else "str"))
        if found:
            strange[bare(name)] = list(found)
    table = pd.concat(series, axis=1) if series else pd.DataFrame()
    table.columns = pd.Index([name for name, _ in columns])
    if strange:
        table.attrs["strange"] = strange
    return table


def read_table(
    content: bytes, name: str, columns: Columns = None, quoting: Quoting = "auto"
) -> pd.DataFrame:
    """A table of texts from the content of a file, by the ending of its name.

    Args:
        content: the bytes of the file, compressed where the name ends in `.gz`.
        name: how messages call the file; its ending is one of `READERS`.
        columns: names of the columns of a file that has no header line.
        quoting: what a quote means in a file of delimited fields (`delimited.parse`).

    Returns:
        The rows; columns without a name in the header are left out. Names have no blanks around
        them.

    Raises:
        InputError: the format is unknown, the content is not of the format or not UTF-8, quotes
            swallow rows, a row has more or fewer fields than the first, or two columns have one
            name.
    """
    try:
        ending = ending_of(name)
        if name.lower().endswith(".gz"):
            content = gzip.decompress(content)
        if not content.strip():
            raise NotATable("the file is empty, expected a table")
        table = READERS[ending](content, columns, quoting)
    except (*UNREADABLE, NotATable, pa.ArrowException) as error:
        raise InputError(f"{name}: {explained(error)}") from None
    table = once_named(table, name)
    table.attrs["files"] = [[name, 0]]
    return table


def once_named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns that have a name, without blanks around it.

    Raises:
        InputError: two columns have one name.
    """
    attrs = table.attrs
    table = table.set_axis([bare(str(column)) for column in table.columns], axis=1)
    repeated = table.columns[table.columns.duplicated() & (table.columns != "")]
    if len(repeated):
        raise InputError(f"{name}: column '{shown(repeated[0])}' is named twice, expected once")
    table = table.loc[:, table.columns != ""]
    table.attrs = attrs
    return table


def joined(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of given splits as one, with the column `split`.

    `attrs["files"]` names each file with the number of its first row in the joined table.

    Raises:
        InputError: a table has a column `split` that names another split than its own.
    """
    files: list[list[Any]] = []
    strange: dict[str, list[Any]] = {}
    notes: list[str] = []
    lists: dict[str, bool] = {}
    first = 0
    for part, table in parts.items():
        _check_own_split(part, table)
        notes += table.attrs.get("notes", [])
        files += [[name, first + row] for name, row in table.attrs["files"]]
        for name, (row, count, what) in table.attrs.get("strange", {}).items():
            strange.setdefault(name, [first + row, count, what])
        for name, dtype in table.dtypes.items():
            is_list = not isinstance(dtype, pd.StringDtype)
            if lists.setdefault(str(name), is_list) != is_list:
                what = (
                    "a list, where other files hold texts" if is_list else "no list, as in others"
                )
                strange.setdefault(str(name), [first, len(table), what])
        first += len(table)
    whole = pd.concat(list(parts.values()), ignore_index=True, join="inner")
    whole["split"] = [name for name, part in parts.items() for _ in range(len(part))]
    for name in strange.keys() & set(whole):
        if not isinstance(whole[name].dtype, pd.StringDtype):
            whole[name] = pd.Series("", index=whole.index, dtype="str")
    held = {"files": files, "strange": strange, "notes": notes}
    whole.attrs = {key: value for key, value in held.items() if value}
    return whole


def _check_own_split(part: str, table: pd.DataFrame) -> None:
    if "split" not in table or not isinstance(table["split"].dtype, pd.StringDtype):
        return
    for row, value in enumerate(table["split"]):
        if part_of(value) not in (None, part):
            raise InputError(
                f"{table.attrs['files'][0][0]}: column 'split' holds '{shown(value)}' in row "
                f"{row + 1}, but the file is given as the {part} split; expected one file with "
                "all splits as 'path', or files without such a column"
            )


def _delimited(separator: str) -> Reader:
    """A reader of lines whose fields are separated by a character."""

    def read(content: bytes, columns: Columns, quoting: Quoting) -> pd.DataFrame:
        rows = delimited.parse(decoded(content), separator, quoting)
        return _framed(*delimited.with_names(rows, separator, columns))

    return read


def _framed(names: list[str], rows: list[list[str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=pd.Index(names), dtype="str")


def _plain(content: bytes, columns: Columns, quoting: Quoting) -> pd.DataFrame:
    """Fields separated by tabs, without header and, by default, without quotes."""
    if columns is None:
        raise NotATable(
            "a .txt file has no header, expected the option 'columns' to name its columns"
        )
    rows = delimited.parse(decoded(content), "\t", "none" if quoting == "auto" else quoting)
    return _framed(*delimited.with_names(rows, "\t", columns))


def _orange(content: bytes, columns: Columns, quoting: Quoting) -> pd.DataFrame:
    """A table of Orange: a line of names, one of types, one of roles, then the rows."""
    table = _delimited(SEPARATED[".tab"])(content, columns, quoting)
    # A role may have attributes behind it, as in "meta include=True".
    if len(table) < 2 or not {role.partition(" ")[0] for role in table.iloc[1]} <= ORANGE_ROLES:
        raise NotATable(
            "a .tab file is read as Orange's: names, types and roles in its first three lines; "
            "name an ordinary one .tsv"
        )
    rows = table.iloc[2:]
    return rows[(rows != "").any(axis=1)].reset_index(drop=True)  # without lines of separators


def _json_lines(content: bytes, columns: Columns, quoting: Quoting) -> pd.DataFrame:
    """One JSON object a line; a key that a line lacks is an empty cell."""
    rows = json_lines.parse(decoded(content))
    names = dict.fromkeys(name for row in rows for name in row)
    return from_columns({name: [row.get(name) for row in rows] for name in names})


def _parquet(content: bytes, columns: Columns, quoting: Quoting) -> pd.DataFrame:
    table = pq.ParquetFile(pa.BufferReader(content)).read()
    return _from_pairs(
        [
            (name, values_of(cells, name))
            for name, cells in zip(table.column_names, table.columns, strict=True)
        ]
    )


READERS: dict[str, Reader] = {
    ".csv": _delimited(SEPARATED[".csv"]),
    ".tsv": _delimited(SEPARATED[".tsv"]),
    ".txt": _plain,
    ".tab": _orange,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}
"""What reads the content of a file, by the ending of the file's name: one of `formats.ENDINGS`."""
