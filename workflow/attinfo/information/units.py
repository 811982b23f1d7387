"""From a run's states to its information: which states make a unit, and the tables of results.

Indexes: `position` (the i-th token of every text), `rank` (the r-th most attended token of every
text) and `instance` (every token of every text, one probe for all).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from attinfo.information import ESTIMATORS
from attinfo.information.sample import Estimate, Sample, folds, with_permutations
from attinfo.seeds import seed_of
from attinfo.store import States

FOLDS = 5  # of the cross-fitting, shared by all units of a run


@dataclass(frozen=True)
class Unit:
    """What one value of information belongs to: which tokens of the store."""

    index: str
    unit: int  # 0-based position or rank; 0 for `instance`
    tokens: np.ndarray  # rows of the store, one a text but for `instance`


def attention_rank(states: States) -> np.ndarray:
    """[tokens] rank of each token by score within its text, 0 the highest; ties by position."""
    order = np.lexsort((states.position, -states.score.astype(np.float64), states.text))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = states.position  # both run through the texts in order
    return rank


def units_of(states: States, positions: int, ranks: int, min_texts: int) -> Iterator[Unit]:
    """The units of a run, in order; units that fewer than `min_texts` texts have are left out.

    A model whose weights are constant has no ranks.
    """
    constant = np.ptp(states.score) == 0
    places = {"position": (states.position, positions)}
    if not constant:
        places["rank"] = (attention_rank(states), ranks)
    for index, (place, count) in places.items():
        for unit in range(count):
            tokens = np.flatnonzero(place == unit)
            if len(tokens) >= min_texts:
                yield Unit(index, unit, tokens)
    yield Unit("instance", 0, np.arange(len(states.token_id)))


def entropy(output: np.ndarray) -> float:
    """Entropy of the observed classes, in nats (plug-in)."""
    share = np.bincount(output) / len(output)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def clustered_error(pointwise: np.ndarray, text: np.ndarray) -> float:
    """Standard error of the mean of values that are dependent within each text."""
    n = len(pointwise)
    sums = np.bincount(text, pointwise - pointwise.mean())
    return float(np.sqrt((sums**2).sum()) / n)


def row_of(
    unit: Unit, name: str, estimate: Estimate, output: np.ndarray, text: np.ndarray
) -> dict[str, Any]:
    """One row of `information.parquet`: the estimate of one unit by one estimator."""
    pvi, null = estimate.pvi.numpy(), estimate.null.numpy()
    mi, h_output = float(pvi.mean()), entropy(output)
    error = clustered_error(pvi, text)
    upper = float(np.quantile(null, 0.95))
    flags = [
        flag
        for flag, raised in {"below_floor": mi <= upper, "above_entropy": mi > h_output}.items()
        if raised
    ]
    return {
        "index": unit.index,
        "unit": unit.unit,
        "estimator": name,
        "n": len(np.unique(text)),
        "mi_nats": mi,
        "h_output": h_output,
        "mi_over_h": mi / h_output if h_output > 0 else np.nan,
        "floor_mean": float(null.mean()),
        "floor_upper": upper,
        "ci_low": mi - 1.96 * error,
        "ci_high": mi + 1.96 * error,
        "flags": " ".join(flags),
    }


def information(states: States, options: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Information between the states and the predicted (or the gold) class of one run.

    Args:
        states: with `hidden`.
        options: `output` ("predicted" or "label"), `estimators` (name -> options), `positions`,
            `ranks`, `min_texts`, `permutations`, `seed`.

    Returns:
        The rows of `information.parquet` (a row a unit and estimator) and of
        `pointwise.parquet` (a row a token): `<estimator>_pvi` and `<estimator>_gain` from the
        index `instance`, `<estimator>_pvi_position` and `_rank` from the token's unit there,
        NaN where the token is in none. An output of one class only leaves no information
        to estimate: every value is 0 and flagged `constant_output`.
    """
    outputs = {"predicted": states.predicted, "label": states.label}[options["output"]]
    pointwise: dict[str, np.ndarray] = {
        "text": states.text.astype(np.int32),
        "token": states.position.astype(np.int32),
        "attention": states.attention,
    }
    rng = np.random.default_rng(seed_of("reference tokens", options["seed"]))
    reference = states.offsets[:-1] + rng.integers(0, states.lengths)
    hidden = torch.from_numpy(states.hidden)
    rows = []
    for unit in units_of(states, options["positions"], options["ranks"], options["min_texts"]):
        text = states.text[unit.tokens]
        members, place = np.unique(text, return_inverse=True)
        output = torch.from_numpy(outputs[members]).long()
        classes, output = output.unique(return_inverse=True)
        sample = Sample(
            hidden=hidden[torch.from_numpy(unit.tokens)],
            text=torch.from_numpy(place),
            output=with_permutations(output, options["permutations"], options["seed"]),
            classes=len(classes),
            fold=folds(output, FOLDS, options["seed"]),
            reference=torch.from_numpy(reference) if unit.index == "instance" else None,
        )
        for name, settings in options["estimators"].items():
            estimate = estimated(name, sample, settings)
            row = row_of(unit, name, estimate, output.numpy(), place)
            rows.append(row | ({"flags": "constant_output"} if len(classes) < 2 else {}))
            suffix = "" if unit.index == "instance" else f"_{unit.index}"
            nowhere = np.full(len(states.token_id), np.nan, np.float32)
            column = pointwise.setdefault(f"{name}_pvi{suffix}", nowhere)
            column[unit.tokens] = estimate.pvi.numpy()
            if unit.index == "instance" and estimate.gain is not None:
                pointwise[f"{name}_gain"] = estimate.gain.numpy().astype(np.float32)
    return pd.DataFrame(rows), pd.DataFrame(pointwise)


def estimated(name: str, sample: Sample, settings: Mapping[str, Any]) -> Estimate:
    """One estimate; zero where the output takes fewer than two values."""
    if sample.classes < 2:
        zeros = torch.zeros(len(sample.text), dtype=torch.float64)
        return Estimate(pvi=zeros, gain=zeros, null=torch.zeros(sample.output.shape[1] - 1))
    return ESTIMATORS[name](sample, **settings)
