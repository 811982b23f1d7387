"""Do measures find the words that people find telling? Apart from what tells the model.

A human yardstick rates words; in a text the rated ones should come first. That is plausibility
and no more: a model may well look elsewhere (Jacovi & Goldberg 2020).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import nan_in_text
from attinfo.agreement.pairs import text_of
from attinfo.agreement.ranks import average_ranks, is_constant
from attinfo.data.texts import read_arrow
from attinfo.errors import InputError


def rated_words(table: pd.DataFrame, least: float, name: str) -> set[str]:
    """The words, in lower case, that a yardstick rates at `least` or more, whatever the sign.

    Args:
        table: with the columns `word` and `value`, as texts; a word that stands there several
            times, in other letters' case, has the mean of its values.
        least: of the size of the value.
        name: of the yardstick, for messages.

    Raises:
        InputError: a column is missing, or a value is no number.
    """
    for column in ("word", "value"):
        if column not in table:
            raise InputError(
                f"yardsticks.{name}: has the columns {', '.join(map(str, table))}, "
                f"expected '{column}' among them"
            )
    values = pd.to_numeric(table["value"], errors="coerce")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(
            f"yardsticks.{name}: row {row + 1} ('{table['word'].iloc[row]}') has the value "
            f"{table['value'].iloc[row]!r}, expected a number"
        )
    means = values.groupby(table["word"].str.lower()).mean()
    return set(means.index[means.abs() >= least])


def read_rated(
    data: str | Path, split: str, table: pd.DataFrame, name: str, least: float
) -> np.ndarray:
    """[tokens] bool: whether a yardstick rates the word, for the tokens of a prepared split.

    See `rated_words` for the arguments and what is refused.
    """
    words = rated_words(table, least, name)
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

    The sum over values of the precision at that value times the share of the rated tokens that
    have it: tied tokens come together. NaN where no token is rated or all are.
    """
    text = text_of(offsets)
    descending = np.lexsort((-values, text))
    own, hit = values[descending], rated[descending]
    last = np.flatnonzero(np.append((np.diff(own) != 0) | (np.diff(text) != 0), True))
    found = np.cumsum(hit)
    before = np.append(0, found)[offsets[:-1]]  # in earlier texts
    hits = found[last] - before[text[last]]
    precision = hits / (last + 1 - offsets[:-1][text[last]])
    first_of_text = np.diff(text[last], prepend=-1) != 0
    gained = np.where(first_of_text, hits, np.diff(hits, prepend=0))
    total = np.add.reduceat(rated.astype(np.int64), offsets[:-1])
    sums = np.bincount(text[last], precision * gained, minlength=len(total))
    defined = (total > 0) & (total < np.diff(offsets)) & ~nan_in_text(values, offsets)
    return np.where(defined, sums / np.maximum(total, 1), np.nan)


def roc_auc(values: np.ndarray, rated: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] chance that a rated token has the larger value than one that is not, ties as half."""
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
    """[texts] columns: how well each measure finds the rated tokens of each text.

    `ap:<measure>` less `ap_chance`, the share of rated tokens, is `ap_lift:<measure>`;
    `auc:<measure>`. NaN in a text of which no token is rated or all are, or where the measure is
    constant; `rated`, their number, tells.
    """
    total = np.add.reduceat(rated.astype(np.int64), offsets[:-1])
    chance = total / np.diff(offsets)
    columns: dict[str, np.ndarray] = {"rated": total}
    for name, values in measures.items():
        constant = is_constant(values, offsets)
        precision = np.where(constant, np.nan, average_precision(values, rated, offsets))
        columns[f"ap_lift:{name}"] = precision - chance
        columns[f"auc:{name}"] = np.where(constant, np.nan, roc_auc(values, rated, offsets))
    return columns
