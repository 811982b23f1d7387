"""The hierarchical bootstrap: seeds first, then texts."""

from typing import NamedTuple

import numpy as np

from attinfo.seeds import seed_of


class Ratios(NamedTuple):
    """A statistic of runs over texts: sum of numerators / sum of denominators, for each run.

    `numerator`, `denominator`: [texts, runs]. A text in which it is undefined adds 0 to both.
    """

    numerator: np.ndarray
    denominator: np.ndarray

    def over(self, weights: np.ndarray) -> np.ndarray:
        """[B, runs] the statistic with each text counted `weights` [B, texts] times."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ self.numerator) / (weights @ self.denominator)


def text_weights(texts: int, repeats: int, *key: object) -> np.ndarray:
    """[1 + repeats, texts] how often each text is drawn: once in row 0, resampled in the rest."""
    rng = np.random.default_rng(seed_of("bootstrap texts", *key))
    drawn = rng.multinomial(texts, np.full(texts, 1 / texts), size=repeats)
    return np.concatenate([np.ones((1, texts)), drawn])


def resample_replicates(effects: np.ndarray, *key: object) -> np.ndarray:
    """[1 + B] means over replicates; all of them in row 0, a resample of them in each other row.

    The spread of a resample of R replicates is too small by (R - 1) / R, which matters for three
    seeds: its deviation is widened by sqrt(R / (R - 1)) (Hesterberg 2015, Am. Stat. 69).

    Args:
        effects: [1 + B, R], row 0 over the texts as they are, the others over resampled texts.
        key: names the random stream.
    """
    repeats, replicates = len(effects) - 1, effects.shape[1]
    mean = effects.mean(1)
    if replicates == 1:
        return mean
    rng = np.random.default_rng(seed_of("bootstrap replicates", *key))
    drawn = rng.integers(0, replicates, size=(repeats, replicates))
    resampled = np.take_along_axis(effects[1:], drawn, axis=1).mean(1)
    widened = mean[1:] + np.sqrt(replicates / (replicates - 1)) * (resampled - mean[1:])
    return np.concatenate([mean[:1], widened])


class Interval(NamedTuple):
    """An effect, its percentile interval and the two-sided p of no effect."""

    estimate: float
    low: float
    high: float
    p: float


def interval(draws: np.ndarray, level: float) -> Interval:
    """Summary of [1 + B] bootstrap draws, row 0 the estimate."""
    tails = np.quantile(draws[1:], [(1 - level) / 2, (1 + level) / 2])
    below, above = (draws[1:] <= 0).sum(), (draws[1:] >= 0).sum()
    p = min(1.0, 2 * (1 + min(below, above)) / len(draws))
    return Interval(float(draws[0]), float(tails[0]), float(tails[1]), float(p))
