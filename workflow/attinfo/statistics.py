"""Intervals over two levels: texts are resampled, and seeds drawn about their mean."""

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


def draw_replicates(effects: np.ndarray, *key: object) -> np.ndarray:
    """[1 + B] means over replicates: as they are in row 0, drawn in each other row.

    Texts are resampled before, in the rows. In each row the mean over replicates is then drawn
    from its own t distribution with R - 1 degrees of freedom. Resampling the replicates instead
    would cover a mean over three seeds in 79 % of studies where 95 % is claimed.

    Args:
        effects: [1 + B, R], row 0 over the texts as they are, the others over resampled texts.
        key: names the random stream.
    """
    repeats, replicates = len(effects) - 1, effects.shape[1]
    mean = effects.mean(1)
    if replicates == 1:
        return mean
    rng = np.random.default_rng(seed_of("bootstrap replicates", *key))
    error = effects[1:].std(1, ddof=1) / np.sqrt(replicates)
    drawn = mean[1:] + error * rng.standard_t(replicates - 1, size=repeats)
    return np.concatenate([mean[:1], drawn])


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
