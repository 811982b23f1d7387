"""Plausibility by human rationales: how well measures find the marked parts of a text.

The scores are those of ERASER (DeYoung et al. 2020, section 4), each with that of a random order:

- AUPRC: how well the ranking of the tokens finds the marked ones, over all lengths. ERASER's code
  takes the trapezoidal area; we take average precision, which does not interpolate (Davis &
  Goadrich 2006).
- Token F1: the top k tokens against the marked tokens; k is the number of marked tokens.
- IOU F1: the runs of adjacent top tokens against the marked runs. A run counts as found if it and a
  marked run have half of the tokens of both together in common.

A token is marked if half of the annotators or more marked it. Texts in which no token or every
token is marked have no score.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from attinfo.agreement.pairs import text_of
from attinfo.agreement.plausibility import average_precision
from attinfo.agreement.ranks import is_constant
from attinfo.runtime.seeds import seed_of

MOST_AGREE = 0.5  # share of the annotators from which on a token is marked
FOUND = 0.5  # intersection over union from which on a run is found (DeYoung et al. 2020)
RANDOM_ORDERS = 20  # whose mean is the IOU F1 by chance
SCORES = ("auprc", "token_f1", "iou_f1")


def token_f1(values: np.ndarray, marked: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] F1 of the top k tokens and the k marked ones; precision and recall are the same.

    Tied tokens are taken in random order, and the expectation is returned.

    Args:
        values: [tokens], the larger the higher in the ranking.
        marked: [tokens] bool.
        offsets: [texts + 1].
    """
    found = np.full(len(offsets) - 1, np.nan)
    for text, (start, end) in enumerate(pairwise(offsets)):
        own, hit = values[start:end], marked[start:end]
        k = int(hit.sum())
        if not 0 < k < len(own) or np.isnan(own).any():
            continue
        least = np.sort(own)[-k]  # the value of the last token among the top k
        above, tied = own > least, own == least
        share = (k - above.sum()) / tied.sum()  # of the tied tokens that are among the top k
        found[text] = (hit[above].sum() + share * hit[tied].sum()) / k
    return found


def runs_of(chosen: np.ndarray) -> list[tuple[int, int]]:
    """The runs [start, end) of adjacent chosen tokens [T]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def iou_f1_of(top: np.ndarray, marked: np.ndarray) -> float:
    """F1 of the runs of top tokens [T] and of marked tokens [T]; see the module."""
    found, true = runs_of(top), runs_of(marked)
    hits = sum(
        any(
            (common := min(b, d) - max(a, c)) > 0 and common >= FOUND * (b - a + d - c - common)
            for c, d in true
        )
        for a, b in found
    )
    return 2 * hits / (len(found) + len(true))


def iou_f1(
    values: np.ndarray, marked: np.ndarray, offsets: np.ndarray, ties: np.ndarray
) -> np.ndarray:
    """[texts] F1 of runs of the top k tokens, k the number of marked tokens.

    Args:
        values: [tokens], the larger the higher in the ranking.
        marked: [tokens] bool.
        offsets: [texts + 1].
        ties: [tokens] numbers that order tokens of equal value, the lowest first.
    """
    order = np.lexsort((ties, -values, text_of(offsets)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(offsets[:-1], np.diff(offsets))
    found = np.full(len(offsets) - 1, np.nan)
    for text, (start, end) in enumerate(pairwise(offsets)):
        own = marked[start:end]
        k = int(own.sum())
        if 0 < k < len(own) and not np.isnan(values[start:end]).any():
            found[text] = iou_f1_of(rank[start:end] < k, own)
    return found


def rationales_by_text(
    measures: Mapping[str, np.ndarray], shares: np.ndarray, offsets: np.ndarray, data: str = ""
) -> dict[str, np.ndarray]:
    """How well each measure finds the tokens that people marked, text by text.

    Args:
        measures: name -> [tokens].
        shares: [tokens] share of the annotators who marked the token; NaN in texts without a
            rationale.
        offsets: [texts + 1].
        data: name of the data set, which seeds the random orders.

    Returns:
        [texts] each: for each score of `SCORES` `<score>_chance`, that of a random order, and for
        each measure `<score>:<measure>` and `<score>_lift:<measure>`, the score less chance. NaN
        where no token is marked, all are, or the measure is constant.

    Reference: DeYoung et al. 2020, "ERASER: a benchmark to evaluate rationalized NLP models".
    """
    marked = np.nan_to_num(shares) >= MOST_AGREE
    rng = np.random.default_rng(seed_of("rationales", data))
    keys = rng.random((RANDOM_ORDERS + 1, len(marked)))
    flat = np.zeros(len(marked))
    chance = {
        "auprc": average_precision(flat, marked, offsets),
        "token_f1": token_f1(flat, marked, offsets),
        "iou_f1": np.mean([iou_f1(flat, marked, offsets, ties) for ties in keys[1:]], axis=0),
    }
    columns = {f"{score}_chance": values for score, values in chance.items()}
    for name, values in measures.items():
        constant = is_constant(values, offsets)
        scores = {
            "auprc": average_precision(values, marked, offsets),
            "token_f1": token_f1(values, marked, offsets),
            "iou_f1": iou_f1(values, marked, offsets, keys[0]),
        }
        for score, found in scores.items():
            columns[f"{score}:{name}"] = own = np.where(constant, np.nan, found)
            columns[f"{score}_lift:{name}"] = own - chance[score]
    return columns
