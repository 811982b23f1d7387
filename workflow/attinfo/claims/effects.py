"""From the tables of texts of one data set to the effects of contrasts in each seed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.blocks.normalisers import parse_normaliser
from attinfo.claims.contrast import ACCURACY_TOLERANCE, Contrast
from attinfo.claims.run_statistics import STATISTICS, Statistic
from attinfo.runtime.errors import InputError
from attinfo.statistics.intervals import Ratios, text_weights

RUN = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
Draws = Mapping[str, np.ndarray]  # statistic -> [1 + B, runs], row 0 over the texts as they are


def describe_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The identity of each run, with `kind` and `temperature` of its normaliser."""
    parsed = [parse_normaliser(name) for name in runs["normaliser"]]
    return runs.assign(
        kind=[kind for kind, _ in parsed], temperature=[temperature for _, temperature in parsed]
    )


def output_entropy(predicted: pd.Series) -> float:
    """Entropy of a run's predicted classes, in nats."""
    share = np.unique(predicted, return_counts=True)[1] / len(predicted)
    return float(-(share * np.log(share)).sum())


class Sampled:
    """The runs of one data set over the same resamples of its texts.

    Attributes:
        runs: a row a run, as from `describe_runs`.
    """

    def __init__(
        self, tables: Mapping[tuple[Any, ...], pd.DataFrame], repeats: int, seed: int
    ) -> None:
        """Resample the texts.

        Args:
            tables: run -> a row a text, as from `agreement.by_text`.
            repeats: number of resamples B.
            seed: of the resampling.

        Raises:
            InputError: the runs have different numbers of texts.
        """
        ordered = sorted(tables)
        self.runs = describe_runs(pd.DataFrame(ordered, columns=RUN))
        self._tables = [tables[run] for run in ordered]
        texts = len(self._tables[0])
        for run, table in zip(ordered, self._tables, strict=True):
            if len(table) != texts:
                raise InputError(
                    f"run {'/'.join(map(str, run))} has {len(table)} texts, "
                    f"expected {texts}, as {'/'.join(map(str, ordered[0]))} has"
                )
        self._weights = text_weights(texts, repeats, seed, ordered[0][0])
        entropies = np.array([output_entropy(t["predicted"]) for t in self._tables])
        self._entropies = np.where(entropies > 0, entropies, np.nan)

    def _column(self, name: str) -> np.ndarray | None:
        """[texts, runs] a column of every run, NaN in those without; None where all are."""
        if not any(name in table for table in self._tables):
            return None
        missing = np.full(len(self._weights[0]), np.nan)
        return np.stack(
            [t[name].to_numpy(np.float64) if name in t else missing for t in self._tables], 1
        )

    def draw(self, statistic: Statistic) -> np.ndarray:
        """[1 + B, runs] a statistic; NaN where a run or a resample leaves it undefined."""
        total = np.zeros((len(self._weights), len(self._tables)))
        for sign, column, count in statistic.terms:
            numerator = self._column(column)
            if numerator is None:
                return np.full_like(total, np.nan)
            known = ~np.isnan(numerator)
            if count is None:
                denominator: np.ndarray | None = known.astype(np.float64)
                numerator[~known] = 0
            else:
                denominator = self._column(count)
            if denominator is None:
                return np.full_like(total, np.nan)
            total += sign * Ratios(numerator, denominator).over(self._weights)
        return total / self._entropies if statistic.per_entropy else total

    def draws(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Several of `STATISTICS`, by name."""
        return {name: self.draw(STATISTICS[name]) for name in names}


class Stratum(NamedTuple):
    """Runs of one seed that are alike in all that a contrast names, for each of its sides."""

    seed: int
    sides: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Effects:
    """What a contrast finds in one data set.

    `values`: [1 + B, R], a column a seed. `strata`: of how many strata a seed's effect is a mean,
    at most. `used`, `excluded`, `unpaired`: runs that take part; that are left out as the
    statistic is undefined there; that have none to be compared with.
    """

    values: np.ndarray
    strata: int
    used: int
    excluded: int
    unpaired: int


def _runs_in(strata: Sequence[Stratum]) -> set[int]:
    return {run for stratum in strata for places in stratum.sides for run in places.tolist()}


def strata_of(
    contrast: Contrast, runs: pd.DataFrame, draws: Draws
) -> tuple[list[Stratum], int, int]:
    """The strata that have all sides of a contrast, and the numbers of runs left out.

    Returns:
        Strata, by seed; runs in which a statistic is undefined; runs without a counterpart.
    """
    group = runs.groupby(["seed", *contrast.within], sort=True).ngroup().to_numpy()
    of_sides, excluded, matched = [], set(), set()
    for side in contrast.sides:
        asked = {side.statistic} | ({"accuracy"} if contrast.control else set())
        defined = np.all([np.isfinite(draws[name]).all(0) for name in asked], axis=0)
        places = np.flatnonzero(runs.eval(side.runs).to_numpy(bool))
        excluded.update(places[~defined[places]].tolist())
        matched.update(places[defined[places]].tolist())
        of_sides.append(places[defined[places]])
    complete = set.intersection(*(set(group[places].tolist()) for places in of_sides))
    strata = [
        Stratum(
            int(runs["seed"].to_numpy()[group == g][0]),
            tuple(places[group[places] == g] for places in of_sides),
        )
        for g in sorted(complete)
    ]
    used = _runs_in(strata)
    return strata, len(excluded - used), len(matched - used - excluded)


def _difference(contrast: Contrast, stratum: Stratum, draws: Draws) -> np.ndarray:
    """[1 + B] the weighted sum of the means of the sides."""
    means = (
        side.weight * draws[side.statistic][:, places].mean(1)
        for side, places in zip(contrast.sides, stratum.sides, strict=True)
    )
    return sum(means) - contrast.against


def _matched_pairs(stratum: Stratum, accuracy: np.ndarray) -> Stratum:
    """The stratum as pairs of runs, one of each side, whose test accuracies are the same."""
    plus, minus = (accuracy[places] for places in stratum.sides)
    first, second = np.nonzero(np.abs(plus[:, None] - minus) <= ACCURACY_TOLERANCE + 1e-9)
    return Stratum(stratum.seed, (stratum.sides[0][first], stratum.sides[1][second]))


class _Moments(NamedTuple):
    """Sums over runs of products, all centred within strata: [1 + B] each, or with seeds first.

    a: accuracy; s: which side; y: the statistic.
    """

    aa: Any
    sa: Any
    ss: Any
    ay: Any
    sy: Any

    def slope(self) -> Any:
        """Of the statistic on accuracy at a given side: NaN where accuracy varies with it only."""
        rest = self.aa - self.sa**2 / self.ss
        known = np.where(rest > 1e-10, rest, np.nan)
        return (self.ay - self.sa * self.sy / self.ss) / known


def _moments(contrast: Contrast, stratum: Stratum, draws: Draws) -> _Moments:
    everyone = np.concatenate(stratum.sides)
    a, y = (draws[name][:, everyone] for name in ("accuracy", contrast.statistic))
    s = (np.arange(len(everyone)) < len(stratum.sides[0])).astype(float)
    a, y, s = a - a.mean(1, keepdims=True), y - y.mean(1, keepdims=True), s - s.mean()
    products = ((a, a), (s, a), (s, s), (a, y), (s, y))
    return _Moments(*((one * other).sum(-1) for one, other in products))


def adjust(effect: np.ndarray, accuracy: np.ndarray, moments: Sequence[_Moments]) -> np.ndarray:
    """[1 + B, R] effects at equal accuracy, as jackknife pseudo-values over seeds.

    An effect less what the difference in accuracy explains, by the slope of a regression within
    strata. The slope is of all seeds; leaving out each in turn tells how it and the effect vary.

    Args:
        effect: [1 + B, R] of the statistic.
        accuracy: [1 + B, R] the same contrast of accuracy.
        moments: of each seed.

    Reference: Tukey 1958, Annals of Mathematical Statistics 29, for pseudo-values.
    """

    def adjusted(seeds: list[int]) -> np.ndarray:
        slope = _Moments(*(sum(moments[r][k] for r in seeds) for k in range(5))).slope()
        return effect[:, seeds].mean(1) - slope * accuracy[:, seeds].mean(1)

    seeds = list(range(effect.shape[1]))
    whole = adjusted(seeds)
    if len(seeds) == 1:
        return whole[:, None]
    left = [adjusted([other for other in seeds if other != r]) for r in seeds]
    return np.stack([len(seeds) * whole - (len(seeds) - 1) * one for one in left], 1)


def effects_of(contrast: Contrast, runs: pd.DataFrame, draws: Draws) -> Effects:
    """The effects of a contrast in each seed of a data set.

    Within a seed the difference is taken in each stratum that has all sides, and averaged over
    the strata. A run in which the statistic is undefined takes no part, and is counted.

    Args:
        contrast: what is compared.
        runs: of one data set, as from `describe_runs`.
        draws: of the statistics that the contrast asks for, and more.
    """
    strata, excluded, unpaired = strata_of(contrast, runs, draws)
    if contrast.control == "matched":
        paired = (_matched_pairs(stratum, draws["accuracy"][0]) for stratum in strata)
        before, strata = strata, [stratum for stratum in paired if len(stratum.sides[0])]
        unpaired += len(_runs_in(before) - _runs_in(strata))
    seeds = sorted({stratum.seed for stratum in strata})
    by_seed = [[s for s in strata if s.seed == seed] for seed in seeds]

    def mean(asked: Contrast, own: Sequence[Stratum]) -> np.ndarray:
        return np.mean([_difference(asked, stratum, draws) for stratum in own], axis=0)

    values = np.empty((len(next(iter(draws.values()))), len(seeds)))
    for column, own in enumerate(by_seed):
        values[:, column] = mean(contrast, own)
    if contrast.control == "adjusted" and seeds:
        accurate = _of_accuracy(contrast)
        accuracy = np.stack([mean(accurate, own) for own in by_seed], 1)
        moments = [
            _Moments(*map(sum, zip(*(_moments(contrast, s, draws) for s in own), strict=True)))
            for own in by_seed
        ]
        values = adjust(values, accuracy, moments)
        if not np.isfinite(values).all():  # accuracy differs between the sides and nowhere else
            values = values[:, :0]
    used = _runs_in(strata) if values.shape[1] else set()
    most = max((len(own) for own in by_seed), default=0) if used else 0
    return Effects(values, most, len(used), excluded, unpaired)


def _of_accuracy(contrast: Contrast) -> Contrast:
    sides = tuple(replace(side, statistic="accuracy") for side in contrast.sides)
    return replace(contrast, sides=sides)
