"""The effect of each contrast in each seed of a data set, from the tables of its texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.blocks.normalisers import parse_normaliser
from attinfo.claims.contrast import ACCURACY_TOLERANCE, Contrast, measured
from attinfo.claims.run_statistics import STATISTICS, Statistic
from attinfo.entropy import entropy_of
from attinfo.keys import RUN
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of
from attinfo.statistics.intervals import Ratios, text_weights

PROBES = ("#1", "#2")  # endings of the columns of two probes trained on disjoint halves

# Statistic -> [1 + B, runs]: row 0 over the texts as they are, the others over resampled texts.
Draws = Mapping[str, np.ndarray]


def describe_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Add `kind` and `temperature` of the normaliser to a table of runs."""
    parsed = [parse_normaliser(name) for name in runs["normaliser"]]
    return runs.assign(
        kind=[kind for kind, _ in parsed], temperature=[temperature for _, temperature in parsed]
    )


class Sampled:
    """The runs of one data set, each over the same resamples of its texts.

    Attributes:
        runs: of `describe_runs`, one row per run.
    """

    def __init__(
        self,
        tables: Mapping[tuple[Any, ...], pd.DataFrame],
        repeats: int,
        seed: int,
        enough: Mapping[tuple[Any, ...], bool] = MappingProxyType({}),
    ) -> None:
        """Resample the texts.

        Args:
            tables: run -> its table of `agreement.tables.by_text`, one row per text.
            repeats: the number of resamples, B.
            seed: of the resampling.
            enough: run -> whether it was trained enough; a run that is not named was.

        Raises:
            InputError: the runs have different numbers of texts.
        """
        ordered = sorted(tables)
        self.runs = describe_runs(pd.DataFrame(ordered, columns=RUN)).assign(
            trained_enough=[bool(enough.get(run, True)) for run in ordered]
        )
        self._seed = seed
        self._tables = [tables[run] for run in ordered]
        texts = len(self._tables[0])
        for run, table in zip(ordered, self._tables, strict=True):
            if len(table) != texts:
                raise InputError(
                    f"run {'/'.join(map(str, run))} has {len(table)} texts, "
                    f"expected {texts}, as {'/'.join(map(str, ordered[0]))} has"
                )
        self._weights = text_weights(texts, repeats, seed, ordered[0][0])
        entropies = np.array([entropy_of(t["predicted"].to_numpy()) for t in self._tables])
        self._entropies = np.where(entropies > 0, entropies, np.nan)

    def _column(self, name: str) -> np.ndarray | None:
        """[texts, runs] a column of every run, NaN in runs without it; None if none has it."""
        if not any(name in table for table in self._tables):
            return None
        missing = np.full(len(self._weights[0]), np.nan)
        return np.stack(
            [t[name].to_numpy(np.float64) if name in t else missing for t in self._tables], 1
        )

    def draw(self, statistic: Statistic) -> np.ndarray:
        """[1 + B, runs] a statistic, NaN where it is undefined.

        A statistic of a probe's pointwise values also varies as the probe does: each resample has
        the error that another probe would make, see `_probe_error`.
        """
        found = self._sum(statistic, self._weights)
        found[1:] += self._probe_error(statistic)
        return found

    def _sum(self, statistic: Statistic, weights: np.ndarray, probe: str = "") -> np.ndarray:
        """[rows of weights, runs] a statistic, of one of the two half probes if it is named."""
        total = np.zeros((len(weights), len(self._tables)))
        for sign, column, count in statistic.terms:
            numerator = self._column(column + probe)
            if numerator is None:
                return np.full_like(total, np.nan)
            known = ~np.isnan(numerator)
            if count is None:
                denominator: np.ndarray | None = known.astype(np.float64)
                numerator[~known] = 0
            else:
                denominator = self._column(count + probe)
            if denominator is None:
                return np.full_like(total, np.nan)
            total += sign * Ratios(numerator, denominator).over(weights)
        return total / self._entropies if statistic.per_entropy else total

    def _probe_error(self, statistic: Statistic) -> np.ndarray:
        """[B, runs] the error of a statistic that comes from the probe, drawn at random.

        Two probes that were trained on disjoint halves of the texts give the statistic twice. The
        variance of each is about twice that of the probe of all texts, so half of their difference
        has its variance. It is 0 where the statistic was measured once.
        """
        once = self._weights[:1]
        first, second = (self._sum(statistic, once, probe)[0] for probe in PROBES)
        apart = np.nan_to_num(first - second) / 2
        shape = len(self._weights) - 1, len(apart)
        if not apart.any():
            return np.zeros(shape)
        rng = np.random.default_rng(seed_of("probe", self._seed, statistic.label))
        return np.asarray(apart * rng.standard_normal(shape))

    def draws(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Several of `STATISTICS`, by name."""
        return {name: self.draw(STATISTICS[name]) for name in names}


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
