"""The change of the prediction when the words that an order puts first are removed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from attinfo.audit.erasure import WordEraser
from attinfo.audit.names import BEST, RANDOM, WORST
from attinfo.audit.progress import progress
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.data.batches import batches
from attinfo.explain.beam import bounds
from attinfo.explain.faithfulness import (
    BOUNDED,
    KINDS,
    TEXTS,
    erased,
    padded_values,
    random_keys,
    ranks,
    top_sizes,
)


def removed(
    eraser: WordEraser,
    orderings: Mapping[str, np.ndarray],
    chosen: np.ndarray,
    options: Faithfulness,
    kinds: Sequence[str] = KINDS,
) -> pd.DataFrame:
    """Compute the AOPC of orders of words: the mean fall of the probability over shares of words.

    Args:
        eraser: the model and all texts.
        orderings: name -> [words] values; words with high values come first, ties at random.
        chosen: indices of the texts, which have two words or more.
        options: the section `faithfulness` of the config; `texts` is not used.
        kinds: `comprehensiveness` (top words are removed), `sufficiency` (all others are).

    Returns:
        A row for each text, ordering and kind: `text`, `ordering`, `kind`, `aopc`. The ordering
        `random` is the mean of `random_orders` orders. NaN where an order has no value, or all its
        values are equal.
    """
    lengths, parts = eraser.texts.lengths, []
    names = [*orderings, RANDOM]
    with progress("faithfulness", len(chosen)) as advance:
        for places in batches(lengths[chosen], TEXTS):
            own = chosen[places]
            values, why = padded_values(eraser, own, list(orderings.values()))
            keys = random_keys(lengths[own], own, options)
            order = np.concatenate([ranks(values, keys[-1]), ranks(keys[:-1], keys[-1])])
            aopc = erased(eraser, own, order, options.bins, kinds)
            given = len(orderings)
            aopc[:, :given][:, why != ""] = np.nan
            aopc = np.concatenate([aopc[:, :given], aopc[:, given:].mean(1, keepdims=True)], 1)
            kind, name, text = (place.ravel() for place in np.indices(aopc.shape))
            parts.append(
                pd.DataFrame(
                    {
                        "text": own[text],
                        "ordering": np.array(names, object)[name],
                        "kind": np.array(kinds, object)[kind],
                        "aopc": aopc.ravel(),
                    }
                )
            )
            advance(len(own))
    table = pd.concat(parts).sort_values(["text", "ordering", "kind"], kind="stable")
    return table.reset_index(drop=True)


def best_orders(
    eraser: WordEraser, chosen: np.ndarray, table: pd.DataFrame, options: Faithfulness
) -> pd.DataFrame:
    """Search the highest and the lowest comprehensiveness of any order, by beam search.

    Args:
        eraser: the model and all texts.
        chosen: indices of the texts of `table`.
        table: what `removed` returns. Where one of its orders is higher or lower than what the
            search found, its value is taken.
        options: `normalised_texts` of the texts with at most `longest` words are searched.

    Returns:
        Rows like those of `removed`, for the orderings `best` and `worst`.
    """
    lengths = eraser.texts.lengths
    fitting = chosen[(lengths[chosen] > 1) & (lengths[chosen] <= options.longest)]
    fitting = np.sort(fitting[: options.normalised_texts])
    own = table[table["kind"] == "comprehensiveness"].groupby("text")["aopc"]
    least, most = own.min(), own.max()
    rows = []
    with progress("best orders", len(fitting)) as advance:
        for start in range(0, len(fitting), BOUNDED):
            some = fitting[start : start + BOUNDED]
            found = _bounds(eraser, some, options)
            for text, (low, high) in zip(some.tolist(), found.tolist(), strict=True):
                for ordering, value in (
                    (BEST, max(high, most[text])),
                    (WORST, min(low, least[text])),
                ):
                    rows.append((text, ordering, "comprehensiveness", value))
            advance(len(some))
    return pd.DataFrame(rows, columns=["text", "ordering", "kind", "aopc"])


def _bounds(eraser: WordEraser, texts: np.ndarray, options: Faithfulness) -> np.ndarray:
    """[B, 2] the lowest and the highest comprehensiveness of each text."""
    tokens = eraser.texts.lengths[texts]
    real = eraser.real(tokens)

    def fall(rows: np.ndarray, top: np.ndarray) -> np.ndarray:
        return eraser.drop(texts[rows], real[rows] & ~top)

    return bounds(fall, top_sizes(tokens, options.bins), tokens, options.beam)
