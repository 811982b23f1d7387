"""The rows of a raw table that a data set is made of, as texts with a class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from attinfo.data.local_files import needed_columns
from attinfo.data.names import (
    bare,
    is_written_object,
    look_like_splits,
    part_of,
    shown,
    spellings,
    text_key,
)
from attinfo.data.raw_table import RawTable
from attinfo.data.splits import named
from attinfo.data.targets import check_classes, classes, frequent, note_merged, numbers
from attinfo.data.tokenization import join
from attinfo.runtime.errors import InputError, unknown

LONGEST_TEXT = 1_000_000  # characters; a longer one is a mistake of the file
SPLIT_NAMES = {"split", "splits", "partition", "subset", "set", "fold", "folds", "data_split"}
NO_SPLITS = "'split: {column: false}' if it does not mark splits"


def labelled(raw: RawTable, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that a data set is made of.

    Args:
        raw: the table as its source brought it; lines that the user must see are added to its
            notes.
        options: a `sections.Dataset` as plain values.

    Returns:
        The columns `text`, `label` (name of the class), `split` (train, dev or test; all train
        where no splits are given) and, where there are any, `query`, `tokens` (the given tokens of
        each text), `group` (int32 number of the group of each text), `marks` (the cells of the
        column of rationales), `value` (the number to predict; `label` is then the tenth of the
        texts that it is in) and `decisive`; the index holds the row numbers in the raw table.

    Raises:
        InputError: a column is missing or holds neither texts nor token lists, a text, label, query
            or group is empty, a text absurdly long, a label is of no class, two labels are
            near-identical, a split unknown or in a column that the config does not name, there
            are fewer than 2 classes, more than 20 of which one has fewer than 20 texts, or fewer
            than ten texts of one.
    """
    table = _where(raw, options)
    found = table[[options["text"], options["label"]]].set_axis(["text", "label"], axis=1)
    if not isinstance(found["text"].dtype, pd.StringDtype):
        found["tokens"] = [[] if tokens is None else list(tokens) for tokens in found["text"]]
        found["text"] = found["tokens"].map(join).astype("str")
    found["label"] = found["label"].map(bare)
    if options["group"]:
        found["group"] = table[options["group"]].map(bare)
    found["split"] = _splits(raw, table, options)
    if options["query"]:
        found["query"] = table[options["query"]]
    if options["rationale"]:
        found["marks"] = table[options["rationale"]["column"]]
    if "decisive" in table and _are_spans(table["decisive"]):
        found["decisive"] = table["decisive"]
    _check_texts(raw, found, options)
    if options["output"] == "number":
        found = _once(raw, found, options)
        found["value"] = numbers(raw, found["label"], options)
        # Tenths of the texts by their number, in which splits are stratified.
        order = found["value"].rank(method="first")
        found["label"] = ((order - 1) * 10 // len(found)).astype(int).astype("str")
    else:
        note_merged(raw, table[options["label"]], options)
        found["label"] = classes(raw, found["label"], options)
        found = _once(raw, found[found["label"] != ""], options)
        found = frequent(raw, found, options)
        check_classes(raw, found["label"], options)
    if "group" in found:
        found["group"] = pd.factorize(found["group"])[0].astype(np.int32)
    return found


def _once(raw: RawTable, found: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows without those that `drop_repeats` leaves out.

    Of given splits the test split keeps its text, so that it stays the published one.
    """
    if not options["drop_repeats"]:
        return found
    keys = found["text"].map(text_key)
    if "query" in found:
        keys = keys + "\0" + found["query"].map(text_key)
    order = found["split"].map({"test": 0, "dev": 1, "train": 2}).sort_values(kind="stable").index
    repeats = keys[order].duplicated()[found.index]
    if count := int(repeats.sum()):
        label = found["label"][order].groupby(keys[order], sort=False).transform("first")
        other = int((label[found.index] != found["label"])[repeats].sum())
        raw.note(
            f"{count:,} of {len(found):,} texts repeat another one (drop_repeats) and are left "
            f"out, {other:,} of them with another label"
        )
    return found[~repeats].copy()


def _where(raw: RawTable, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows kept by `where`, once all columns that the config names are found."""
    if options["text"] == options["label"]:
        raise InputError(f"{raw.name}: column '{options['text']}' is named as both text and label")
    table, names = raw.table, list(map(str, raw.table))
    for role, column in needed_columns(options):
        if column not in table:
            raise InputError(
                f"{raw.name}: {role}: {unknown('column', column, list(map(shown, names)))}"
            )
        if role != "rationale":
            _check_kind(raw, role, column)
    if raw.table.empty:
        raise InputError(f"{raw.name}: the table has no row, expected two or more classes")
    for column, values in options["where"].items():
        wanted = {bare(value) for value in ([values] if isinstance(values, str) else values)}
        cells = raw.table[column].map(bare)
        if absent := sorted(wanted - set(cells)):
            held = sorted(set(cells))
            found = ", ".join(f"'{shown(value)}'" for value in held[:5])
            more = f" and {len(held) - 5:,} others" if len(held) > 5 else ""
            raise InputError(
                f"{raw.name}: where keeps no row for '{shown(absent[0])}': column '{column}' holds "
                f"{found}{more}"
            )
        table = table[cells[table.index].isin(wanted)]
    if table.empty:
        raise InputError(f"{raw.name}: where keeps no row, expected two or more classes")
    return table


def _check_kind(raw: RawTable, role: str, column: str) -> None:
    """A column holds texts; that of the text may hold lists of tokens."""
    expected = "a text or a list of tokens" if role == "text" else "a text or a number"
    if strange := raw.table.attrs.get("strange", {}).get(column):
        row, count, what = strange
        raise InputError(
            f"{raw.name}: column '{column}' ({role}): {raw.place(row)} holds {what}, expected "
            f"{expected} in each ({count} of {len(raw.table)} rows are not)"
        )
    values = raw.table[column]
    if isinstance(values.dtype, pd.StringDtype):
        written = values.index[values.map(is_written_object).astype(bool)]
        if len(written) > (len(values) / 2 if role == "text" else 0):
            raise InputError(
                f"{raw.name}: column '{column}' ({role}): {raw.place(written[0])} holds "
                f"{shown(values[written[0]])}, a Python object written as a text, in "
                f"{len(written)} of {len(values)} rows; expected {expected}: save lists and bytes "
                "as JSON lines or Parquet"
            )
    elif role != "text":
        row = int(values.index[values.notna()][0])
        raise InputError(
            f"{raw.name}: column '{column}' ({role}): {raw.place(row)} holds a list, expected "
            f"{expected}"
        )


def _are_spans(values: pd.Series) -> bool:
    """Whether a column has the [start, end) characters that a source knows to be decisive."""
    if isinstance(values.dtype, pd.StringDtype):
        return False
    first = next((cell[0] for cell in values if cell is not None and len(cell)), None)
    return first is not None and not isinstance(first, str)


def _splits(raw: RawTable, table: pd.DataFrame, options: Mapping[str, Any]) -> Any:
    """[n] the split of each row; `train` for all where none are given."""
    column = options["split"]["column"]
    if column is False:
        return "train"
    if column is None and "split" in table:
        _check_kind(raw, "split", "split")
        values = set(table["split"])
        # One value for all rows splits nothing, whatever it means.
        column = None if len(values) == 1 and part_of(min(values)) is None else "split"
    if column is not None:
        try:
            return named(table[column].to_numpy())
        except InputError as error:
            raise InputError(
                f"{raw.name}: column '{column}': {error}; rename it, or set {NO_SPLITS}"
            ) from None
    used = {column for _, column in needed_columns(options)}
    for other, cells in table.items():
        if other not in used and isinstance(cells.dtype, pd.StringDtype):
            _check_no_split(raw, str(other), set(cells))
    return "train"


def _check_no_split(raw: RawTable, column: str, values: set[str]) -> None:
    """A column that the config does not name does not look like given splits."""
    if look_like_splits(values):
        raise InputError(
            f"{raw.name}: column '{column}' holds the names of splits "
            f"({', '.join(sorted(values))}); set 'split: {{column: {column}}}', or {NO_SPLITS}"
        )
    if column.lower() in SPLIT_NAMES:
        raw.note(
            f"column '{column}' is not used: it holds '{shown(min(values))}', which names no "
            f"split ({spellings()})"
        )


def _check_texts(raw: RawTable, table: pd.DataFrame, options: Mapping[str, Any]) -> None:
    """Every row has a text, a label and, where one is named, a group; no text is absurdly long."""
    for role in ("text", "label", *(role for role in ("query", "group") if role in table)):
        empty = table.index[table[role].map(bare) == ""]
        if len(empty):
            raise InputError(
                f"{raw.name}: column '{options[role]}' is empty in {len(empty)} of {len(table)} "
                f"rows (first: {raw.place(empty[0])}), expected a {role} in each"
            )
    lengths = table["text"].str.len()
    long = table.index[lengths > LONGEST_TEXT]
    if len(long):
        raise InputError(
            f"{raw.name}: the text of {raw.place(long[0])} has {lengths[long[0]]:,} characters, "
            f"expected at most {LONGEST_TEXT:,}; is a quote left open?"
        )
