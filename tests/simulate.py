"""Whole studies at the level of the tables of texts, with effects and variances that are known."""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binom

from attinfo.agreement.gaps import GAP_BINS
from attinfo.claims.conclusions import CONTRASTS
from attinfo.claims.effects import Comparison
from attinfo.claims.sampled import Sampled
from attinfo.claims.verdicts import judge
from attinfo.keys import RUN

PRIMARY = [contrast for contrast in CONTRASTS if contrast.primary or contrast.co_primary]
TEXTS = 100  # stand for 1,066: what they do to a mean is scaled to that
CELLS = [
    *product(
        ["bilstm", "cnn", "mlp"],
        ["additive", "deep", "scaled_dot"],
        ["softmax", "gumbel_softmax@0.5", "softmax@0.5"],
    )
]

# The effects of the primary contrasts as seen on Rotten Tomatoes. "encoder": what the paper's
# encoder adds to the agreement under every scorer, which only (v) between encoders sees.
SEEN = {"i": 0.008, "ii": 0.077, "iii": 0.226, "iv": 0.424, "v": 0.022, "encoder": -0.22}
CLAIMS = [claim for claim in SEEN if claim != "encoder"]


class Spread(NamedTuple):
    """Standard deviations of a run's statistic: over seeds, and of the mean over texts.

    Those over seeds are worked back from the intervals of the default study (three seeds, README):
    the half-width of a primary contrast's interval over t(2) is its error, that times √3 the SD of
    a seed's effect, and that, by the number of runs in a mean, the SD of a run.
    """

    information: tuple[float, float] = (0.048, 0.008)
    tau: tuple[float, float] = (0.03, 0.009)
    rise: tuple[float, float] = (0.03, 0.006)
    entropy: tuple[float, float] = (0.11, 0.004)


def study_tables(
    effects: dict[str, float], seeds: int, number: int, spread: Spread
) -> dict[tuple[object, ...], pd.DataFrame]:
    """The tables of the default study's runs that primary contrasts ask for.

    Args:
        effects: conclusion -> the true effect of its primary contrast; 0 where not named. Gain and
            pvi have the same effects, and errors of their own.
        seeds: how many.
        number: of the study; another number is another study of the same world.
        spread: over seeds and texts. Half of what a text does, it does to all runs.
    """
    rng = np.random.default_rng([number, seeds])
    truth = dict.fromkeys(SEEN, 0.0) | effects
    common = {name: rng.normal(size=TEXTS) for name in spread._fields}
    shared_seed = rng.normal(size=(len(spread), seeds))

    def noisy(name: str, mean: float, seed: int) -> np.ndarray:
        over_seeds, over_texts = getattr(spread, name)
        # A seed does some of it to all runs alike: initialisation and order of the data.
        of_run = np.sqrt(0.2) * shared_seed[spread._fields.index(name), seed]
        of_run += np.sqrt(0.8) * rng.normal()
        of_text = np.sqrt(0.5) * (common[name] + rng.normal(size=TEXTS))
        return mean + over_seeds * of_run + over_texts * np.sqrt(TEXTS) * of_text

    predicted = np.arange(TEXTS) % 2
    ones, half = np.ones(TEXTS), np.full(TEXTS, 0.5)
    tables: dict[tuple[object, ...], pd.DataFrame] = {}
    for seed in range(seeds):
        for encoder, attention, normaliser in CELLS:
            example = encoder == "bilstm" and attention == "additive"
            cold = normaliser.startswith("gumbel")
            tau = 0.2 + truth["v"] * example + truth["encoder"] * (encoder == "bilstm")
            information = 0.5 + truth["i"] * (attention != "scaled_dot")
            table = {
                "label": predicted,
                "predicted": predicted,
                "sum:linear_pvi_position": np.log(2) * noisy("information", information, seed),
                "count:linear_pvi_position": ones,
                "tau:linear_gain": noisy("tau", tau, seed),
                "tau:linear_pvi": noisy("tau", tau, seed),
                "entropy_ratio": noisy("entropy", 0.8 - truth["iv"] * cold, seed),
                "concordant:0": half,
                "pairs:0": ones,
                f"concordant:{GAP_BINS - 1}": noisy("rise", 0.5 + truth["iii"], seed),
                f"pairs:{GAP_BINS - 1}": ones,
            }
            run = ("simulated", encoder, attention, normaliser, "trained", seed)
            tables[run] = pd.DataFrame(table)
        frozen = noisy("tau", 0.2 + truth["v"] + truth["encoder"] - truth["ii"], seed)
        run = ("simulated", "bilstm", "additive", "softmax", "frozen_scorer", seed)
        tables[run] = pd.DataFrame(
            {"label": predicted, "predicted": predicted, "tau:linear_gain": frozen}
        )
    return tables


def primary_claims(
    tables: dict[tuple[object, ...], pd.DataFrame], repeats: int = 500
) -> pd.DataFrame:
    """The rows of `claims.csv` of the primary and co-primary contrasts, by conclusion."""
    datasets = sorted({run[RUN.index("dataset")] for run in tables})
    effects: dict = {contrast: {} for contrast in PRIMARY}
    for dataset in datasets:
        own = {run: table for run, table in tables.items() if run[0] == dataset}
        sampled = Sampled(own, repeats, 7)
        draws = sampled.draws({contrast.statistic for contrast in PRIMARY})
        compared = Comparison(sampled.runs, draws)
        for contrast in PRIMARY:
            effects[contrast][dataset] = compared.effects(contrast)
    return judge(effects, 0.95, 7).query("dataset == 'all'").set_index("claim")


def simulated_claims(
    effects: dict[str, float],
    seeds: int,
    studies: int,
    spread: Spread | None = None,
    repeats: int = 500,
) -> pd.DataFrame:
    """The primary rows of many studies of one world, with the column `study`."""
    spread = Spread() if spread is None else spread
    found = [
        primary_claims(study_tables(effects, seeds, number, spread), repeats).assign(study=number)
        for number in range(studies)
    ]
    return pd.concat(found)


def most(studies: int, rate: float = 0.05) -> int:
    """The most false alarms that a rate of 5 % gives, but in one of a thousand runs of a test."""
    return int(binom.ppf(0.999, studies, rate))


def verdicts_of(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows that carry the verdict on a conclusion."""
    return claims[claims["role"] == "primary"]
