"""The statistics of a run: numbers that are made from the columns of its table of texts.

To add one: an entry in `STATISTICS`. It is then in `runs.csv` and `cells.csv`; its other fields say
which tables and figures show it, whether cells are ranked by it, and whether studies are compared
by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from attinfo.agreement.gaps import ABSOLUTE_BINS, GAP_BINS
from attinfo.agreement.rank_statistics import RANK_STATISTICS
from attinfo.claims.compared import (
    COMPARED,
    FINDERS,
    IN_STATISTICS,
    INFORMATION,
    RANKED_BY,
)
from attinfo.keys import GIVEN
from attinfo.labels import label_of

COLD = ("0.1", "0.5")  # temperatures below one that have contrasts of their own

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


def _usable(estimator: str, index: str) -> Statistic:
    suffix = "" if index == "instance" else f"_{index}"
    column = f"{estimator}_pvi{suffix}"
    shown = {}
    if estimator == "linear" and index == "position":
        shown = {MODEL_TABLE: "I/H by position"}
    if estimator == "linear" and index == "instance":
        shown = {MODEL_TABLE: "I/H all tokens", ABLATION_FIGURE: "information, I/H(Ŷ)"}
    return Statistic(
        f"I/H(Ŷ), {estimator}, by {index}",
        ((1, f"sum:{column}", f"count:{column}"),),
        per_entropy=True,
        bounds=(None, 1),
        shown=shown,
        ranked=2 * (estimator == "linear" and index == "position"),
        main=estimator == "linear" and index == "position",
    )


def _mean(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column over texts."""
    return Statistic(label, ((1, column, None),), **more)


def _share(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column whose values are between 0 and 1."""
    return _mean(label, column, bounds=(0, 1), **more)


def _correlation(label: str, column: str, **more: Any) -> Statistic:
    """The mean of a column of correlations."""
    return _mean(label, column, signed=True, bounds=(-1, 1), **more)


def _of_attention(name: str, column: str, label: str) -> Statistic:
    shown = {MEASURE_TABLE: label, MEASURE_FIGURE: label}
    if name == "gain":
        shown |= {MODEL_TABLE: "τ-b with gain", ABLATION_FIGURE: "agreement, τ-b with gain"}
        shown |= {AGREEMENT_TABLE: RANK_STATISTICS["tau"].heading}
    return _correlation(
        f"τ-b of attention and {label}, within texts",
        f"tau:{column}",
        shown=shown,
        ranked=int(name == "gain"),
        main=name == "gain",
    )


def _with_gain() -> dict[str, Statistic]:
    """The other rank statistics of attention and gain, and the ceiling of tau-b."""
    found = {}
    for name, statistic in RANK_STATISTICS.items():
        shown = {AGREEMENT_TABLE: statistic.heading} if statistic.heading else {}
        if name == "tau_permuted":
            shown |= dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "gain, weights permuted")
            label = "attainable ceiling of τ-b, attention and gain"
            heading = {AGREEMENT_TABLE: "ceiling of τ-b"}
            found["ceiling_gain"] = _share(label, "ceiling:linear_gain", shown=heading)
        if name != "tau":
            found[f"{name}_gain"] = _correlation(
                f"{statistic.label}, attention and gain",
                f"{name}:linear_gain",
                shown=shown,
                control=name == "tau_permuted",
            )
    return found


def _ranked_otherwise() -> dict[str, Statistic]:
    """The rank statistics that could take the place of tau-b, of all pointwise values but gain."""
    return {
        f"{statistic}_{measure}": _correlation(
            f"{label}, attention and {own.label}", f"{statistic}:{own.column}"
        )
        for measure, own in INFORMATION.items()
        for statistic, label in RANKED_BY.items()
        if measure != "gain" and statistic != "tau"
    }


def _concordance(sign: int, bin: int, kind: str = "{}") -> tuple[int, str, str]:
    return sign, f"{kind.format('concordant')}:{bin}", f"{kind.format('pairs')}:{bin}"


def _rise(bins: int, kind: str) -> tuple[tuple[int, str, str], ...]:
    return _concordance(1, bins - 1, kind), _concordance(-1, 0, kind)


# Bins of the gap between two weights: the name of the statistics, of their columns, and in words.
GAPS = {
    "concordance": ("{}", "gap decile of the run", GAP_BINS),
    "concordance_permuted": ("{}_permuted", "gap decile of the run, permuted", GAP_BINS),
    "concordance_study": ("study_{}", "gap decile of the data set", GAP_BINS),
    "concordance_absolute": ("absolute_{}", "gap below 0.001, 0.01, 0.1, 1:", ABSOLUTE_BINS),
}


def _found_by(name: str, column: str, label: str) -> Statistic:
    heading = {
        "attention": "rated words, attention",
        "gain": "rated words, gain",
        "permuted": "rated words, weights permuted",
        "rarity": "rated words, rarity",
    }.get(name)
    return _mean(
        f"average precision of finding rated words by {label}, above chance",
        f"ap_lift:{column}",
        signed=True,
        bounds=(-1, 1),
        shown={MEASURE_TABLE: heading} if heading else {},
        control=name in ("permuted", "rarity"),
    )


STATISTICS: dict[str, Statistic] = {
    **{
        f"information_{index}{'' if estimator == 'linear' else f'_{estimator}'}": _usable(
            estimator, index
        )
        for estimator in IN_STATISTICS
        for index in ("position", "rank", "instance")
    },
    **{f"tau_{name}": _of_attention(name, *own) for name, own in COMPARED.items()},
    **_with_gain(),
    **_ranked_otherwise(),
    "tau_gain_gradient": _correlation(
        "τ-b of gain and gradient × input", "tau:linear_gain~gradient"
    ),
    "tau_gain_leave_one_out": _correlation(
        "τ-b of gain and leave-one-out", "tau:linear_gain~leave_one_out"
    ),
    "tau_gradient_leave_one_out": _correlation(
        "τ-b of gradient × input and leave-one-out", "tau:gradient~leave_one_out"
    ),
    "tau_position": _correlation(
        "τ-b of attention and position",
        "tau:position",
        shown=dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "position"),
        control=True,
    ),
    "tau_frequency": _correlation(
        "τ-b of attention and log-frequency",
        "tau:frequency",
        shown=dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "word frequency"),
        control=True,
    ),
    "entropy_ratio": _share(
        "entropy of attention / entropy of equal weights",
        "entropy_ratio",
        shown={MODEL_TABLE: "entropy ratio", SKEW_FIGURE: "entropy / that of\nequal weights"},
        main=True,
    ),
    **{
        f"entropy_ratio_at_{t}": _share(
            f"entropy ratio of the scores tempered afterwards to {t}", f"entropy_ratio_at:{t}"
        )
        for t in COLD
    },
    "max_weight": _share(
        "largest weight in a text", "max_weight", shown={SKEW_FIGURE: "largest weight"}
    ),
    "gini": _share(
        "Gini coefficient of the weights", "gini", shown={SKEW_FIGURE: "Gini coefficient"}
    ),
    "effective_tokens": _mean("effective number of tokens", "effective_tokens", bounds=(1, None)),
    "accuracy": _share(
        "test accuracy",
        "correct",
        shown=dict.fromkeys((MODEL_TABLE, ABLATION_FIGURE), "test accuracy"),
        main=True,
    ),
    # Defined where it is known which tokens decide the label.
    "hit_attention": _share("texts whose most attended token is decisive", "hit_attention"),
    "hit_gain": _share("texts whose token of largest gain is decisive", "hit_gain"),
    "decisive_attention": _share("weight on the decisive tokens", "decisive_attention"),
    "decisive_gain": _mean("gain, decisive tokens − others, nats", "decisive_gain", signed=True),
    # Defined where a lexicon rates words, or the decisive tokens are known.
    **{f"plausibility_{name}": _found_by(name, *own) for name, own in FINDERS.items()},
    **{
        f"plausibility_auc_{name}": _share(f"ROC AUC of rated words by {label}", f"auc:{column}")
        for name, (column, label) in FINDERS.items()
    },
    "plausibility_chance": _share("average precision of rated words in random order", "ap_chance"),
    **{
        name.replace("concordance", "concordance_rise"): Statistic(
            f"concordance, largest − smallest {label}",
            _rise(bins, kind),
            signed=True,
            bounds=(-1, 1),
        )
        for name, (kind, label, bins) in GAPS.items()
    },
    **{
        f"concordance_rise_{name}": Statistic(
            f"concordance with {own.label}, largest − smallest gap decile of the run",
            _rise(GAP_BINS, f"{{}}@{own.column}"),
            signed=True,
            bounds=(-1, 1),
        )
        for name, own in INFORMATION.items()
        if name != "gain"
    },
    **{
        f"{name}_{bin}": Statistic(
            f"concordance, {label} {bin + 1}", (_concordance(1, bin, kind),), bounds=(0, 1)
        )
        for name, (kind, label, bins) in GAPS.items()
        for bin in range(bins)
    },
    **{
        f"gap_{bin}": _share(f"mean gap, decile {bin + 1}", f"gap:{bin}") for bin in range(GAP_BINS)
    },
    **{
        f"gap_study_{bin}": _share(
            f"mean gap, decile {bin + 1} of the data set", f"study_gap:{bin}"
        )
        for bin in range(GAP_BINS)
    },
}

RATIONALE_SCORES = {"auprc": "AUPRC", "token_f1": "token F1", "iou_f1": "IOU F1"}


def given_statistics(columns: Iterable[str]) -> dict[str, Statistic]:
    """The statistics of what the data of a study bring, by the columns of a table of texts.

    A table of scores names its measures, so their statistics are known from the tables alone:
    `tau_` and `plausibility_` of each, as of the study's own measures. The scores by human
    rationales are `rationale_<score>_<measure>`, and above chance
    `rationale_<score>_lift_<measure>`.
    """
    finders = {column: (name, label) for name, (column, label) in FINDERS.items()}
    found = {}
    for column in columns:
        if column == "squared_error":
            deviation = "squared_deviation"
            terms = ((1, deviation, deviation), (-1, column, deviation))
            found["r_squared"] = Statistic("R² on the test texts", terms, bounds=(None, 1))
        kind, _, measure = column.partition(":")
        score = kind.removesuffix("_chance").removesuffix("_lift")
        if score in RATIONALE_SCORES:
            name, label = finders.get(measure, (measure, label_of(measure)))
            words = f"{RATIONALE_SCORES[score]} of marked tokens"
            if kind.endswith("_chance"):
                found[f"rationale_{kind}"] = _share(f"{words} in random order", column)
            elif kind.endswith("_lift"):
                found[f"rationale_{kind}_{name}"] = _mean(
                    f"{words} by {label}, above chance", column, signed=True, bounds=(-1, 1)
                )
            else:
                found[f"rationale_{kind}_{name}"] = _share(f"{words} by {label}", column)
        if not measure.startswith(GIVEN) or "~" in measure:
            continue
        label = label_of(measure)
        if kind == "tau":
            found[f"tau_{measure}"] = _of_attention(measure, measure, label)
        elif kind == "ap_lift":
            found[f"plausibility_{measure}"] = _found_by(measure, measure, label)
        elif kind == "auc":
            found[f"plausibility_auc_{measure}"] = _share(
                f"ROC AUC of rated words by {label}", column
            )
    return found


RANKED = tuple(
    sorted((n for n, s in STATISTICS.items() if s.ranked), key=lambda n: STATISTICS[n].ranked)
)
MAIN = tuple(name for name, own in STATISTICS.items() if own.main)


def shown_in(place: str) -> dict[str, str]:
    """The statistics that a table or figure shows, each with its heading there."""
    return {name: own.shown[place] for name, own in STATISTICS.items() if place in own.shown}


def format_of(name: str) -> str:
    """How the page writes the values of a statistic: three decimals, a sign if it is signed."""
    return "+.3f" if STATISTICS[name].signed else ".3f"


def table() -> str:
    """All statistics as a Markdown table, for the documentation."""
    lines = ["| statistic | what it is | range |", "|---|---|---|"]
    for name, own in STATISTICS.items():
        low, high = ("" if bound is None else f"{bound:g}" for bound in own.bounds)
        lines.append(f"| `{name}` | {own.label} | {low} … {high} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
