"""The measures that attention is compared with, and the rank statistics of the comparison."""

from typing import NamedTuple

from attinfo.agreement.rank_statistics import RANK_STATISTICS
from attinfo.blocks.estimators import CLAIMED, ESTIMATORS, Estimator
from attinfo.blocks.measures import MEASURES


class Pointwise(NamedTuple):
    """Information of single tokens: its column in tables of texts, and what it is called."""

    column: str
    label: str
    estimator: str
    value: str


def _pointwise(name: str, estimator: Estimator) -> dict[str, Pointwise]:
    """The pointwise values of an estimator, by their names in statistics.

    Those of the claims' estimator are `gain` and `pvi`. Of another estimator, `<name>` is its pvi
    and `<name>_gain` its gain, if it has one.
    """
    short = estimator.abbreviation or estimator.label or name
    values = {"gain": f"{name}_gain", "pvi": name} if estimator.gain else {"pvi": name}
    if name == CLAIMED:
        values = {value: value for value in values}
    return {
        key: Pointwise(
            f"{name}_{value}",
            value if name == CLAIMED else f"{short} {value}",
            estimator.label or name,
            value,
        )
        for value, key in values.items()
    }


# What attention is compared with: the name in statistics, the column of the table, the label.
IN_STATISTICS = {name: own for name, own in ESTIMATORS.items() if own.statistics}
INFORMATION = {
    key: own
    for name, estimator in IN_STATISTICS.items()
    for key, own in _pointwise(name, estimator).items()
}
IMPORTANCE = {m.name: (m.name, m.label) for m in MEASURES.values() if m.compared}
COMPARED = {name: own[:2] for name, own in INFORMATION.items()} | IMPORTANCE
# What rated words are found by. The last two are controls.
FINDERS = {
    "attention": ("attention", "attention"),
    **COMPARED,
    "permuted": ("permuted", "permuted attention"),
    "rarity": ("rarity", "rarity of the word"),
}

# Rank statistics that could take the place of τ-b, with their labels: of all pointwise values.
RANKED_BY = {
    name: RANK_STATISTICS[name].label for name in ("tau", "weighted_tau", "spearman", "topk_tau")
}
