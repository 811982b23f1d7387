"""Quick checks of local files before a job starts. Of a large file only the head is read.

These checks run while the workflow is parsed. So this file imports only the standard library, and
pyarrow for Parquet files. Errors further down in a file are found when the whole file is read
(`tables`, `rows`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
import gzip
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from attinfo.data import delimited, json_lines
from attinfo.data.cells import cell, strange
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.formats import (
    JSON_LINES,
    SEPARATED,
    UNREADABLE,
    ending_of,
    explained,
    head,
    values_of,
)
from attinfo.data.names import (
    bare,
    is_written_object,
    look_like_splits,
    near_identical,
    part_of,
    shown,
    spellings,
)
from attinfo.runtime.errors import InputError, no_file, unknown

Row: TypeAlias = dict[str, Any]

HEAD = 1 << 19  # bytes that are read of a file
ROWS = 5000  # rows whose cells are checked
ROLES = ("path", "train", "dev", "test")  # options of the source `files` that name a file


def check_local_files(
    place: str,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None = None,
    columns: Collection[str] = (),
    numbers: Collection[str] = (),
) -> None:
    """Check what can be seen of the local files of a source.

    Seen are existence, ending, compression, encoding, header, quoting, the columns that the
    config names, and, of the rows in the head: texts, labels, classes and splits.

    Args:
        place: the key of the config that names the source, for messages.
        source: a source with all its options, as plain values.
        dataset: the `sections.Dataset` that reads the source, as plain values.
        columns: the columns of texts that a table needs which is no data set.
        numbers: those of numbers.

    Raises:
        InputError: one line with the key, the file, what was found and what was expected.
    """
    if source["name"] == "files" and source["layout"] != "table":
        _check_layout(place, source)
    elif source["name"] == "files":
        for role in ROLES:
            if source[role]:
                _check(place, source[role], source, dataset, columns, numbers)
    elif source["name"] == "huggingface" and Path(source["path"]).is_dir():
        _check_folder(place, Path(source["path"]))


def _check_layout(place: str, source: Mapping[str, Any]) -> None:
    """The files of a published layout are there."""
    if source["path"] is None:
        raise InputError(f"config: {place}: layout '{source['layout']}' needs 'path'")
    path = Path(source["path"])
    needed = [path / "train.jsonl", path / "test.jsonl"]
    if source["layout"] == "hatexplain":
        needed = [path, path.with_name("post_id_divisions.json")]
    for file in needed:
        if not file.is_file():
            raise InputError(
                f"config: {place}: '{path}': has no {file.name}, expected the layout of "
                f"{source['layout']}"
            )


def check_scores_file(place: str, path: str) -> None:
    """Check that a table of scores is there, and of a format that can be read.

    Args:
        place: the key of the config that names it, for messages.
        path: the file.

    Raises:
        InputError: one line with the key, the file, what was found and what was expected.
    """
    try:
        if not Path(path).is_file():
            raise NotATable(f"found {no_file(path)}, expected a table of scores")
        ending_of(path)
    except NotATable as error:
        raise InputError(f"config: {place}: '{path}': {error}") from None


def _check_folder(place: str, folder: Path) -> None:
    """A folder in the layout of the hub has files; quotes swallow no rows of its CSV and TSV."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InputError(f"config: {place}: '{folder}': the folder is empty, expected data files")
    for path in files:
        if path.suffix.lower() in (".csv", ".tsv"):
            try:
                _check(place, str(path), {}, None)
            except InputError as error:
                raise InputError(f"{error} ('quoting' is an option of source 'files')") from None


def _check(
    place: str,
    path: str,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    columns: Collection[str] = (),
    numbers: Collection[str] = (),
) -> None:
    try:
        _check_file(Path(path), source, dataset, columns, numbers)
    except NotATable as error:
        raise InputError(f"config: {place}: '{path}': {error}") from None


def _check_file(
    path: Path,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    columns: Collection[str],
    numbers: Collection[str],
) -> None:
    if not path.is_file():
        raise NotATable(
            f"found {'a folder' if path.is_dir() else 'nothing there'}, expected a file"
        )
    ending = ending_of(path.name)
    needed = (
        needed_columns(dataset) if dataset else [("", column) for column in (*columns, *numbers)]
    )
    rows: list[Row]
    if ending == ".parquet":
        names, rows, whole = _parquet(path, {"split", *(column for _, column in needed)})
    else:
        content, whole = head(path, HEAD)
        if whole and not content.strip():
            raise NotATable("the file is empty, expected a table")
        text = decoded(content)
        if ending in JSON_LINES:
            rows = [{bare(key): v for key, v in row.items()} for row in json_lines.parse(text)]
            names = list(dict.fromkeys(name for row in rows for name in row))
        else:
            names, rows = _delimited(text, ending, source, whole)
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise NotATable(f"column '{shown(twice[0])}' is named twice, expected once")
    # A key may stand in later lines of JSON alone.
    if whole or ending not in JSON_LINES:
        _check_columns(names, needed)
    whole = whole and len(rows) <= ROWS
    rows = rows[:ROWS]
    for column in (*columns, *numbers):
        numbered = list(enumerate(rows, 1))
        _check_cells(numbered, column, column, whole)
        if column in numbers:
            _check_numbers(numbered, column)
    if dataset is not None:
        kept = _check_rows(rows, dataset, whole)
        if source["path"]:  # else each file is a split
            _check_splits(names, kept, dataset, whole)


def needed_columns(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns that a data set names, with the key that names each."""
    found = [("text", dataset["text"]), ("label", dataset["label"])]
    found += [("group", column) for column in [dataset["group"]] if column]
    found += [("query", column) for column in [dataset["query"]] if column]
    found += [("rationale", own["column"]) for own in [dataset["rationale"]] if own]
    found += [("where", column) for column in dataset["where"]]
    return found + [("split", column) for column in [dataset["split"]["column"]] if column]


def _check_columns(names: Collection[str], needed: Iterable[tuple[str, str]]) -> None:
    for role, column in needed:
        if column not in names:
            prefix = f"{role}: " if role else ""
            raise NotATable(f"{prefix}{unknown('column', column, list(map(shown, names)))}")


def _delimited(
    text: str, ending: str, source: Mapping[str, Any], whole: bool
) -> tuple[list[str], list[Row]]:
    columns, quoting = source.get("columns"), source.get("quoting", "auto")
    if ending == ".txt":
        quoting = "none" if quoting == "auto" else quoting
        if columns is None:
            raise NotATable(
                "a .txt file has no header, expected the option 'columns' to name its columns"
            )
    separator = SEPARATED[ending]
    rows = delimited.parse(text, separator, quoting, whole=whole)
    names, rows = delimited.with_names(rows, separator, columns)
    rows = rows[2:] if ending == ".tab" else rows  # types and roles of Orange
    return names, [dict(zip(names, row, strict=True)) for row in rows]


def _parquet(path: Path, needed: Collection[str]) -> tuple[list[str], list[Row], bool]:
    """The names of the columns, the first rows of the needed ones, and whether these are all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        packed = path.name.lower().endswith(".gz")
        content = pa.BufferReader(gzip.decompress(path.read_bytes())) if packed else path
        with pq.ParquetFile(content) as file:
            names = file.schema_arrow.names
            columns = [name for name in names if bare(name) in needed]
            batch = next(file.iter_batches(ROWS, columns=columns), None) if columns else None
            cells = [] if batch is None else batch.columns
            columns = [] if batch is None else batch.schema.names
            values = [values_of(of, name) for of, name in zip(cells, columns, strict=True)]
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
            whole = len(rows) == file.metadata.num_rows
    except (pa.ArrowException, *UNREADABLE) as error:
        raise NotATable(explained(error)) from None
    return list(map(bare, names)), [{bare(k): v for k, v in row.items()} for row in rows], whole


def _check_rows(rows: list[Row], dataset: Mapping[str, Any], whole: bool) -> list[tuple[int, Row]]:
    """The rows that `where` keeps, whose texts and labels are fit."""
    kept = list(_kept(rows, dataset["where"]))
    for role in ("text", "label", *(role for role in ("query", "group") if dataset[role])):
        _check_cells(kept, role, dataset[role], whole)
    labels = [bare(cell(row[dataset["label"]])) for _, row in kept]
    _check_labels(kept, labels, dataset)
    named = dataset["classes"] or dataset["bands"] or dataset["output"] == "number"
    if not named and (alike := near_identical(labels)):
        found = " and ".join(f"'{shown(name)}'" for name in alike)
        raise NotATable(
            f"column '{dataset['label']}' holds {found}, which differ only in how they are "
            "written; spell them alike, or give each its class under 'classes'"
        )
    return kept


def _kept(rows: Iterable[Row], where: Mapping[str, Any]) -> Iterator[tuple[int, Row]]:
    """The rows that `where` keeps, with their numbers from 1."""
    wanted = {column: set(map(bare, values)) for column, values in where.items()}
    for number, row in enumerate(rows, 1):
        if all(bare(cell(row.get(column))) in values for column, values in wanted.items()):
            yield number, row


def _check_cells(kept: list[tuple[int, Row]], role: str, column: str, whole: bool) -> None:
    """Every cell of a column is a text or, in that of the text, a list of tokens; none is empty."""
    expected = "a text or a list of tokens" if role == "text" else "a text or a number"
    empty = []
    for number, row in kept:
        value = row.setdefault(column, None)
        found = strange(value)
        if found is None and role != "text" and isinstance(value, list):
            found = "a list"
        if role == "label" and isinstance(value, str) and is_written_object(value):
            found = f"{shown(value)}, a Python object written as a text"
        if found:
            raise NotATable(
                f"column '{column}' ({role}): row {number} holds {found}, expected {expected} in "
                "each"
            )
        if not value if isinstance(value, list) else not bare(cell(value)):
            empty.append(number)
    if empty:
        rows = f"{len(kept):,} rows" if whole else f"the first {len(kept):,} rows"
        raise NotATable(
            f"column '{column}' is empty in {len(empty):,} of {rows} (first: row {empty[0]}), "
            f"expected a {role} in each"
        )


def _check_numbers(kept: list[tuple[int, Row]], column: str) -> None:
    for number, row in kept:
        if not _is_number(cell(row[column])):
            raise NotATable(
                f"row {number}: column '{column}' holds '{shown(cell(row[column]))}', expected a "
                "number"
            )


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _check_labels(
    kept: list[tuple[int, Row]], labels: list[str], dataset: Mapping[str, Any]
) -> None:
    """Every label is of a class, or a number where ratings become classes."""
    known = set(map(bare, dataset["classes"]))
    for (number, _), label in zip(kept, labels, strict=True):
        if known and label not in known:
            raise NotATable(f"row {number}: label: {unknown('class', shown(label), known)}")
        if dataset["bands"] and not _is_number(label):
            raise NotATable(
                f"row {number}: bands: the label is '{shown(label)}', expected a number"
            )


def _check_splits(
    names: Collection[str],
    kept: list[tuple[int, Row]],
    dataset: Mapping[str, Any],
    whole: bool,
) -> None:
    """The split of each row has a known name; no other column looks like splits."""
    column = dataset["split"]["column"]
    cells = {name: {cell(row.get(name)) for _, row in kept} for name in names}
    if column is None and len(cells.get("split", ())) > 1:
        column = "split"
    for number, row in kept if column else ():
        value = cell(row.get(column))
        if part_of(value) is None:
            raise NotATable(
                f"row {number}: column '{column}' holds '{shown(value)}', which names no split "
                f"({spellings()}); rename it, or set 'split: {{column: false}}' if it does not "
                "mark splits"
            )
    if column is not None or "split" in names or not whole:
        return
    used = {name for _, name in needed_columns(dataset)}
    for name, values in cells.items():
        if name not in used and look_like_splits(values):
            raise NotATable(
                f"column '{name}' holds the names of splits ({', '.join(sorted(values))}); set "
                f"'split: {{column: {name}}}', or 'split: {{column: false}}' if it does not mark "
                "splits"
            )
