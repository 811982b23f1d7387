"""The rows of a raw table that a data set is made of, as texts with a class."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attinfo.data.splits import SPELLINGS, named
from attinfo.data.tables import shown
from attinfo.runtime.errors import InputError, unknown

MOST_CLASSES = 20
FEWEST_TEXTS = 10  # of a class
LONGEST_TEXT = 1_000_000  # characters; a longer one is a mistake of the file


class RawTable:
    """A raw table, and how messages call it and its rows."""

    def __init__(self, path: Path) -> None:
        """Read a table that a source has brought, from a Parquet file."""
        self.table = pd.read_parquet(path)
        self.files: list[tuple[str, int]] = self.table.attrs.get("files", [[path.stem, 0]])
        self.name = " + ".join(dict.fromkeys(name for name, _ in self.files))

    def place(self, row: int) -> str:
        """Where a row of the table stands in the files that it came from."""
        name, first = max((file for file in self.files if file[1] <= row), key=lambda f: f[1])
        number = f"row {row - first + 1}"
        return number if len(self.files) == 1 else f"{number} of {name}"


def labelled(raw: RawTable, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows that a data set is made of.

    Args:
        raw: the table as its source brought it.
        options: a `sections.Dataset` as plain values.

    Returns:
        The columns `text`, `label` (name of the class), `split` (train, dev or test; all train
        where no splits are given) and, if the source has it, `decisive`; the index holds the row
        numbers in the raw table.

    Raises:
        InputError: a column is missing, a text or label is empty, a text absurdly long, a label
            is of no class, a split unknown, there are fewer than 2 or more than 20 classes, or
            fewer than ten texts of one.
    """
    table = _where(raw, options)
    found = table[[options["text"], options["label"]]].set_axis(["text", "label"], axis=1)
    if options["split"]["column"] or _has_splits(table):
        found["split"] = _named(raw, table[options["split"]["column"] or "split"])
    else:
        found["split"] = "train"
    if "decisive" in table and not isinstance(table["decisive"].dtype, pd.StringDtype):
        found["decisive"] = table["decisive"]
    _check_texts(raw, found, options)
    found["label"] = _classes(raw, found["label"], options)
    found = found[found["label"] != ""]
    _check_classes(raw, found["label"], options)
    return found


def class_names(labels: pd.Series, options: Mapping[str, Any]) -> list[str]:
    """The classes in the order that the config names them, or else sorted."""
    return list(dict.fromkeys([*options["classes"].values(), *options["bands"]])) or sorted(
        set(labels)
    )


def _where(raw: RawTable, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows kept by `where`, once all columns that the config names are found."""
    if options["text"] == options["label"]:
        raise InputError(f"{raw.name}: column '{options['text']}' is named as both text and label")
    columns = [("text", options["text"]), ("label", options["label"])]
    columns += [("where", column) for column in options["where"]]
    columns += [("split", column) for column in [options["split"]["column"]] if column]
    table = raw.table
    for role, column in columns:
        if column not in table:
            raise InputError(
                f"{raw.name}: {role}: {unknown('column', column, list(map(shown, table)))}"
            )
    for column, values in options["where"].items():
        table = table[table[column].isin([values] if isinstance(values, str) else list(values))]
    if table.empty:
        who = "where keeps" if len(raw.table) else "the table has"
        raise InputError(f"{raw.name}: {who} no row, expected two or more classes")
    return table


def _has_splits(table: pd.DataFrame) -> bool:
    """Whether a column `split` is of our kind, not just some column of that name."""
    return "split" in table and bool(table["split"].str.strip().str.lower().isin(SPELLINGS).any())


def _named(raw: RawTable, splits: pd.Series) -> np.ndarray:
    try:
        return named(splits.to_numpy())
    except InputError as error:
        raise InputError(f"{raw.name}: column '{splits.name}': {error}") from None


def _check_texts(raw: RawTable, table: pd.DataFrame, options: Mapping[str, Any]) -> None:
    """Every row has a text and a label, of a length that can be."""
    for role in ("text", "label"):
        empty = table.index[table[role].str.strip() == ""]
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


def _classes(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> pd.Series:
    """The name of the class of each label; "" where a rating is in no band."""
    if options["bands"]:
        return _banded(raw, labels, options["bands"])
    if options["classes"]:
        strange = sorted(set(labels) - set(options["classes"]))
        if strange:
            wrong = unknown("class", shown(strange[0]), list(options["classes"]))
            raise InputError(f"{raw.name}: label: {wrong}")
        return labels.map(options["classes"])
    return labels


def _banded(
    raw: RawTable, labels: pd.Series, bands: Mapping[str, tuple[float, float]]
) -> pd.Series:
    ratings = pd.to_numeric(labels, errors="coerce")
    wrong = labels.index[ratings.isna()]
    if len(wrong):
        first = wrong[0]
        raise InputError(
            f"{raw.name}: bands: the label of {raw.place(first)} is '{shown(labels[first])}', "
            "expected a number"
        )
    names = pd.Series("", index=labels.index, dtype="str")
    for name, (low, high) in bands.items():
        inside = ratings.between(low, high)
        twice = labels.index[inside & (names != "")]
        if len(twice):
            raise InputError(
                f"{raw.name}: bands: {labels[twice[0]]} is in '{names[twice[0]]}' and '{name}', "
                "expected one of them"
            )
        names[inside] = name
    return names


def _check_classes(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> None:
    counts = labels.value_counts().reindex(class_names(labels, options), fill_value=0)
    if (counts > 0).sum() < 2:
        only = f"only '{shown(counts.idxmax())}'" if counts.any() else "no row at all"
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {only}, expected two or more classes"
        )
    if len(counts) > MOST_CLASSES:
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {len(counts):,} classes, expected 2 "
            f"to {MOST_CLASSES}: is it the right column?"
        )
    if counts.min() < FEWEST_TEXTS:
        raise InputError(
            f"{raw.name}: class '{shown(counts.idxmin())}' has {counts.min()} texts, expected "
            f"{FEWEST_TEXTS} or more"
        )
