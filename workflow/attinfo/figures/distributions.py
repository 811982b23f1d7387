"""The table `distributions.parquet`: histograms and means over single texts, for figures.

The other tables of a study hold one number for each run. This table shows how much texts vary, how
far weights differ between models, and how far outputs differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.agreement.skew import STATISTICS as SKEW
from attinfo.entropy import jensen_shannon
from attinfo.keys import RUN
from attinfo.states.store import States, read_states

TAU = np.linspace(-1, 1, 21)  # edges of bins of τ-b of a text
LARGEST = np.array([0, 0.25, 0.5, 0.75, 1])  # edges of bins of its largest weight (Jain & Wallace)
COLUMNS = ["quantity", "group", "low", "high", "texts", "value"]


def divergence_by_text(one: States, other: States) -> np.ndarray:
    """[texts] Jensen-Shannon divergence of the weights of two models, in nats."""
    return jensen_shannon(one.attention, other.attention, one.offsets[:-1])


def variation_by_text(one: States, other: States) -> np.ndarray:
    """[texts] total variation distance of two models' class probabilities."""
    p, q = (_softmax(s.logits.astype(np.float64)) for s in (one, other))
    return np.abs(p - q).sum(1) / 2


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def _row(
    quantity: str, group: object, values: np.ndarray, low: float = np.nan, high: float = np.nan
) -> dict[str, object]:
    """A row with the mean of [texts] values; NaN if none is known."""
    known = values[~np.isnan(values)]
    mean = known.mean() if len(known) else np.nan
    return dict(zip(COLUMNS, (quantity, str(group), low, high, len(known), mean), strict=True))


def by_largest_weight(
    quantity: str, values: np.ndarray, states: States
) -> Iterator[dict[str, object]]:
    """Rows with the mean of [texts] values in bins of the largest weight of a text."""
    largest = np.maximum.reduceat(states.attention.astype(np.float64), states.offsets[:-1])
    place = np.clip(np.searchsorted(LARGEST, largest, side="left") - 1, 0, len(LARGEST) - 2)
    for b in range(len(LARGEST) - 1):
        yield _row(quantity, "", values[place == b], LARGEST[b], LARGEST[b + 1])


def tau_counts(texts: pd.DataFrame, classes: Sequence[str]) -> Iterator[dict[str, object]]:
    """Rows with the numbers of texts in bins of τ-b of attention and gain, by predicted class."""
    for label, own in texts.groupby("predicted"):
        tau = own["tau:linear_gain"].dropna()
        counts = np.histogram(tau, TAU)[0]
        for low, high, count in zip(TAU[:-1], TAU[1:], counts, strict=True):
            share = count / max(len(tau), 1)
            row = "tau_gain", classes[int(label)], low, high, int(count), share
            yield dict(zip(COLUMNS, row, strict=True))


def tempered(texts: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Rows with the skew that the scores of a run have at other temperatures after training."""
    for name in texts.columns:
        statistic, marked, temperature = name.partition("_at:")
        if marked and statistic in SKEW:
            yield _row(f"{statistic}_afterwards", temperature, texts[name].to_numpy(np.float64))


def deleted(faithfulness: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Rows with the mean AOPC of each order of deletion less that of a random order."""
    wide = faithfulness.pivot(index=["kind", "text"], columns="ordering", values="aopc")
    for ordering in wide.columns.drop("random"):
        difference = wide[ordering] - wide["random"]
        for kind, own in difference.groupby("kind"):
            yield _row(str(kind), ordering, own.to_numpy())


def of_run(
    states: States, trained: Mapping[int, States], seed: int, variant: str
) -> Iterator[dict[str, object]]:
    """Rows with the distance of a run's weights and outputs from those of trained models.

    Args:
        states: of the run.
        trained: seed -> states of the trained model of the same cell, over the same texts.
        seed, variant: of the run. An ablation is compared with the trained model of its seed, a
            trained model with those of the other seeds.
    """
    if states.output_change is not None:
        median = np.median(states.output_change, axis=1)
        yield from by_largest_weight("output_change", median, states)
    if variant != "trained":
        if seed in trained:
            yield _row("jsd", "trained", divergence_by_text(states, trained[seed]))
            yield _row("tvd", "trained", variation_by_text(states, trained[seed]))
        return
    others = [other for key, other in trained.items() if key != seed]
    if others:
        apart = np.mean([divergence_by_text(states, other) for other in others], axis=0)
        moved = np.mean([variation_by_text(states, other) for other in others], axis=0)
        yield from by_largest_weight("seed_divergence", apart, states)
        yield _row("jsd", "seeds", apart)
        yield _row("tvd", "seeds", moved)


def of_group(
    texts: str | Path,
    faithfulness: Mapping[int, str | Path],
    states: Mapping[int, str | Path],
    trained: Mapping[int, str | Path],
    classes: Sequence[str],
) -> pd.DataFrame:
    """Make the rows of `distributions.parquet` of one cell and variant.

    Args:
        texts: its `texts.parquet`.
        faithfulness: seed -> `faithfulness.parquet` of the run.
        states: seed -> `states.safetensors` of the run.
        trained: seed -> `states.safetensors` of the trained model of the cell; empty if the study
            has none.
        classes: names of the classes.

    Returns:
        One row per run, quantity, group and bin: `low` and `high`, the edges of the bin; `texts`,
        the number of texts in it; `value`, their mean. The quantities are

        - `tau_gain`: groups are predicted classes, bins are of τ-b, `value` is the share of texts;
        - `seed_divergence`, JSD in nats from other seeds, and `output_change`, the median total
            variation distance of outputs under permuted weights, in bins of the largest weight;
        - `jsd`, `tvd`: the group is `trained` (the model of the same seed) or `seeds` (the others);
        - `<skew>_afterwards`: the group is a temperature;
        - `comprehensiveness`, `sufficiency`: the group is an order of deletion, `value` is AOPC
            less that of a random order.
    """
    table = pd.read_parquet(texts)
    references = {seed: read_states(path) for seed, path in trained.items()}
    found = []
    for seed, path in states.items():
        own = table[table["seed"] == seed]
        run = own[RUN].iloc[0].to_dict()
        here = references[seed] if run["variant"] == "trained" else read_states(path)
        rows = [
            *tau_counts(own, classes),
            *tempered(own),
            *deleted(pd.read_parquet(faithfulness[seed])),
            *of_run(here, references, seed, run["variant"]),
        ]
        found.append(pd.DataFrame(rows, columns=COLUMNS).assign(**run))
    return pd.concat(found, ignore_index=True)[[*RUN, *COLUMNS]]
