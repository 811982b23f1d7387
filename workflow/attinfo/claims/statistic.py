"""A statistic of a run, and functions that make families of similar statistics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from attinfo.agreement.rank_statistics import RANK_STATISTICS

# Where a statistic can be shown. The page has tables and figures of these names.
AGREEMENT_TABLE, MEASURE_TABLE, MODEL_TABLE = "agreement-table", "measure-table", "model-table"
MEASURE_FIGURE, SKEW_FIGURE, ABLATION_FIGURE = "measures", "skew", "ablations"


@dataclass(frozen=True)
class Statistic:
    """A number per run, as a signed sum of ratios of sums over texts.

    Attributes:
        label: what it is, in a few words.
        terms: of the sum, each a sign, the column of the numerators and the column of the
            denominators. Without the second column the first is averaged over the texts in which it
            is defined.
        per_entropy: whether the sum is divided by the entropy of the run's predicted classes.
        signed: whether negative values are as possible as positive ones; the page then shows the
            sign.
        bounds: the smallest and the largest value that are possible, if any.
        shown: the tables and figures that show it, each with its heading there.
        control: whether it is shown to be compared with, not for itself.
        ranked: above zero, cells are ranked by it and its variance is split over building blocks;
            the statistics stand in this order in the tables of both.
        main: whether studies are compared by it, cell by cell.
    """

    label: str
    terms: tuple[tuple[int, str, str | None], ...]
    per_entropy: bool = False
    signed: bool = False
    bounds: tuple[float | None, float | None] = (None, None)
    shown: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    control: bool = False
    ranked: int = 0
    main: bool = False


def mean(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column over texts."""
    return Statistic(label, ((1, column, None),), **more)


def share(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column whose values are between 0 and 1."""
    return mean(label, column, bounds=(0, 1), **more)


def correlation(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column of correlations."""
    return mean(label, column, signed=True, bounds=(-1, 1), **more)


def of_attention(name: str, column: str, label: str) -> Statistic:
    """The agreement of attention with a measure.

    Args:
        name: of the measure in the names of statistics.
        column: of the measure in tables of texts.
        label: of the measure.
    """
    shown = {MEASURE_TABLE: label, MEASURE_FIGURE: label}
    if name == "gain":
        shown |= {MODEL_TABLE: "τ-b with gain", ABLATION_FIGURE: "agreement, τ-b with gain"}
        shown |= {AGREEMENT_TABLE: RANK_STATISTICS["tau"].heading}
    return correlation(
        f"τ-b of attention and {label}, within texts",
        f"tau:{column}",
        shown=shown,
        ranked=int(name == "gain"),
        main=name == "gain",
    )


def found_by(name: str, column: str, label: str) -> Statistic:
    """How well a measure finds rated words, above chance; see `of_attention`."""
    heading = {
        "attention": "rated words, attention",
        "gain": "rated words, gain",
        "permuted": "rated words, weights permuted",
        "rarity": "rated words, rarity",
    }.get(name)
    return mean(
        f"average precision of finding rated words by {label}, above chance",
        f"ap_lift:{column}",
        signed=True,
        bounds=(-1, 1),
        shown={MEASURE_TABLE: heading} if heading else {},
        control=name in ("permuted", "rarity"),
    )
