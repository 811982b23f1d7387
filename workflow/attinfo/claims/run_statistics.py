"""What is measured of every run: numbers made of the columns of its table of texts."""

from dataclasses import dataclass

from attinfo.agreement.gaps import GAP_BINS

MEASURES = {  # what attention is compared with, by the name of its column
    "gain": ("linear_gain", "gain"),
    "pvi": ("linear_pvi", "pvi"),
    "knn": ("knn_pvi", "kNN pvi"),
    "gradient": ("gradient", "gradient × input"),
    "integrated_gradients": ("integrated_gradients", "integrated gradients"),
    "leave_one_out": ("leave_one_out", "leave-one-out"),
    "attention_norm": ("attention_norm", "attention × state norm"),
}
RANKINGS = {  # what rated words are sought by; the last two are controls
    "attention": ("attention", "attention"),
    **MEASURES,
    "permuted": ("permuted", "permuted attention"),
    "rarity": ("rarity", "rarity of the word"),
}
AGREEMENTS = {  # beside plain τ-b, for gain
    "weighted_tau": "weighted τ",
    "spearman": "Spearman's ρ",
    "pearson": "Pearson's r",
    "topk_overlap": "overlap of the top k",
    "topk_tau": "τ-b over the top k",
    "tau_support": "τ-b over tokens of weight above 0",
    "partial_position": "τ-b with position held fixed",
    "partial_frequency": "τ-b with log-frequency held fixed",
    "ceiling": "attainable ceiling of τ-b",
    "tau_permuted": "τ-b of permuted attention",
}
COLD = ("0.1", "0.5")  # temperatures below one with contrasts of their own; the primary has all


@dataclass(frozen=True)
class Statistic:
    """A number per run, as a signed sum of ratios of sums over texts.

    `terms` hold a sign, a column and its count column; without one the column is averaged over
    the texts in which it is defined. `per_entropy` divides by the entropy of the run's output.
    """

    label: str
    terms: tuple[tuple[int, str, str | None], ...]
    per_entropy: bool = False


def _usable(estimator: str, index: str) -> Statistic:
    suffix = "" if index == "instance" else f"_{index}"
    column = f"{estimator}_pvi{suffix}"
    terms = ((1, f"sum:{column}", f"count:{column}"),)
    return Statistic(f"I/H(Ŷ), {estimator}, by {index}", terms, per_entropy=True)


def _mean(label: str, column: str) -> Statistic:
    return Statistic(label, ((1, column, None),))


def _concordance(sign: int, bin: int, kind: str = "{}") -> tuple[int, str, str]:
    return sign, f"{kind.format('concordant')}:{bin}", f"{kind.format('pairs')}:{bin}"


def _rise(kind: str = "{}") -> tuple[tuple[int, str, str], ...]:
    return _concordance(1, GAP_BINS - 1, kind), _concordance(-1, 0, kind)


# Bins of the gap of two weights: name of the statistics, of their columns, and in words.
GAPS = {
    "concordance": ("{}", "gap decile of the run", GAP_BINS),
    "concordance_permuted": ("{}_permuted", "gap decile of the run, permuted", GAP_BINS),
    "concordance_study": ("study_{}", "gap decile of the data set", GAP_BINS),
    "concordance_absolute": ("absolute_{}", "gap below 0.001, 0.01, 0.1, 1:", 4),
}


STATISTICS = {
    **{
        f"information_{index}{'_knn' * (estimator == 'knn')}": _usable(estimator, index)
        for estimator in ("linear", "knn")
        for index in ("position", "rank", "instance")
    },
    **{
        f"tau_{name}": _mean(f"τ-b of attention and {label}, within texts", f"tau:{column}")
        for name, (column, label) in MEASURES.items()
    },
    **{
        f"{name}_gain": _mean(f"{label}, attention and gain", f"{name}:linear_gain")
        for name, label in AGREEMENTS.items()
    },
    "tau_gain_gradient": _mean("τ-b of gain and gradient × input", "tau:linear_gain~gradient"),
    "tau_gain_leave_one_out": _mean(
        "τ-b of gain and leave-one-out", "tau:linear_gain~leave_one_out"
    ),
    "tau_gradient_leave_one_out": _mean(
        "τ-b of gradient × input and leave-one-out", "tau:gradient~leave_one_out"
    ),
    "tau_position": _mean("τ-b of attention and position", "tau:position"),
    "tau_frequency": _mean("τ-b of attention and log-frequency", "tau:frequency"),
    "entropy_ratio": _mean("entropy of attention / entropy of equal weights", "entropy_ratio"),
    **{
        f"entropy_ratio_at_{t}": _mean(
            f"entropy ratio of the scores tempered afterwards to {t}", f"entropy_ratio_at:{t}"
        )
        for t in COLD
    },
    "max_weight": _mean("largest weight in a text", "max_weight"),
    "gini": _mean("Gini coefficient of the weights", "gini"),
    "effective_tokens": _mean("effective number of tokens", "effective_tokens"),
    "accuracy": _mean("test accuracy", "correct"),
    # Where it is known which tokens decide the label; undefined elsewhere.
    "hit_attention": _mean("texts whose most attended token is decisive", "hit_attention"),
    "hit_gain": _mean("texts whose token of largest gain is decisive", "hit_gain"),
    "decisive_attention": _mean("weight on the decisive tokens", "decisive_attention"),
    "decisive_gain": _mean("gain, decisive tokens − others, nats", "decisive_gain"),
    # Where a human yardstick rates words, or the decisive ones are known; undefined elsewhere.
    **{
        f"plausibility_{name}": _mean(
            f"average precision of finding rated words by {label}, above chance",
            f"ap_lift:{column}",
        )
        for name, (column, label) in RANKINGS.items()
    },
    **{
        f"plausibility_auc_{name}": _mean(f"ROC AUC of rated words by {label}", f"auc:{column}")
        for name, (column, label) in RANKINGS.items()
    },
    "plausibility_chance": _mean("average precision of rated words in random order", "ap_chance"),
    **{
        name.replace("concordance", "concordance_rise"): Statistic(
            f"concordance, largest − smallest {label}", _rise(kind)
        )
        for name, (kind, label, bins) in GAPS.items()
        if bins == GAP_BINS
    },
    **{
        f"{name}_{bin}": Statistic(f"concordance, {label} {bin + 1}", (_concordance(1, bin, kind),))
        for name, (kind, label, bins) in GAPS.items()
        for bin in range(bins)
    },
    **{f"gap_{bin}": _mean(f"mean gap, decile {bin + 1}", f"gap:{bin}") for bin in range(GAP_BINS)},
    **{
        f"gap_study_{bin}": _mean(f"mean gap, decile {bin + 1} of the data set", f"study_gap:{bin}")
        for bin in range(GAP_BINS)
    },
}
