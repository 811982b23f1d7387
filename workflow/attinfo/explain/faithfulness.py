"""Faithfulness: how the prediction changes when tokens are deleted in the order of a measure.

Comprehensiveness: how far the probability of the predicted class falls without the top tokens;
the higher, the more faithful the order. Sufficiency: how far it falls with the top tokens alone;
the lower, the more faithful (DeYoung et al. 2020, ERASER). The top k % of n tokens are
ceil(k n / 100), but never all of them; AOPC is the mean over k.

AOPC depends on the model: of one whose prediction hangs on one word any order may reach more than
of another. So it is also told as a share of what any order could reach on the same text, from its
lower bound (0) to its upper one (1) (Edin et al. 2025).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from attinfo.data.batches import batches
from attinfo.data.texts import Texts
from attinfo.explain.beam import bounds
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.runtime.seeds import seed_of

KINDS = ("comprehensiveness", "sufficiency")
TEXTS = 64  # texts that are ordered at once, 256 at most
BOUNDED = 16  # texts whose bounds are sought at once: what they ask for is held in memory


def top_sizes(lengths: np.ndarray, bins: Sequence[float]) -> np.ndarray:
    """[B, K] how many tokens the top shares of texts are: one or more, but not all.

    >>> top_sizes(np.array([2, 21]), [0.01, 0.5])
    array([[ 1,  1],
           [ 1, 11]])
    """
    # Rounded, as 0.05 * 20 may be a hair above 1.
    sizes = np.ceil(np.round(lengths[:, None] * np.asarray(bins), 9)).astype(np.int64)
    return np.clip(sizes, 1, lengths[:, None] - 1)


def ranks(values: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """[..., T] place of each token in the order of its values, the highest 0.

    Args:
        values: [..., T], -inf at padding.
        ties: [..., T] what decides between equal values.
    """
    return np.lexsort((np.broadcast_to(ties, values.shape), -values)).argsort(-1)


def erased(
    eraser: Eraser, chosen: np.ndarray, order: np.ndarray, bins: Sequence[float]
) -> np.ndarray:
    """[2, O, B] AOPC of each of `KINDS`, of orders of texts.

    Args:
        eraser: the model and all texts.
        chosen: [B] the texts, of two tokens or more.
        order: [O, B, T] the rank of each token of each text in each order.
        bins: the shares.
    """
    lengths = eraser.texts.lengths[chosen]
    real = eraser.real(lengths)
    top = order[:, :, None] < top_sizes(lengths, bins)[:, :, None]  # [O, B, K, T]
    keep = np.stack([real[:, None] & ~top, real[:, None] & top])  # [2, O, B, K, T]
    shape, rows = keep.shape[:-1], np.arange(len(chosen))[:, None]
    rows = np.broadcast_to(rows, shape).reshape(-1)
    keep = keep.reshape(-1, keep.shape[-1])
    # Orders begin alike and shares of short texts are the same: each set is read once.
    key = np.column_stack([rows.astype(np.uint8), np.packbits(keep, axis=1)])
    _, first, where = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return eraser.drop(chosen[rows[first]], keep[first])[where].reshape(shape).mean(-1)


def text_bounds(eraser: Eraser, texts: np.ndarray, bins: Sequence[float], width: int) -> np.ndarray:
    """[2 kinds, 2, B] the lowest and the highest AOPC of any order of the tokens of texts [B]."""
    # Those of comprehensiveness, then those of sufficiency.
    source, alone = np.tile(texts, 2), np.repeat([False, True], len(texts))
    tokens = eraser.texts.lengths[source]
    real = eraser.real(tokens)

    def fall(rows: np.ndarray, top: np.ndarray) -> np.ndarray:
        return eraser.drop(source[rows], np.where(alone[rows, None], top & real[rows], ~top))

    found = bounds(fall, top_sizes(tokens, bins), tokens, width)
    return found.reshape(2, -1, 2).swapaxes(1, 2)


def sampled(lengths: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The texts whose tokens are deleted, drawn, and those of them that bounds are sought for.

    Bounds are sought for the first drawn that are neither too short nor too long.
    """
    rng = np.random.default_rng(seed_of("texts of faithfulness", options["seed"]))
    own = rng.permutation(len(lengths))[: options["texts"]]
    fit = own[(lengths[own] > 1) & (lengths[own] <= options["longest"])]
    return np.sort(own), np.sort(fit[: options["normalised_texts"]])


def faithfulness(
    model: Classifier,
    texts: Texts,
    seed: int,
    orderings: Mapping[str, np.ndarray],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """Comprehensiveness and sufficiency of one run.

    Equal values are ordered at random, the same way for every measure.

    Args:
        model: in evaluation mode.
        texts: the split.
        seed: of the run: of the noise at evaluation.
        orderings: name -> [tokens] values; tokens of high values come first.
        options: a `sections.Faithfulness` as plain values.

    Returns:
        A row for each text drawn, ordering (those given, and `random`: the mean over random
        orders) and kind: `text`, `tokens` (how many it has), `ordering`, `kind`, `aopc`; of the
        texts drawn for it `lower` and `upper`, the bounds of `aopc`, and `naopc`, its place
        between them, else NaN. Bounds that beam search finds are widened to the orders that are
        measured, so that `naopc` is from 0 to 1; NaN where all orders are as good. `undefined`
        says why `aopc` is NaN: `one_token` (nothing would be left), `no_value` (the ordering has
        none for a token), `constant` (it orders nothing), `no_probability` (the model gives
        none); else it is empty.
    """
    eraser, lengths, names = Eraser(model, texts, seed), texts.lengths, [*orderings, "random"]
    aopc = np.full((len(KINDS), len(names), len(texts)), np.nan)
    least, most = np.full((2, len(KINDS), len(texts)), np.nan)  # of the orders that are measured
    lower, upper = np.full((2, len(KINDS), 1, len(texts)), np.nan)
    reason = np.full((len(names), len(texts)), "", object)
    reason[:, lengths == 1] = "one_token"
    own, bounded = sampled(lengths, options)
    for chosen in batches(lengths[own], TEXTS):
        chosen = own[chosen]
        chosen = chosen[lengths[chosen] > 1]
        if not len(chosen):
            continue
        values, defined = _padded(eraser, chosen, list(orderings.values()))
        reason[:-1, chosen] = defined
        keys = _random_keys(lengths[chosen], chosen, options)
        order = np.concatenate([ranks(values, keys[-1]), ranks(keys[:-1], keys[-1])])
        found = erased(eraser, chosen, order, options["bins"])
        usable = np.concatenate([defined == "", np.ones((len(keys) - 1, len(chosen)), bool)])
        found = np.where(usable, found, np.nan)
        given = len(orderings)
        aopc[:, :given, chosen] = found[:, :given]
        aopc[:, given, chosen] = found[:, given:].mean(1)
        least[:, chosen], most[:, chosen] = np.fmin.reduce(found, 1), np.fmax.reduce(found, 1)
    for start in range(0, len(bounded), BOUNDED):
        some = bounded[start : start + BOUNDED]
        ends = text_bounds(eraser, some, options["bins"], options["beam"])
        lower[:, 0, some] = np.fmin(ends[:, 0], least[:, some])
        upper[:, 0, some] = np.fmax(ends[:, 1], most[:, some])
    reason[np.isnan(aopc).any(0) & (reason == "")] = "no_probability"
    span = np.where(upper > lower, upper - lower, np.nan)
    columns = {
        "tokens": lengths.astype(np.int32),
        "aopc": aopc,
        "lower": lower,
        "upper": upper,
        "naopc": (aopc - lower) / span,
        "undefined": reason,
    }
    return _table({name: values[..., own] for name, values in columns.items()}, names, own)


def _padded(
    eraser: Eraser, chosen: np.ndarray, orderings: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Values [O, B, T] of the tokens of texts, -inf at padding; [O, B] why they order nothing."""
    real = eraser.real(eraser.texts.lengths[chosen])
    row, place = np.nonzero(real)
    tokens = eraser.texts.offsets[chosen[row]] + place
    values = np.full((len(orderings), *real.shape), -np.inf)
    for own, ordering in zip(values, orderings, strict=True):
        own[row, place] = ordering[tokens]
    missing = np.isnan(values).any(-1)
    values = np.nan_to_num(values, nan=0.0, neginf=-np.inf)
    lowest = np.where(real, values, np.inf).min(-1)
    constant = values.max(-1) == lowest
    return values, np.where(missing, "no_value", np.where(constant, "constant", ""))


def _random_keys(lengths: np.ndarray, chosen: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
    """[random orders + 1, B, T] random numbers, those of a text its own; -inf at padding."""
    keys = np.full((options["random_orders"] + 1, len(chosen), lengths.max()), -np.inf)
    for row, (text, length) in enumerate(zip(chosen, lengths, strict=True)):
        rng = np.random.default_rng(seed_of("random orders", options["seed"], int(text)))
        keys[:, row, :length] = rng.random((length, len(keys))).T
    return keys


def _table(
    columns: Mapping[str, np.ndarray], names: Sequence[str], texts: np.ndarray
) -> pd.DataFrame:
    """Arrays that broadcast to [kinds, orderings, texts] as columns, a row for each of those."""
    shape = len(KINDS), len(names), len(texts)
    kind, name, text = (place.ravel() for place in np.indices(shape, np.int32))
    places = {
        "text": texts.astype(np.int32)[text],
        "ordering": np.array(names, object)[name],
        "kind": np.array(KINDS, object)[kind],
    }
    flat = {key: np.broadcast_to(values, shape).ravel() for key, values in columns.items()}
    table = pd.DataFrame(places | flat).sort_values(["text", "ordering", "kind"], kind="stable")
    return table.reset_index(drop=True)
