"""The rank statistics of attention and a measure within each text, by name.

To add one: a function `(Compared) -> [texts]`, NaN where it is undefined, and an entry in
`RANK_STATISTICS`. It then has rows in `agreement.csv`, a statistic `<name>_gain` of every run, and
a column in the table of the page that compares them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from attinfo.agreement.kendall import Concordance
from attinfo.agreement.ranks import (
    Ranked,
    pearson,
    spearman,
    tau_on_support,
    top_overlap,
    weighted_tau,
)


class Compared(NamedTuple):
    """Attention and one measure over the tokens of a run.

    `score`: the attention scores, in their order; `weights`: [tokens] the attention weights;
    `measure`: what they are compared with; `name`: of the measure in `pairs`, which counts the
    pairs of tokens of all measures of the run; `top`: the same of measures of which all tokens
    below the top k are tied.
    """

    score: Ranked
    weights: np.ndarray
    measure: Ranked
    name: str
    pairs: Concordance
    top: Concordance

    def tau(self) -> np.ndarray:
        """[texts] Kendall's tau-b."""
        return self.pairs.tau("attention", self.name)

    def tau_on_support(self) -> np.ndarray:
        """[texts] tau-b over the tokens with a weight above zero."""
        if not (self.weights == 0).any():
            return self.tau()
        return tau_on_support(
            self.score.values, self.weights, self.measure.values, self.score.offsets
        )


class RankStatistic(NamedTuple):
    """A statistic of two rankings: its label, how it is computed, and what the page does with it.

    `in_table`: the name of its rows in `agreement.csv`, if it is not its own; `heading`: of its
    column in the table of the page that compares statistics, empty for none.
    """

    label: str
    of: Callable[[Compared], np.ndarray]
    heading: str = ""
    in_table: str = ""


RANK_STATISTICS = {
    "tau": RankStatistic("τ-b", Compared.tau, "τ-b", "kendall_b"),
    "weighted_tau": RankStatistic(
        "weighted τ",
        lambda c: weighted_tau(c.score, c.measure, c.pairs.of_tokens(c.name)),
        "weighted τ",
    ),
    "spearman": RankStatistic(
        "Spearman's ρ", lambda c: spearman(c.score, c.measure), "Spearman’s ρ"
    ),
    "pearson": RankStatistic(
        "Pearson's r",
        lambda c: pearson(c.weights, c.measure.values, c.score.offsets),
        "Pearson’s r",
    ),
    "topk_overlap": RankStatistic(
        "overlap of the top k", lambda c: top_overlap(c.score, c.measure), "top-k overlap"
    ),
    "topk_tau": RankStatistic("τ-b over the top k", lambda c: c.top.tau("attention", c.name)),
    "tau_support": RankStatistic("τ-b over tokens of weight above 0", Compared.tau_on_support),
    "partial_position": RankStatistic(
        "τ-b with position held fixed",
        lambda c: c.pairs.partial("attention", c.name, "position"),
        "τ-b, position fixed",
    ),
    "partial_frequency": RankStatistic(
        "τ-b with log-frequency held fixed",
        lambda c: c.pairs.partial("attention", c.name, "frequency"),
        "τ-b, frequency fixed",
    ),
    "tau_permuted": RankStatistic(
        "τ-b of permuted attention", lambda c: c.pairs.tau("permuted", c.name)
    ),
}
