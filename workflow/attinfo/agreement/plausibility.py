"""Plausibility by a lexicon: how well measures find the words that people rated.

A plausible measure ranks the rated words of a text first. Plausibility is not faithfulness: a model
may use other words (Jacovi & Goldberg 2020).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import nan_in_text
from attinfo.agreement.pairs import sorted_within, text_of
from attinfo.agreement.ranks import average_ranks, is_constant
from attinfo.data.texts import read_arrow
from attinfo.runtime.errors import InputError


def rated_words(
    table: pd.DataFrame,
    least: float,
    name: str,
    word: str = "word",
    value: str = "value",
    middle: float = 0.0,
) -> set[str]:
    """The words of a lexicon whose rating is `least` or more away from the middle, in lower case.

    Args:
        table: of strings. Words that differ in case only are one word, with the mean of their
            ratings.
        least: the smallest distance of a rated word.
        name: of the lexicon, for messages.
        word, value: names of the columns.
        middle: rating of a neutral word.

    Raises:
        InputError: a column is missing, a row has no word or a rating that is not a number, or no
            word has such a rating.
    """
    for column in (word, value):
        if column not in table:
            raise InputError(
                f"yardsticks.{name}: has the columns {', '.join(map(str, table))}, "
                f"expected '{column}' among them"
            )
    values = pd.to_numeric(table[value], errors="coerce")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(
            f"yardsticks.{name}: row {row + 1} ('{table[word].iloc[row]}') has the value "
            f"{table[value].iloc[row]!r}, expected a number"
        )
    words = table[word].str.strip().str.lower()
    if (words == "").any():
        row = int(np.flatnonzero(words == "")[0])
        raise InputError(f"yardsticks.{name}: row {row + 1} has no word, expected one in each row")
    means = (values - middle).groupby(words).mean()
    rated = set(means.index[means.abs() >= least])
    if not rated:
        raise InputError(
            f"yardsticks.{name}: none of its {len(means)} words has a value of {least:g} or more, "
            "whatever the sign; expected one or more, or another 'least'"
        )
    return rated


def read_rated(
    data: str | Path, split: str, table: pd.DataFrame, name: str, least: float, **columns: Any
) -> np.ndarray:
    """[tokens] bool: whether a lexicon rates the word of each token of a prepared split.

    Args:
        data: the folder of the prepared data set.
        split: `train`, `dev` or `test`.
        table, name, least, columns: of `rated_words`, which says what is refused.
    """
    words = rated_words(table, least, name, **columns)
    texts = read_arrow(data, split)
    starts, ends = texts["starts"].to_pylist(), texts["ends"].to_pylist()
    return np.array(
        [
            text[a:b].lower() in words
            for text, *spans in zip(texts["text"].to_pylist(), starts, ends, strict=True)
            for a, b in zip(*spans, strict=True)
        ]
    )


def average_precision(values: np.ndarray, rated: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] average precision of finding the rated tokens from the top of a ranking.

    Average precision is the mean, over the rated tokens, of the share of rated tokens among those
    ranked as high or higher. Tied tokens are taken in random order, and the expectation is
    returned; if all values are equal, it is that of a random ranking. NaN where no token is rated,
    all are, or a value is NaN.

    Args:
        values: [tokens], the larger the higher in the ranking.
        rated: [tokens] bool.
        offsets: [texts + 1].

    Reference: McSherry & Najork 2008, "Computing information retrieval performance measures
    efficiently in the presence of tied scores".
    """
    text = text_of(offsets)
    descending = sorted_within(-values, offsets)
    own, hit = values[descending], rated[descending].astype(np.int64)
    begins = (np.diff(own, prepend=own[:1]) != 0) | (np.diff(text, prepend=-1) != 0)
    first, group = np.flatnonzero(begins), np.cumsum(begins) - 1  # tied tokens of a text
    size, hits = np.bincount(group), np.bincount(group, hit)
    found = np.cumsum(hit) - hit  # in earlier texts too
    above = found[first] - found[offsets[:-1]][text[first]]
    # Given a rated token at a place of its group, each earlier place of the group has another
    # rated token with the probability `others`.
    others = (hits - 1) / np.maximum(size - 1, 1)
    earlier = np.arange(len(own)) - first[group]
    place = np.arange(len(own)) - offsets[:-1][text] + 1
    gained = (hits / size)[group] * (above[group] + 1 + earlier * others[group]) / place
    total = np.add.reduceat(rated.astype(np.int64), offsets[:-1])
    defined = (total > 0) & (total < np.diff(offsets)) & ~nan_in_text(values, offsets)
    sums = np.bincount(text, gained, minlength=len(total))
    return np.where(defined, sums / np.maximum(total, 1), np.nan)


def roc_auc(values: np.ndarray, rated: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] probability that a rated token has a larger value than another; ties count half."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    ranks = np.add.reduceat(average_ranks(values, offsets) * rated, starts)
    total = np.add.reduceat(rated.astype(np.int64), starts)
    pairs = total * (lengths - total)
    defined = (pairs > 0) & ~nan_in_text(values, offsets)
    area = (ranks - total * (total + 1) / 2) / np.maximum(pairs, 1)
    return np.where(defined, area, np.nan)


def plausible_by_text(
    measures: Mapping[str, np.ndarray], rated: np.ndarray, offsets: np.ndarray
) -> dict[str, np.ndarray]:
    """How well each measure finds the rated tokens of each text.

    Args:
        measures: name -> [tokens].
        rated: [tokens] bool.
        offsets: [texts + 1].

    Returns:
        [texts] each. `rated`: the number of rated tokens. `ap_chance`: the expected average
        precision of a random order, which is above the share of rated tokens, most where they are
        few (Bestgen 2015). `ap_lift:<measure>`: average precision less `ap_chance`.
        `auc:<measure>`: ROC AUC, 1/2 by chance. NaN where no token is rated, all are, or the
        measure is constant.

    Reference: Bestgen 2015, "Exact expected average precision of the random baseline for system
    evaluation".
    """
    chance = average_precision(np.zeros(offsets[-1]), rated, offsets)
    columns = {"rated": np.add.reduceat(rated.astype(np.int64), offsets[:-1]), "ap_chance": chance}
    for name, values in measures.items():
        constant = is_constant(values, offsets)
        precision = np.where(constant, np.nan, average_precision(values, rated, offsets))
        columns[f"ap_lift:{name}"] = precision - chance
        columns[f"auc:{name}"] = np.where(constant, np.nan, roc_auc(values, rated, offsets))
    return columns
