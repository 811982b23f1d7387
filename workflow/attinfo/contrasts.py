"""The paper's five conclusions as contrasts, declared before any result.

A contrast is the difference of one statistic between two sets of cells that are alike in
everything named in `within`, paired by data set and seed. Each is worded so that a positive
effect supports the conclusion.
"""

from dataclasses import dataclass

from attinfo.agreement import GAP_BINS


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


def _concordance(sign: int, bin: int) -> tuple[int, str, str]:
    return sign, f"concordant:{bin}", f"pairs:{bin}"


STATISTICS = {
    "information_position": _usable("linear", "position"),
    "information_rank": _usable("linear", "rank"),
    "information_instance": _usable("linear", "instance"),
    "information_position_knn": _usable("knn", "position"),
    "tau_gain": _mean("τ-b of attention and gain, within texts", "tau:linear_gain"),
    "tau_pvi": _mean("τ-b of attention and pvi, within texts", "tau:linear_pvi"),
    "tau_knn": _mean("τ-b of attention and kNN pvi, within texts", "tau:knn_pvi"),
    "entropy_ratio": _mean("entropy of attention / entropy of equal weights", "entropy_ratio"),
    "max_weight": _mean("largest weight in a text", "max_weight"),
    "gini": _mean("Gini coefficient of the weights", "gini"),
    "accuracy": _mean("test accuracy", "correct"),
    # Where it is known which tokens decide the label; undefined elsewhere.
    "hit_attention": _mean("texts whose most attended token is decisive", "hit_attention"),
    "hit_gain": _mean("texts whose token of largest gain is decisive", "hit_gain"),
    "decisive_attention": _mean("weight on the decisive tokens", "decisive_attention"),
    "decisive_gain": _mean("gain, decisive tokens − others, nats", "decisive_gain"),
    "concordance_rise": Statistic(
        "concordance, largest − smallest gap decile",
        (_concordance(1, GAP_BINS - 1), _concordance(-1, 0)),
    ),
    **{
        f"concordance_{bin}": Statistic(
            f"concordance, gap decile {bin + 1}", (_concordance(1, bin),)
        )
        for bin in range(GAP_BINS)
    },
    **{f"gap_{bin}": _mean(f"mean gap, decile {bin + 1}", f"gap:{bin}") for bin in range(GAP_BINS)},
}


@dataclass(frozen=True)
class Contrast:
    """One comparison: `plus` against `minus` (or against `value`), among the runs of `among`.

    The sets are pandas queries over the columns dataset, encoder, attention, normaliser, kind
    and temperature (of the normaliser), variant and seed.
    """

    claim: str
    statement: str
    statistic: str
    plus: str
    minus: str | None = None
    within: tuple[str, ...] = ()
    among: str = "variant == 'trained'"
    sign: int = 1
    value: float = 0.0
    primary: bool = False


CONCLUSIONS = {
    "i": "Additive and Deep attention preserve more information between hidden states and "
    "output than Scaled Dot-product",
    "ii": "Additive attention actively learns to explain",
    "iii": "Where attention values are nearly equal, their order disagrees with the "
    "information order",
    "iv": "Gumbel-softmax below temperature one gives more skewed attention than softmax",
    "v": "Some building blocks, such as BiLSTM with Additive attention, keep the two orders "
    "better correlated",
}

_LEARNT = "attention in ['additive', 'deep']"
_DOT = "attention == 'scaled_dot'"
_ANY = "variant in ['trained', 'frozen_scorer', 'permuted', 'label_shuffled']"
_COLD_GUMBEL = "kind == 'gumbel_softmax' and temperature < 1"
_EXAMPLE = "encoder == 'bilstm' and attention == 'additive'"


def _preserve(statistic: str, statement: str, primary: bool = False) -> Contrast:
    blocks = ("encoder", "normaliser")
    return Contrast("i", statement, statistic, _LEARNT, _DOT, blocks, primary=primary)


def _learns(scorer: str, ablation: str, statement: str, primary: bool = False) -> Contrast:
    trained = f"attention == '{scorer}' and variant == 'trained'"
    ablated = f"attention == '{scorer}' and variant == '{ablation}'"
    blocks = ("encoder", "normaliser")
    return Contrast("ii", statement, "tau_gain", trained, ablated, blocks, _ANY, primary=primary)


CONTRASTS = (
    _preserve(
        "information_position", "I/H by position: additive and deep above scaled dot", primary=True
    ),
    _preserve("information_rank", "I/H by attention rank: additive and deep above scaled dot"),
    _preserve("information_instance", "I/H over all tokens: additive and deep above scaled dot"),
    _preserve(
        "information_position_knn",
        "I/H by position, nearest neighbours: additive and deep above scaled dot",
    ),
    _learns(
        "additive",
        "frozen_scorer",
        "agreement: trained additive scorer above the same scorer frozen at random",
        primary=True,
    ),
    _learns("additive", "permuted", "agreement: trained additive weights above the same permuted"),
    _learns(
        "additive", "label_shuffled", "agreement: additive trained on labels above shuffled labels"
    ),
    _learns("deep", "frozen_scorer", "agreement: trained deep scorer above frozen"),
    _learns("scaled_dot", "frozen_scorer", "agreement: trained scaled-dot scorer above frozen"),
    Contrast(
        "iii",
        "concordance with information: pairs in the largest gap decile above the smallest",
        "concordance_rise",
        plus="variant == 'trained'",
        primary=True,
    ),
    Contrast(
        "iii",
        "chance (one half) above the concordance in the smallest gap decile",
        "concordance_0",
        plus="variant == 'trained'",
        value=0.5,
        sign=-1,
    ),
    Contrast(
        "iv",
        "entropy of attention: softmax above Gumbel-softmax at temperature < 1",
        "entropy_ratio",
        plus="normaliser == 'softmax'",
        minus=_COLD_GUMBEL,
        within=("encoder", "attention"),
        primary=True,
    ),
    Contrast(
        "iv",
        "entropy of attention: softmax above Gumbel-softmax of the same temperature",
        "entropy_ratio",
        plus="kind == 'softmax' and temperature < 1",
        minus=_COLD_GUMBEL,
        within=("encoder", "attention", "temperature"),
    ),
    Contrast(
        "iv",
        "Gini of attention: Gumbel-softmax at temperature < 1 above softmax",
        "gini",
        plus=_COLD_GUMBEL,
        minus="normaliser == 'softmax'",
        within=("encoder", "attention"),
    ),
    Contrast(
        "v",
        "agreement: BiLSTM with additive above the other encoders and scorers",
        "tau_gain",
        plus=_EXAMPLE,
        minus=f"not ({_EXAMPLE})",
        within=("normaliser",),
        primary=True,
    ),
    Contrast(
        "v",
        "agreement by pvi: BiLSTM with additive above the other encoders and scorers",
        "tau_pvi",
        plus=_EXAMPLE,
        minus=f"not ({_EXAMPLE})",
        within=("normaliser",),
    ),
    Contrast(
        "v",
        "agreement: BiLSTM with additive above the per-token MLP with additive",
        "tau_gain",
        plus=_EXAMPLE,
        minus="encoder == 'mlp' and attention == 'additive'",
        within=("normaliser",),
    ),
)
