"""The effect of each contrast in each seed of a data set, from the statistics of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.claims.contrast import ACCURACY_TOLERANCE, Contrast, measured
from attinfo.claims.sampled import Draws


class Stratum(NamedTuple):
    """Runs of one seed that agree in everything `within` names, for each side of a contrast."""

    seed: int
    sides: tuple[np.ndarray, ...]

    @property
    def weight(self) -> float:
        """The inverse variance of the difference, if all runs vary alike."""
        return float(1 / sum(1 / len(np.unique(places)) for places in self.sides))


@dataclass(frozen=True)
class Effects:
    """The effects of a contrast in one data set.

    `values`: [1 + B, R], one column per seed. `strata`: the largest number of strata that the
    effect of a seed is averaged over. `used`: runs that take part; `excluded`: runs without the
    statistic; `unpaired`: runs without a counterpart.
    """

    values: np.ndarray
    strata: int
    used: int
    excluded: int
    unpaired: int


def _runs_in(strata: Sequence[Stratum]) -> set[int]:
    return {run for stratum in strata for places in stratum.sides for run in places.tolist()}


class Comparison:
    """The runs of a data set and the draws of their statistics, for many contrasts.

    What the contrasts have in common, such as the runs that a query finds, is computed once.

    Args:
        runs: of one data set, of `describe_runs`; with the column `trained_enough` if a contrast
            asks for it.
        draws: of the statistics of the contrasts; there may be more.
    """

    def __init__(self, runs: pd.DataFrame, draws: Draws) -> None:
        self.runs, self.draws = runs, draws
        self._seeds = runs["seed"].to_numpy()
        self._found: dict[str, np.ndarray] = {}
        self._groups: dict[tuple[str, ...], np.ndarray] = {}
        self._known: dict[str, np.ndarray] = {}

    def _places(self, query: str) -> np.ndarray:
        """The places of the runs that a query finds."""
        if query not in self._found:
            self._found[query] = np.flatnonzero(self.runs.eval(query).to_numpy(bool))
        return self._found[query]

    def _group(self, within: tuple[str, ...]) -> np.ndarray:
        """[runs] the number of the stratum of each run."""
        if within not in self._groups:
            groups = self.runs.groupby(["seed", *within], sort=True)
            self._groups[within] = groups.ngroup().to_numpy()
        return self._groups[within]

    def _defined(self, statistic: str) -> np.ndarray:
        """[runs] whether a statistic is defined in every resample."""
        if statistic not in self._known:
            self._known[statistic] = np.all(np.isfinite(self.draws[statistic]), axis=0)
        return self._known[statistic]

    def strata(self, contrast: Contrast) -> tuple[list[Stratum], int, int]:
        """Find the strata that have all sides of a contrast.

        Returns:
            The strata, by seed; the number of runs in which a statistic is undefined, or that were
            not trained enough if the contrast asks for it; the number of runs without a
            counterpart.
        """
        group = self._group(contrast.within)
        of_sides: list[np.ndarray] = []
        excluded: set[int] = set()
        matched: set[int] = set()
        for side in contrast.sides:
            needed = {side.statistic} | (contrast.statistics & {"accuracy"})
            usable = np.all([self._defined(name) for name in needed], axis=0)
            if contrast.control == "enough":
                usable = usable & self.runs["trained_enough"].to_numpy(bool)
            places = self._places(side.runs)
            excluded.update(places[~usable[places]].tolist())
            matched.update(places[usable[places]].tolist())
            of_sides.append(places[usable[places]])
        complete = set.intersection(*(set(group[places].tolist()) for places in of_sides))
        strata = [
            Stratum(
                int(self._seeds[group == g][0]),
                tuple(places[group[places] == g] for places in of_sides),
            )
            for g in sorted(complete)
        ]
        used = _runs_in(strata)
        return strata, len(excluded - used), len(matched - used - excluded)

    def effects(self, contrast: Contrast) -> Effects:
        """The effects of a contrast in each seed of the data set.

        Within a seed, the effect is the mean of the differences in all strata that have every
        side. The weight of a stratum is the inverse variance of its difference if all runs vary
        alike. A run in which the statistic is undefined takes no part, and is counted. For a claim
        on each run the columns of `values` are the runs instead of the seeds.
        """
        draws = self.draws
        strata, excluded, unpaired = self.strata(contrast)
        if contrast.each:
            places = sorted(_runs_in(strata))
            each = draws[contrast.statistic][:, places] - contrast.against
            return Effects(each, 1, len(places), excluded, unpaired)
        if contrast.control == "matched":
            paired = (_matched_pairs(stratum, draws["accuracy"][0]) for stratum in strata)
            before, strata = strata, [stratum for stratum in paired if len(stratum.sides[0])]
            unpaired += len(_runs_in(before) - _runs_in(strata))
        seeds = sorted({stratum.seed for stratum in strata})
        by_seed = [[s for s in strata if s.seed == seed] for seed in seeds]
        values = self._means(contrast, by_seed)
        if contrast.control == "adjusted" and seeds:
            accuracy = self._means(measured(contrast, "accuracy"), by_seed)
            moments = [
                _Moments(*map(sum, zip(*(_moments(contrast, s, draws) for s in own), strict=True)))
                for own in by_seed
            ]
            values = adjust(values, accuracy, moments)
            if not np.isfinite(values).all():  # accuracy differs between the sides only
                values = values[:, :0]
        used = _runs_in(strata) if values.shape[1] else set()
        most = max((len(own) for own in by_seed), default=0) if used else 0
        return Effects(values, most, len(used), excluded, unpaired)

    def _means(self, contrast: Contrast, by_seed: Sequence[Sequence[Stratum]]) -> np.ndarray:
        """[1 + B, R] the weighted means over the strata of each seed."""
        values = np.empty((len(next(iter(self.draws.values()))), len(by_seed)))
        for column, own in enumerate(by_seed):
            differences = [_difference(contrast, stratum, self.draws) for stratum in own]
            values[:, column] = np.average(differences, axis=0, weights=[s.weight for s in own])
        return values


def _difference(contrast: Contrast, stratum: Stratum, draws: Draws) -> np.ndarray:
    """[1 + B] the weighted sum of the means of the sides."""
    means = [
        side.weight * draws[side.statistic][:, places].mean(1)
        for side, places in zip(contrast.sides, stratum.sides, strict=True)
    ]
    return np.asarray(sum(means) - contrast.against)


def _matched_pairs(stratum: Stratum, accuracy: np.ndarray) -> Stratum:
    """Pairs of runs of a stratum, one of each side, whose test accuracies count as the same."""
    plus, minus = (accuracy[places] for places in stratum.sides)
    first, second = np.nonzero(np.abs(plus[:, None] - minus) <= ACCURACY_TOLERANCE + 1e-9)
    return Stratum(stratum.seed, (stratum.sides[0][first], stratum.sides[1][second]))


class _Moments(NamedTuple):
    """Sums over runs of products of variables that are centred within strata, [1 + B] each.

    a: accuracy; s: 1 on the first side and 0 on the second; y: the statistic.
    """

    aa: Any
    sa: Any
    ss: Any
    ay: Any
    sy: Any

    def slope(self) -> Any:
        """Slope of the statistic on accuracy, given the side; NaN if accuracy is the side."""
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

    What the difference in accuracy explains is subtracted from each effect, by the slope of a
    regression within strata. All seeds share one slope; leaving out each seed in turn shows how
    much slope and effect vary.

    Args:
        effect: [1 + B, R] effects on the statistic.
        accuracy: [1 + B, R] effects on accuracy of the same contrast.
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
    """The effects of one contrast; see `Comparison` for the arguments."""
    return Comparison(runs, draws).effects(contrast)
