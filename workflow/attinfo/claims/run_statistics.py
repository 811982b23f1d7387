"""The statistics of a run: numbers that are made from the columns of its table of texts.

To add a statistic, add an entry to `STATISTICS`. The statistic is then in `runs.csv` and
`cells.csv`. Its other fields say which tables and figures show it, whether cells are ranked by it,
and whether studies are compared by it.
"""

from attinfo.agreement.gaps import ABSOLUTE_BINS, GAP_BINS
from attinfo.agreement.rank_statistics import RANK_STATISTICS
from attinfo.claims.compared import (
    COMPARED,
    FINDERS,
    IN_STATISTICS,
    INFORMATION,
    RANKED_BY,
)
from attinfo.claims.statistic import (
    ABLATION_FIGURE,
    AGREEMENT_TABLE,
    MEASURE_FIGURE,
    MEASURE_TABLE,
    MODEL_TABLE,
    SKEW_FIGURE,
    Statistic,
    correlation,
    found_by,
    mean,
    of_attention,
    share,
)

COLD = ("0.1", "0.5")  # temperatures below one that have contrasts of their own


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


def _with_gain() -> dict[str, Statistic]:
    """The other rank statistics of attention and gain, and the ceiling of tau-b."""
    found = {}
    for name, statistic in RANK_STATISTICS.items():
        shown = {AGREEMENT_TABLE: statistic.heading} if statistic.heading else {}
        if name == "tau_permuted":
            shown |= dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "gain, weights permuted")
            label = "attainable ceiling of τ-b, attention and gain"
            heading = {AGREEMENT_TABLE: "ceiling of τ-b"}
            found["ceiling_gain"] = share(label, "ceiling:linear_gain", shown=heading)
        if name != "tau":
            found[f"{name}_gain"] = correlation(
                f"{statistic.label}, attention and gain",
                f"{name}:linear_gain",
                shown=shown,
                control=name == "tau_permuted",
            )
    return found


def _ranked_otherwise() -> dict[str, Statistic]:
    """The rank statistics that could take the place of tau-b, of all pointwise values but gain."""
    return {
        f"{statistic}_{measure}": correlation(
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


STATISTICS: dict[str, Statistic] = {
    **{
        f"information_{index}{'' if estimator == 'linear' else f'_{estimator}'}": _usable(
            estimator, index
        )
        for estimator in IN_STATISTICS
        for index in ("position", "rank", "instance")
    },
    **{f"tau_{name}": of_attention(name, *own) for name, own in COMPARED.items()},
    **_with_gain(),
    **_ranked_otherwise(),
    "tau_gain_gradient": correlation(
        "τ-b of gain and gradient × input", "tau:linear_gain~gradient"
    ),
    "tau_gain_leave_one_out": correlation(
        "τ-b of gain and leave-one-out", "tau:linear_gain~leave_one_out"
    ),
    "tau_gradient_leave_one_out": correlation(
        "τ-b of gradient × input and leave-one-out", "tau:gradient~leave_one_out"
    ),
    "tau_position": correlation(
        "τ-b of attention and position",
        "tau:position",
        shown=dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "position"),
        control=True,
    ),
    "tau_frequency": correlation(
        "τ-b of attention and log-frequency",
        "tau:frequency",
        shown=dict.fromkeys((MEASURE_TABLE, MEASURE_FIGURE), "word frequency"),
        control=True,
    ),
    "entropy_ratio": share(
        "entropy of attention / entropy of equal weights",
        "entropy_ratio",
        shown={MODEL_TABLE: "entropy ratio", SKEW_FIGURE: "entropy / that of\nequal weights"},
        main=True,
    ),
    **{
        f"entropy_ratio_at_{t}": share(
            f"entropy ratio of the scores tempered afterwards to {t}", f"entropy_ratio_at:{t}"
        )
        for t in COLD
    },
    "max_weight": share(
        "largest weight in a text", "max_weight", shown={SKEW_FIGURE: "largest weight"}
    ),
    "gini": share(
        "Gini coefficient of the weights", "gini", shown={SKEW_FIGURE: "Gini coefficient"}
    ),
    "effective_tokens": mean("effective number of tokens", "effective_tokens", bounds=(1, None)),
    "accuracy": share(
        "test accuracy",
        "correct",
        shown=dict.fromkeys((MODEL_TABLE, ABLATION_FIGURE), "test accuracy"),
        main=True,
    ),
    # Defined where it is known which tokens decide the label.
    "hit_attention": share("texts whose most attended token is decisive", "hit_attention"),
    "hit_gain": share("texts whose token of largest gain is decisive", "hit_gain"),
    "decisive_attention": share("weight on the decisive tokens", "decisive_attention"),
    "decisive_gain": mean("gain, decisive tokens − others, nats", "decisive_gain", signed=True),
    # Defined where a lexicon rates words, or the decisive tokens are known.
    **{f"plausibility_{name}": found_by(name, *own) for name, own in FINDERS.items()},
    **{
        f"plausibility_auc_{name}": share(f"ROC AUC of rated words by {label}", f"auc:{column}")
        for name, (column, label) in FINDERS.items()
    },
    "plausibility_chance": share("average precision of rated words in random order", "ap_chance"),
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
    **{f"gap_{bin}": share(f"mean gap, decile {bin + 1}", f"gap:{bin}") for bin in range(GAP_BINS)},
    **{
        f"gap_study_{bin}": share(f"mean gap, decile {bin + 1} of the data set", f"study_gap:{bin}")
        for bin in range(GAP_BINS)
    },
}


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
