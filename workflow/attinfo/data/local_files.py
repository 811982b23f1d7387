"""What can be seen of local files before a job starts: quickly, from the head of large files.

Called while the workflow is parsed, so only the standard library is imported, and pyarrow where a
file is Parquet. What only the whole file shows is found when it is read (`tables`, `rows`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attinfo.data import delimited, json_lines
from attinfo.data.cells import cell, strange
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.formats import JSON_LINES, SEPARATED, ending_of, head
from attinfo.data.names import bare, near_identical, part_of, shown
from attinfo.runtime.errors import InputError, unknown

HEAD = 1 << 20  # bytes that are read of a file
ROLES = ("path", "train", "dev", "test")  # options of the source `files` that name a file


def check_local_files(
    place: str,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None = None,
    columns: Collection[str] = (),
) -> None:
    """Check what can be seen of the local files of a source.

    Seen are existence, ending, compression, encoding, header, quoting, the columns that the
    config names, and, of the rows in the head: texts, labels, classes and splits.

    Args:
        place: the key of the config that names the source, for messages.
        source: a source with all its options, as plain values.
        dataset: the `sections.Dataset` that reads the source, as plain values.
        columns: the columns that a table needs which is no data set.

    Raises:
        InputError: one line with the key, the file, what was found and what was expected.
    """
    if source["name"] == "files":
        for role in ROLES:
            if source[role]:
                _check(place, source[role], source, dataset, columns)
    elif source["name"] == "huggingface" and Path(source["path"]).is_dir():
        _check_folder(place, Path(source["path"]))


def _check_folder(place: str, folder: Path) -> None:
    """A folder in the layout of the hub has files; quotes swallow no rows of its CSV and TSV."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InputError(f"config: {place}: '{folder}': the folder is empty, expected data files")
    for path in files:
        if path.suffix.lower() in (".csv", ".tsv"):
            try:
                _check(place, str(path), {}, None, ())
            except InputError as error:
                raise InputError(
                    f"{error} ('quoting' is an option of the source 'files')"
                ) from None


def _check(
    place: str,
    path: str,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    columns: Collection[str],
) -> None:
    try:
        _check_file(Path(path), source, dataset, columns)
    except NotATable as error:
        raise InputError(f"config: {place}: '{path}': {error}") from None


def _check_file(
    path: Path,
    source: Mapping[str, Any],
    dataset: Mapping[str, Any] | None,
    columns: Collection[str],
) -> None:
    if not path.is_file():
        raise NotATable(
            f"found {'a folder' if path.is_dir() else 'nothing there'}, expected a file"
        )
    ending = ending_of(path.name)
    needed = [("", column) for column in columns] + (_needed(dataset) if dataset else [])
    if ending == ".parquet":
        _check_parquet(path, needed)
        return
    content, whole = head(path, HEAD)
    if whole and not content.strip():
        raise NotATable("the file is empty, expected a table")
    text = decoded(content)
    rows: list[dict[str, Any]]
    if ending in JSON_LINES:
        rows = [{bare(key): v for key, v in row.items()} for row in json_lines.parse(text)]
        names = list(dict.fromkeys(name for row in rows for name in row))
    else:
        names, rows = _delimited(text, ending, source, whole)
    # A key may stand in later lines of JSON alone.
    if whole or ending not in JSON_LINES:
        _check_columns(names, needed)
    if dataset is not None:
        _check_rows(names, rows, dataset)


def _needed(dataset: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The columns that a data set names, with the key that names each."""
    found = [("text", dataset["text"]), ("label", dataset["label"])]
    found += [("where", column) for column in dataset["where"]]
    return found + [("split", column) for column in [dataset["split"]["column"]] if column]


def _check_columns(names: Collection[str], needed: Iterable[tuple[str, str]]) -> None:
    for role, column in needed:
        if column not in names:
            prefix = f"{role}: " if role else ""
            raise NotATable(f"{prefix}{unknown('column', column, list(map(shown, names)))}")


def _delimited(
    text: str, ending: str, source: Mapping[str, Any], whole: bool
) -> tuple[list[str], list[dict[str, Any]]]:
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
    held = [name for name in names if name]
    if twice := [name for name in held if held.count(name) > 1]:
        raise NotATable(f"column '{shown(twice[0])}' is named twice, expected once")
    rows = rows[2:] if ending == ".tab" else rows  # types and roles of Orange
    return held, [dict(zip(names, row, strict=True)) for row in rows]


def _check_parquet(path: Path, needed: Iterable[tuple[str, str]]) -> None:
    """The columns of a Parquet file and their types, from its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise NotATable(" ".join(str(error).split())) from None
    names = list(map(bare, schema.names))
    needed = list(needed)
    _check_columns(names, needed)
    for role, column in needed:
        kind = schema.types[names.index(column)]
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        texts = lists and any(
            check(kind.value_type) for check in (pa.types.is_string, pa.types.is_large_string)
        )
        objects = (pa.types.is_struct, pa.types.is_map, pa.types.is_binary)
        objects += (pa.types.is_large_binary, pa.types.is_fixed_size_binary)
        if (lists and not (texts and role == "text")) or any(check(kind) for check in objects):
            expected = "texts or lists of tokens" if role == "text" else "texts or numbers"
            raise NotATable(f"column '{column}' ({role}) is of type {kind}, expected {expected}")


def _check_rows(
    names: Collection[str],
    rows: Iterable[Mapping[str, Any]],
    dataset: Mapping[str, Any],
) -> None:
    kept = list(_kept(rows, dataset["where"]))
    labels = dict.fromkeys(_label(number, row, dataset) for number, row in kept)
    if not dataset["classes"] and not dataset["bands"] and (alike := near_identical(labels)):
        found = " and ".join(f"'{shown(name)}'" for name in alike)
        raise NotATable(
            f"column '{dataset['label']}' holds {found}, "
            "which differ only in how they are written; spell them alike, or give each its class "
            "under 'classes'"
        )
    column = dataset["split"]["column"]
    if column is None and "split" in names:
        values = {bare(cell(row.get("split"))) for _, row in kept}
        column = "split" if len(values) > 1 or any(map(part_of, values)) else None
    for number, row in kept if column else ():
        value = cell(row.get(column))
        if part_of(value) is None:
            raise NotATable(
                f"row {number}: column '{column}' holds '{shown(value)}', which names no split; "
                "rename it, or set 'split: {column: false}' if it does not mark splits"
            )


def _kept(
    rows: Iterable[Mapping[str, Any]], where: Mapping[str, Any]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows that `where` keeps, with their numbers from 1."""
    wanted = {column: set(map(bare, values)) for column, values in where.items()}
    for number, row in enumerate(rows, 1):
        if all(bare(cell(row.get(column))) in values for column, values in wanted.items()):
            yield number, row


def _label(number: int, row: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    """The label of a row whose text and label are fit."""
    for role in ("text", "label"):
        column = dataset[role]
        value = row.get(column)
        found = strange(value)
        if role == "label" and isinstance(value, list):
            found = "a list"
        if found:
            raise NotATable(f"row {number}: column '{column}' ({role}) holds {found}")
        if not value if isinstance(value, list) else not bare(cell(value)):
            raise NotATable(
                f"row {number}: column '{column}' is empty, expected a {role} in each row"
            )
    label = bare(cell(row.get(dataset["label"])))
    known = set(map(bare, dataset["classes"]))
    if known and label not in known:
        raise NotATable(f"row {number}: label: {unknown('class', shown(label), known)}")
    if dataset["bands"]:
        try:
            float(label)
        except ValueError:
            raise NotATable(
                f"row {number}: bands: the label is '{shown(label)}', expected a number"
            ) from None
    return label
