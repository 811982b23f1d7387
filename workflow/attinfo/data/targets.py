"""What a data set asks models to predict: the class of each text, or a number."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from attinfo.data.names import bare, near_identical, shown
from attinfo.data.raw_table import RawTable
from attinfo.runtime.errors import InputError, unknown

MOST_CLASSES = 20  # of which some have few texts
ENOUGH_TEXTS = 20  # of each class, with which there may be more classes
FEWEST_TEXTS = 10  # of a class


def numbers(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> pd.Series:
    """The numbers that are to be predicted, which differ."""
    numbers = pd.to_numeric(labels, errors="coerce").astype(np.float64)
    wrong = labels.index[~np.isfinite(numbers)]
    if len(wrong):
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds '{shown(labels[wrong[0]])}' in "
            f"{raw.place(wrong[0])}, expected a number ('output: number')"
        )
    if numbers.nunique() == 1:
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {numbers.iloc[0]:g} alone, expected "
            "numbers that differ ('output: number')"
        )
    if len(numbers) < FEWEST_TEXTS * 10:
        raise InputError(
            f"{raw.name}: {len(numbers)} texts have a number, expected {FEWEST_TEXTS * 10} or more"
        )
    return numbers


def class_names(labels: Iterable[str], options: Mapping[str, Any]) -> list[str]:
    """The classes in the order that the config names them, or else sorted."""
    return list(dict.fromkeys([*options["classes"].values(), *options["bands"]])) or sorted(
        set(labels)
    )


def note_merged(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> None:
    """Note labels that are one label because blanks around them do not count."""
    counts = labels.value_counts()
    spelt: dict[str, list[str]] = {}
    for label in sorted(counts.index):
        spelt.setdefault(bare(label), []).append(label)
    for name, labels_of in spelt.items():
        if len(labels_of) > 1:
            numbers = ", ".join(f"'{label}' ({counts[label]})" for label in labels_of)
            raw.note(
                f"column '{options['label']}': {numbers} are read as one label, '{name}': blanks "
                "around a label do not count"
            )


def classes(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> pd.Series:
    """The name of the class of each label; "" where a rating is in no band."""
    if options["bands"]:
        return _banded(raw, labels, options["bands"])
    if options["classes"]:
        known = {bare(label): name for label, name in options["classes"].items()}
        strange = sorted(set(labels) - set(known))
        if strange:
            wrong = unknown("class", shown(strange[0]), list(known))
            raise InputError(f"{raw.name}: label: {wrong}")
        return labels.map(known)
    return labels


def frequent(raw: RawTable, found: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of classes with `least_texts` texts or more."""
    if options["least_texts"] is None:
        return found
    counts = found["label"].value_counts()
    rare = counts[counts < options["least_texts"]]
    if len(rare):
        raw.note(
            f"{len(rare)} of {len(counts)} classes have fewer than {options['least_texts']} texts "
            f"(least_texts): their {rare.sum():,} texts are left out"
        )
    return found[~found["label"].isin(rare.index)]


def _banded(
    raw: RawTable, labels: pd.Series, bands: Mapping[str, tuple[float, float]]
) -> pd.Series:
    ratings = pd.to_numeric(labels, errors="coerce")
    wrong = labels.index[~np.isfinite(ratings)]
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


def check_classes(raw: RawTable, labels: pd.Series, options: Mapping[str, Any]) -> None:
    """Check the number of classes, their names and the texts of each.

    Raises:
        InputError: see `rows.labelled`.
    """
    counts = labels.value_counts().reindex(class_names(labels, options), fill_value=0)
    if (counts > 0).sum() < 2:
        only = f"only '{shown(str(counts.idxmax()))}'" if counts.any() else "no row at all"
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {only}, expected two or more classes"
        )
    if len(counts) > MOST_CLASSES and counts.min() < ENOUGH_TEXTS:
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {len(counts):,} classes, expected 2 "
            f"to {MOST_CLASSES}, or more of {ENOUGH_TEXTS} texts or more each ('least_texts' "
            "leaves out the others): is it the right column?"
        )
    if names := near_identical(counts.index):
        numbers = " and ".join(f"'{shown(name)}' ({counts[name]} rows)" for name in names)
        raise InputError(
            f"{raw.name}: column '{options['label']}' holds {numbers}, which differ only in how "
            "they are written; spell them alike, or give each its class under 'classes'"
        )
    if counts.min() < FEWEST_TEXTS:
        raise InputError(
            f"{raw.name}: class '{shown(str(counts.idxmin()))}' has {counts.min()} texts, expected "
            f"{FEWEST_TEXTS} or more"
        )
