"""Information in the states of a run: the states of each unit, and the tables of estimates.

Indexes: `position` (the i-th token of every text), `rank` (the r-th most attended token of every
text), `instance` (every token of every text, one probe for all) and, where the truth is known,
`planted` (the k-th decisive token of every text, always about the gold label).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from attinfo.data.groups import FOLDS, joined, long_enough
from attinfo.data.truth import Truth
from attinfo.information.flags import MANY
from attinfo.information.halves import by_half_probes, half_estimates, halves
from attinfo.information.sample import (
    Measured,
    Sample,
    folds,
    normal_scores,
    with_permutations,
)
from attinfo.information.summary import measured, summary
from attinfo.information.token_type import token_type_probe
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States


@dataclass(frozen=True)
class Unit:
    """What one value of information belongs to: which tokens of the store."""

    index: str
    unit: int  # 0-based position, rank or place among the decisive tokens; 0 for `instance`
    tokens: np.ndarray  # rows of the store, at most one a text but for `instance`


def attention_rank(states: States) -> np.ndarray:
    """[tokens] rank of each token by score within its text, 0 the highest; ties by position."""
    order = np.lexsort((states.position, -states.score.astype(np.float64), states.text))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = states.position  # both run through the texts in order
    return rank


def units_of(states: States, positions: int, ranks: int, min_texts: int) -> Iterator[Unit]:
    """The units of a run, in order; units that fewer than `min_texts` texts have are left out.

    All positions, and all ranks, are of the same texts, those that are long enough for the last:
    else later units would be of longer texts, whose weights are smaller and whose states know
    less, and even random weights would agree or disagree with information. A model whose weights
    are constant has no ranks.
    """
    constant = np.ptp(states.score) == 0
    places = {"position": (states.position, positions)}
    if not constant:
        places["rank"] = (attention_rank(states), ranks)
    for index, (place, count) in places.items():
        number, enough = long_enough(states.lengths, count, min_texts)
        held = enough[states.text]
        for unit in range(number):
            yield Unit(index, unit, np.flatnonzero(held & (place == unit)))
    yield Unit("instance", 0, np.arange(len(states.token_id)))


def planted_units(states: States, truth: Truth) -> Iterator[Unit]:
    """The units of the decisive tokens: the first of every text, the second, and so on."""
    decisive = np.flatnonzero(truth.decisive)
    text = states.text[decisive]
    place = np.arange(len(decisive)) - np.searchsorted(text, text)
    for k in range(place.max(initial=-1) + 1):
        yield Unit("planted", k, decisive[place == k])


def sample_of(
    states: States, unit: Unit, options: Mapping[str, Any], groups: np.ndarray | None = None
) -> Sample:
    """States and outputs of one unit, with folds and permutations drawn from the seed.

    Args:
        states: with `hidden`.
        unit: of the states.
        options: `output`, `permutations` and `seed`, see `information`.
        groups: see `information`.

    Raises:
        InputError: the texts of the unit are of fewer groups than there are folds.
    """
    if states.hidden is None:
        raise ValueError("the states were read without `hidden`")
    members, place = np.unique(states.text[unit.tokens], return_inverse=True)
    if states.numbers:
        outputs = {"predicted": states.logits[:, 0], "label": states.label}[options["output"]]
        classes = torch.zeros(0)
        output = normal_scores(torch.from_numpy(outputs[members, None]), options["seed"])
    else:
        outputs = {"predicted": states.predicted, "label": states.label}[options["output"]]
        classes, output = torch.from_numpy(outputs[members]).long().unique(return_inverse=True)
    reference = None
    if unit.index == "instance":
        rng = np.random.default_rng(seed_of("reference tokens", options["seed"]))
        reference = torch.from_numpy(states.offsets[:-1] + rng.integers(0, states.lengths))
    layer = None if states.numbers else states.output_layer
    if layer is not None:  # of the classes that occur
        weight, bias = (torch.from_numpy(part)[classes] for part in layer)
    group = belonging(states, members, groups)
    if groups is not None and group is not None and int(group.max()) + 1 < FOLDS:
        raise InputError(
            f"index '{unit.index}': the {len(members)} texts are of {int(group.max()) + 1} groups, "
            f"expected {FOLDS} or more, one for each fold (texts of the same tokens are of one "
            "group)"
        )
    return Sample(
        hidden=torch.from_numpy(states.hidden[unit.tokens]),
        text=torch.from_numpy(place),
        output=with_permutations(output, options["permutations"], options["seed"], group),
        classes=len(classes),
        fold=folds(output, FOLDS, options["seed"], group),
        reference=reference,
        group=group,
        output_layer=None if layer is None else (weight, bias),
    )


def belonging(
    states: States, texts: np.ndarray, groups: np.ndarray | None = None
) -> torch.Tensor | None:
    """[texts] int64 numbers of the groups of texts, from 0; None where each text is on its own.

    Texts of one group, and texts of the same tokens, are in one group: see `joined`. Where copies
    alone, without `groups`, would leave fewer groups than folds, each text is on its own.

    All states of texts of the same tokens are copies, which a fold must not part. (States of the
    same word in different texts may be equal too, without context. They are no copies: the
    question is what a word says about the output of other texts that have the word. So they are on
    both sides of a fold, and the estimate is flagged `repeated_states`.)

    Args:
        states: of a run.
        texts: which of its texts.
        groups: [texts of the run] number of the group of each text; None without groups.
    """
    group = joined(states.copies, texts, groups)
    number = int(group.max()) + 1
    if number == len(group) or (groups is None and number < FOLDS):
        return None
    return torch.from_numpy(group)


def effective_rank(hidden: torch.Tensor) -> float:
    """Participation ratio of the variances of the principal components: 1 to d."""
    centred = (hidden - hidden.mean(0)).double()
    covariance = centred.T @ centred
    return float(covariance.trace() ** 2 / (covariance**2).sum().clamp(min=1e-300))


def repeated(hidden: torch.Tensor) -> float:
    """Share of the states [n, d] that are exactly the same as one before them.

    States are compared by a number of 64 bits each: sorting whole states would take longer than
    some estimators do.
    """
    draw = np.random.default_rng(seed_of("repeated", hidden.shape[1]))
    weight = torch.from_numpy(draw.integers(-(2**62), 2**62, hidden.shape[1]))
    bits = (hidden.double() + 0.0).contiguous().view(torch.int64)  # -0 is 0
    # The low bits of rounded numbers are 0, so those that vary are mixed in there.
    return 1 - len(((bits ^ (bits >> 29)) * weight).sum(1).unique()) / len(hidden)


def information(
    states: States,
    options: Mapping[str, Any],
    run: str = "",
    truth: Truth | None = None,
    groups: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Information between the states and the predicted (or the gold) class of one run.

    Args:
        states: with `hidden`.
        options: `output` ("predicted" or "label"), `estimators` for every unit, `light` ones for
            the tokens alone, without a null, `spot_checks` (estimators too) for `spot_units` units
            drawn at random, without a null, in a share `spot_share` of the runs, `words` (whether
            the words alone are asked), `halves` (whether halves of the texts are estimated too),
            `half_probes` (estimator -> path of the function that fits two probes to disjoint halves
            of the texts), `positions`, `ranks`, `min_texts`, `permutations`, `seed`.
        run: names the run, so that each has spot checks of its own, or none.
        truth: of the split, where it is known: the index `planted` is estimated too.
        groups: [texts] number of the group of each text, or None. As `estimate(groups=)` does, no
            group is cut by a fold, groups are permuted together, and intervals are over groups.

    Returns:
        One row per unit and estimator, for `information.parquet`; and one row per token, for
        `pointwise/`: `<estimator>_pvi` and `<estimator>_gain` from the index `instance`,
        `<estimator>_pvi_position` and `_rank` from the token's unit there, NaN where the token
        is in none; `<estimator>_pvi#1`, `<estimator>_gain#1` and those with `#2` by the probes of
        halves, NaN where the texts of a fold are of one group. The estimator `token_type` is
        information in the word itself. An output of one class only leaves no information to
        estimate: every value is 0 and flagged `constant_output`. `truth_alone` and `truth_text`
        are the information of a decisive word by itself and of the whole text, in closed form.
        Both are NaN for every index other than `planted`. `half_1` and `half_2` are the estimates
        from two halves of the texts, NaN for every index other than `position` and `rank`, and
        without `halves`.
    """
    units = list(units_of(states, options["positions"], options["ranks"], options["min_texts"]))
    rng = np.random.default_rng(seed_of("spot checks", options["seed"], run))
    order = rng.permutation(len(units) - 1)
    drawn = rng.random() < options["spot_share"]  # the run alone decides, whatever runs there are
    checked = set(order[: options["spot_units"]] if drawn else ())
    token_id = torch.from_numpy(states.token_id.astype(np.int64))
    estimators = [Chosen.of(plain) for plain in options["estimators"]]
    spot_checks = [Chosen.of(plain) for plain in options["spot_checks"]]
    rows = []
    pointwise: dict[str, np.ndarray] = {
        "text": states.text.astype(np.int32),
        "token": states.position.astype(np.int32),
        "attention": states.attention,
    }
    for place, unit in enumerate(units):
        sample = sample_of(states, unit, options, groups)
        rank = effective_rank(sample.hidden)
        # Of units that are ranked: how well their order repeats.
        ranked = options["halves"] and unit.index != "instance"
        parts = halves(sample, options["seed"]) if ranked else None
        for one in estimators:
            found = measured(one, sample)
            half = (np.nan, np.nan) if parts is None else half_estimates(one, parts)
            rows.append(_row(unit, one.name, found, sample, one.options, rank, half))
            _keep(pointwise, unit, one.name, found)
        observed = sample.of_columns([0])
        for one in spot_checks if place in checked else ():
            found = measured(one, observed)
            row = _row(unit, one.name, found, observed, one.options, rank)
            rows.append(row | {"spot_check": True})
        if unit.index == "instance":
            for one in map(Chosen.of, options["light"]):
                found = measured(one, observed)
                rows.append(_row(unit, one.name, found, observed, one.options, rank))
                _keep(pointwise, unit, one.name, found)
            for name, path in options["half_probes"].items():
                pointwise |= by_half_probes(name, path, sample, options["seed"])
        if unit.index == "instance" and options["words"]:
            found = token_type_probe(token_id, sample)
            rows.append(_row(unit, "token_type", found, sample, {}, rank))
            _keep(pointwise, unit, "token_type", found)
    rows += _planted_rows(states, options, truth, groups) if truth else []
    known = {"truth_alone": np.nan, "truth_text": np.nan}
    return pd.DataFrame([known | row for row in rows]), pd.DataFrame(pointwise)


def _planted_rows(
    states: States, options: Mapping[str, Any], truth: Truth, groups: np.ndarray | None
) -> Iterator[dict[str, Any]]:
    for unit in planted_units(states, truth):
        sample = sample_of(states, unit, {**options, "output": "label"}, groups)
        rank = effective_rank(sample.hidden)
        known = {"truth_alone": truth.alone, "truth_text": truth.text}
        for one in map(Chosen.of, options["estimators"]):
            found = measured(one, sample)
            yield _row(unit, one.name, found, sample, one.options, rank) | known


def _row(
    unit: Unit,
    name: str,
    found: Measured,
    sample: Sample,
    settings: Mapping[str, Any],
    rank: float,
    half: Sequence[float] = (np.nan, np.nan),
) -> dict[str, Any]:
    """One row of `information.parquet`: what one estimator finds in one unit."""
    estimate = summary(found, sample, settings)
    flags = list(estimate.flags)
    if repeated(sample.hidden) >= MANY and "constant_states" not in flags:
        flags.append("repeated_states")
    return {
        "index": unit.index,
        "unit": unit.unit,
        "estimator": name,
        "spot_check": False,
        "n": len(sample.output),
        "mi_nats": estimate.mi_nats,
        "h_output": np.nan if estimate.h_output is None else estimate.h_output,
        "mi_over_h": estimate.mi_nats / estimate.h_output if estimate.h_output else np.nan,
        "floor_mean": estimate.floor_mean,
        "floor_upper": estimate.floor_upper,
        "ci_low": estimate.ci_low,
        "ci_high": estimate.ci_high,
        "flags": " ".join(flags),
        "effective_rank": rank,
        "half_1": half[0],
        "half_2": half[1],
    }


def _keep(pointwise: dict[str, np.ndarray], unit: Unit, name: str, found: Measured) -> None:
    """Add the values of a unit's tokens to the columns of the table of tokens."""
    suffix = "" if unit.index == "instance" else f"_{unit.index}"
    nowhere = np.full(len(pointwise["token"]), np.nan, np.float32)
    column = pointwise.setdefault(f"{name}_pvi{suffix}", nowhere)
    column[unit.tokens] = found.pvi.numpy()
    if unit.index == "instance" and found.gain is not None:
        pointwise[f"{name}_gain"] = found.gain.numpy().astype(np.float32)
