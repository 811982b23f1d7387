"""The statistics of the runs of a data set, each over the same resamples of its texts."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from attinfo.blocks.normalisers import parse_normaliser
from attinfo.claims.run_statistics import STATISTICS
from attinfo.claims.statistic import Statistic
from attinfo.entropy import entropy_of
from attinfo.keys import HALVES, RUN
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of
from attinfo.statistics.intervals import Ratios, text_weights

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
        # A number has no entropy. Its normal scores all vary alike, so nats compare as they are.
        numbers = np.array(["squared_error" in t for t in self._tables])
        self._entropies = np.where(numbers, 1.0, np.where(entropies > 0, entropies, np.nan))

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
        first, second = (self._sum(statistic, once, probe)[0] for probe in HALVES)
        apart = np.nan_to_num(first - second) / 2
        shape = len(self._weights) - 1, len(apart)
        if not apart.any():
            return np.zeros(shape)
        rng = np.random.default_rng(seed_of("probe", self._seed, statistic.label))
        return np.asarray(apart * rng.standard_normal(shape))

    def draws(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Several of `STATISTICS`, by name."""
        return {name: self.draw(STATISTICS[name]) for name in names}
