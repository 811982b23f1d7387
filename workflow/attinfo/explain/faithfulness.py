"""Faithfulness: the change of the prediction when tokens are deleted in the order of a measure.

Comprehensiveness is the decrease of the probability of the predicted class when the top tokens
are deleted. The higher it is, the more faithful is the order. Sufficiency is the decrease when
only the top tokens are kept. The lower it is, the more faithful is the order (DeYoung et al. 2020,
ERASER). The top k % of n tokens are ceil(k n / 100) tokens, but never all n. AOPC is the mean
over k.

AOPC values of different models do not compare: if a prediction depends on a single word, every
order can have a high AOPC. So normalised AOPC is reported as well: 0 at the lowest AOPC that an
order of the same text can have, 1 at the highest (Edin et al. 2025).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.data.batches import batches
from attinfo.data.texts import Texts
from attinfo.explain.beam import bounds
from attinfo.explain.erasure import Eraser
from attinfo.models.classifier import Classifier
from attinfo.runtime.seeds import seed_of

KINDS = ("comprehensiveness", "sufficiency")
TEXTS = 64  # texts of a batch, at most 256: `erased` numbers them in one byte
BOUNDED = 16  # texts whose bounds are searched at once; all their sets are held in memory


class Erasing(Protocol):
    """A model, and texts from which tokens are removed: an `Eraser`, or one of another model."""

    @property
    def texts(self) -> Any:
        """The whole texts, with `lengths` [texts] and `offsets` [texts + 1] of tokens."""

    def drop(self, source: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """[S] decreases of a probability, see `Eraser.drop`."""

    @staticmethod
    def real(lengths: np.ndarray) -> np.ndarray:
        """[S, T] which positions hold a token, in texts of these lengths [S]."""


def top_sizes(lengths: np.ndarray, bins: Sequence[float]) -> np.ndarray:
    """The numbers of top tokens of texts for some shares: one or more, but not all tokens.

    Args:
        lengths: [B] number of tokens of each text, 2 or more.
        bins: K shares, 0 to 1.

    Returns:
        [B, K] numbers of tokens.

    >>> top_sizes(np.array([2, 21]), [0.01, 0.5])
    array([[ 1,  1],
           [ 1, 11]])
    """
    # Rounded first, because 0.05 * 20 may be slightly more than 1.
    sizes = np.ceil(np.round(lengths[:, None] * np.asarray(bins), 9)).astype(np.int64)
    return np.clip(sizes, 1, lengths[:, None] - 1)


def ranks(values: np.ndarray, ties: np.ndarray) -> np.ndarray:
    """The rank of each token by its value; the highest value has rank 0.

    Args:
        values: [..., T] values, -inf at padding.
        ties: [..., T] numbers that order tokens of equal value, the lowest first.

    Returns:
        [..., T] ranks.
    """
    return np.lexsort((np.broadcast_to(ties, values.shape), -values)).argsort(-1)


def erased(
    eraser: Erasing,
    chosen: np.ndarray,
    order: np.ndarray,
    bins: Sequence[float],
    kinds: Sequence[str] = KINDS,
) -> np.ndarray:
    """AOPC of several orders of the tokens of some texts.

    Args:
        eraser: the model and all texts.
        chosen: [B] indices of the texts, which have two tokens or more; B <= 256.
        order: [O, B, T] rank of each token of each text in each order.
        bins: shares of top tokens over which AOPC is the mean.
        kinds: one or both of `KINDS`.

    Returns:
        [kinds, O, B] AOPC of each kind, order and text.
    """
    lengths = eraser.texts.lengths[chosen]
    real = eraser.real(lengths)
    top = order[:, :, None] < top_sizes(lengths, bins)[:, :, None]  # [O, B, K, T]
    kept = {"comprehensiveness": ~top, "sufficiency": top}
    keep = np.stack([real[:, None] & kept[kind] for kind in kinds])  # [kinds, O, B, K, T]
    shape, rows = keep.shape[:-1], np.arange(len(chosen))[:, None]
    rows = np.broadcast_to(rows, shape).reshape(-1)
    keep = keep.reshape(-1, keep.shape[-1])
    # Many sets are equal, for short texts above all. The model reads each distinct set once.
    key = np.column_stack([rows.astype(np.uint8), np.packbits(keep, axis=1)])
    _, first, where = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return eraser.drop(chosen[rows[first]], keep[first])[where].reshape(shape).mean(-1)


def text_bounds(
    eraser: Erasing, texts: np.ndarray, bins: Sequence[float], width: int
) -> np.ndarray:
    """The lowest and the highest AOPC that an order of the tokens of a text can have.

    Args:
        eraser: the model and all texts.
        texts: [B] indices of the texts, which have two tokens or more.
        bins: shares of top tokens over which AOPC is the mean.
        width: width of the beam search, see `beam.bounds`.

    Returns:
        [2, 2, B] the lowest and the highest AOPC of each kind in `KINDS` and text.
    """
    # The texts for comprehensiveness, then the same texts for sufficiency.
    source, top_only = np.tile(texts, 2), np.repeat([False, True], len(texts))
    tokens = eraser.texts.lengths[source]
    real = eraser.real(tokens)

    def fall(rows: np.ndarray, top: np.ndarray) -> np.ndarray:
        return eraser.drop(source[rows], np.where(top_only[rows, None], top & real[rows], ~top))

    found = bounds(fall, top_sizes(tokens, bins), tokens, width)
    return found.reshape(2, -1, 2).swapaxes(1, 2)


def sampled(
    lengths: np.ndarray, options: Faithfulness, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the texts for faithfulness, and those of them for which bounds are searched.

    Args:
        lengths: [texts] number of tokens of each text.
        options: how many texts are drawn, and the seed.
        among: [texts] bool, the texts that may be drawn; None for all.

    Returns:
        The indices of the texts, and the indices of the first `normalised_texts` drawn that have
        2 to `longest` tokens; both sorted.
    """
    rng = np.random.default_rng(seed_of("texts of faithfulness", options.seed))
    order = rng.permutation(len(lengths))
    drawn = (order if among is None else order[among[order]])[: options.texts]
    fitting = drawn[(lengths[drawn] > 1) & (lengths[drawn] <= options.longest)]
    return np.sort(drawn), np.sort(fitting[: options.normalised_texts])


def faithfulness(
    model: Classifier,
    texts: Texts,
    seed: int,
    orderings: Mapping[str, np.ndarray],
    options: Faithfulness,
    among: np.ndarray | None = None,
) -> pd.DataFrame:
    """Compute comprehensiveness and sufficiency of several orderings for one run.

    Tokens of equal value are ordered at random, in the same way for every ordering.

    Args:
        model: a model in evaluation mode.
        texts: the split.
        seed: seed of the run, for the noise at evaluation.
        orderings: name -> [tokens] values. Tokens with high values come first.
        options: the section `faithfulness` of the config.
        among: [texts] bool, the texts that may be drawn; None for all.

    Returns:
        A row for each drawn text, ordering and kind. The ordering `random` is added: the mean
        over random orders. Columns:

        - `text`, `tokens`: index of the text, and its number of tokens.
        - `ordering`, `kind`: name of the ordering; `comprehensiveness` or `sufficiency`.
        - `aopc`: the mean decrease of the probability, -1 to 1.
        - `lower`, `upper`: the bounds of `aopc` over all orders, for `normalised_texts` of the
            texts, else NaN. They are widened to the measured orders if beam search missed those.
        - `naopc`: (aopc - lower) / (upper - lower), 0 to 1; NaN if the bounds are equal.
        - `undefined`: why `aopc` is NaN. `one_token`: no token would be left. `no_value`: the
            ordering has no value for a token. `constant`: all values are equal. `no_probability`:
            the model's output is NaN. Else empty.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    eraser, lengths, names = Eraser(model, texts, seed), texts.lengths, [*orderings, "random"]
    aopc = np.full((len(KINDS), len(names), len(texts)), np.nan)
    least, most = np.full((2, len(KINDS), len(texts)), np.nan)  # AOPC of the measured orders
    lower, upper = np.full((2, len(KINDS), 1, len(texts)), np.nan)
    reason = np.full((len(names), len(texts)), "", object)
    reason[:, lengths == 1] = "one_token"
    drawn, bounded = sampled(lengths, options, among)
    for places in batches(lengths[drawn], TEXTS):
        chosen = drawn[places]
        chosen = chosen[lengths[chosen] > 1]
        if not len(chosen):
            continue
        values, defined = padded_values(eraser, chosen, list(orderings.values()))
        reason[:-1, chosen] = defined
        keys = random_keys(lengths[chosen], chosen, options)
        order = np.concatenate([ranks(values, keys[-1]), ranks(keys[:-1], keys[-1])])
        found = erased(eraser, chosen, order, options.bins)
        usable = np.concatenate([defined == "", np.ones((len(keys) - 1, len(chosen)), bool)])
        found = np.where(usable, found, np.nan)
        given = len(orderings)
        aopc[:, :given, chosen] = found[:, :given]
        aopc[:, given, chosen] = found[:, given:].mean(1)
        least[:, chosen], most[:, chosen] = np.fmin.reduce(found, 1), np.fmax.reduce(found, 1)
    for start in range(0, len(bounded), BOUNDED):
        some = bounded[start : start + BOUNDED]
        ends = text_bounds(eraser, some, options.bins, options.beam)
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
    return _table({name: values[..., drawn] for name, values in columns.items()}, names, drawn)


def padded_values(
    eraser: Erasing, chosen: np.ndarray, orderings: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The values of some texts, padded, and the reasons why a text has no order.

    Args:
        eraser: the model and all texts.
        chosen: [B] indices of the texts.
        orderings: O arrays [tokens] of values.

    Returns:
        [O, B, T] values, -inf at padding, and [O, B] reasons as in `undefined` of `faithfulness`.
    """
    real = eraser.real(eraser.texts.lengths[chosen])
    row, place = np.nonzero(real)
    tokens = eraser.texts.offsets[chosen[row]] + place
    values = np.full((len(orderings), *real.shape), -np.inf)
    for padded, ordering in zip(values, orderings, strict=True):
        padded[row, place] = ordering[tokens]
    missing = np.isnan(values).any(-1)
    values = np.nan_to_num(values, nan=0.0, neginf=-np.inf)
    lowest = np.where(real, values, np.inf).min(-1)
    constant = values.max(-1) == lowest
    return values, np.where(missing, "no_value", np.where(constant, "constant", ""))


def random_keys(lengths: np.ndarray, chosen: np.ndarray, options: Faithfulness) -> np.ndarray:
    """Random numbers for random orders and for ties, from a random stream for each text.

    Args:
        lengths: [B] number of tokens of each text.
        chosen: [B] indices of the texts.
        options: the number of random orders, and the seed.

    Returns:
        [random orders + 1, B, T] numbers, -inf at padding. The last ones are for ties.
    """
    keys = np.full((options.random_orders + 1, len(chosen), lengths.max()), -np.inf)
    for row, (text, length) in enumerate(zip(chosen, lengths, strict=True)):
        rng = np.random.default_rng(seed_of("random orders", options.seed, int(text)))
        keys[:, row, :length] = rng.random((length, len(keys))).T
    return keys


def _table(
    columns: Mapping[str, np.ndarray], names: Sequence[str], texts: np.ndarray
) -> pd.DataFrame:
    """A table with a row for each text, ordering and kind.

    Args:
        columns: name -> an array that broadcasts to [kinds, orderings, texts].
        names: names of the orderings.
        texts: indices of the texts.
    """
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
