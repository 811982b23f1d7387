"""The paper's five conclusions as contrasts, declared before any result.

Each is worded so that a positive effect supports the conclusion, but for those with a margin,
which claim that there is no effect. To read them all:

    python -m attinfo.claims.conclusions
"""

from itertools import product

from attinfo.claims.contrast import Contrast, Side, controls, versus
from attinfo.claims.run_statistics import COLD, STATISTICS

ALL = "all"  # in a column `dataset`: the mean over the data sets of the study
CHANCE = 0.5  # concordance of orders that have nothing to do with each other
CHANCE_MARGIN = 0.05  # a concordance within 0.5 ± 0.05 is "at chance"

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


def _and(*conditions: str) -> str:
    return " and ".join(conditions)


TRAINED = "variant == 'trained'"


# (i) I/H by every index and both estimators.
def _preserve(index: str, estimator: str, primary: bool = False) -> Contrast:
    named = {"position": "by position", "rank": "by attention rank", "instance": "over all tokens"}
    how = ", nearest neighbours" * (estimator == "knn")
    sides = versus(
        f"information_{index}{'_knn' * (estimator == 'knn')}",
        _and("attention in ['additive', 'deep']", TRAINED),
        _and("attention == 'scaled_dot'", TRAINED),
    )
    statement = f"I/H {named[index]}{how}: additive and deep above scaled dot"
    return Contrast("i", statement, sides, ("encoder", "normaliser"), primary=primary)


_PRESERVE = _preserve("position", "linear", primary=True)
FIRST = [
    _PRESERVE,
    *(
        _preserve(index, estimator)
        for estimator, index in product(("linear", "knn"), ("position", "rank", "instance"))
        if (estimator, index) != ("linear", "position")
    ),
    *controls(_PRESERVE),
]


# (ii) The trained scorer against its ablations.
ABLATIONS = {
    "frozen_scorer": "the same frozen at random",
    "refitted_scorer": "one trained alone on the finished states",
    "untrained": "the untrained model",
    "permuted": "the same weights permuted",
    "label_shuffled": "the same trained on shuffled labels",
}
BLOCKS = ("encoder", "normaliser")


def _of(scorer: str, variant: str) -> str:
    return _and(f"attention == '{scorer}'", f"variant == '{variant}'")


def _learns(scorer: str, ablation: str, primary: bool = False) -> Contrast:
    name = scorer.replace("_", " ")
    sides = versus("tau_gain", _of(scorer, "trained"), _of(scorer, ablation))
    statement = f"agreement: trained {name} scorer above {ABLATIONS[ablation]}"
    return Contrast("ii", statement, sides, BLOCKS, primary=primary)


def _gains(scorer: str, statistic: str, label: str) -> Contrast:
    # Uniform attention orders nothing: what training attention brings shows in these two.
    sides = versus(statistic, _of(scorer, "trained"), _of(scorer, "uniform"))
    name = scorer.replace("_", " ")
    statement = f"{label}: trained {name} attention above uniform attention in training"
    return Contrast("ii", statement, sides, BLOCKS)


SCORERS = ("additive", "deep", "scaled_dot")
SECOND = [
    _learns("additive", "frozen_scorer", primary=True),
    *(
        _learns(scorer, ablation)
        for scorer, ablation in product(SCORERS, ABLATIONS)
        if (scorer, ablation) != ("additive", "frozen_scorer")
    ),
    Contrast(
        "ii",
        "agreement: additive scorer trained alone on finished states above frozen at random",
        versus("tau_gain", _of("additive", "refitted_scorer"), _of("additive", "frozen_scorer")),
        BLOCKS,
    ),
    Contrast(
        "ii",
        "agreement: training raises the additive scorer more than the scaled-dot one",
        (
            *versus("tau_gain", _of("additive", "trained"), _of("additive", "frozen_scorer")),
            *versus("tau_gain", _of("scaled_dot", "frozen_scorer"), _of("scaled_dot", "trained")),
        ),
        BLOCKS,
    ),
    *(
        _gains(scorer, statistic, label)
        for scorer in SCORERS
        for statistic, label in (
            ("information_position", "I/H by position"),
            ("accuracy", "accuracy"),
        )
    ),
]


# (iii) Concordance of pairs of tokens by the gap of their weights.
THIRD = [
    Contrast(
        "iii",
        "concordance with information: pairs in the largest gap decile above the smallest",
        (Side(1, TRAINED, "concordance_rise"),),
        primary=True,
    ),
    Contrast(
        "iii",
        f"concordance in the smallest gap decile is at chance, {CHANCE:g} ± {CHANCE_MARGIN:g}",
        (Side(1, TRAINED, "concordance_0"),),
        against=CHANCE,
        margin=CHANCE_MARGIN,
    ),
    Contrast(
        "iii",
        "rise of concordance over deciles of the whole data set",
        (Side(1, TRAINED, "concordance_rise_study"),),
    ),
    Contrast(
        "iii",
        f"concordance of weights within 0.001 is at chance, {CHANCE:g} ± {CHANCE_MARGIN:g}",
        (Side(1, TRAINED, "concordance_absolute_0"),),
        against=CHANCE,
        margin=CHANCE_MARGIN,
    ),
    Contrast(
        "iii",
        "rise of concordance from smallest to largest gaps: above that of permuted attention",
        versus("concordance_rise", TRAINED, TRAINED, "concordance_rise_permuted"),
        ("encoder", "attention", "normaliser"),
    ),
    Contrast(
        "iii",
        f"permuted attention: no rise of concordance, 0 ± {CHANCE_MARGIN:g}",
        (Side(1, TRAINED, "concordance_rise_permuted"),),
        margin=CHANCE_MARGIN,
    ),
]


# (iv) Skew, against three kinds of softmax.
SOFTMAX = _and("normaliser == 'softmax'", TRAINED)
GUMBEL = _and("kind == 'gumbel_softmax'", "temperature < 1", TRAINED)
TEMPERED = _and("kind == 'softmax'", "temperature < 1", TRAINED)
CELL = ("encoder", "attention")
SKEW = {  # statistic: label, and whether it grows with skew
    "entropy_ratio": ("entropy of attention", False),
    "gini": ("Gini of attention", True),
    "max_weight": ("largest weight", True),
    "effective_tokens": ("effective number of tokens", False),
}


def _skew(
    statistic: str,
    gumbel: str,
    other: str,
    named: tuple[str, str],
    within: tuple[str, ...] = CELL,
    afterwards: str | None = None,
    primary: bool = False,
) -> Contrast:
    """Gumbel-softmax more skewed than the other; `afterwards` is measured on the other side."""
    label, grows = SKEW[statistic]
    left, right = named
    if grows:
        sides = versus(statistic, gumbel, other)
        return Contrast("iv", f"{label}: {left} above {right}", sides, within, primary=primary)
    sides = versus(afterwards or statistic, other, gumbel, statistic)
    return Contrast("iv", f"{label}: {right} above {left}", sides, within, primary=primary)


def _cold(temperature: str) -> str:
    return _and("kind == 'gumbel_softmax'", f"temperature == {temperature}", TRAINED)


_ANY_COLD = "Gumbel-softmax at temperature < 1"
FOURTH = [
    _skew("entropy_ratio", GUMBEL, SOFTMAX, (_ANY_COLD, "softmax"), primary=True),
    *(_skew(s, GUMBEL, SOFTMAX, (_ANY_COLD, "softmax")) for s in list(SKEW)[1:]),
    *(
        _skew(
            s,
            GUMBEL,
            TEMPERED,
            (_ANY_COLD, "softmax of the same temperature"),
            (*CELL, "temperature"),
        )
        for s in SKEW
    ),
    *(
        _skew("entropy_ratio", _cold(t), SOFTMAX, (f"Gumbel-softmax at {t}", "softmax"))
        for t in COLD
    ),
    *(
        _skew(
            "entropy_ratio",
            _cold(t),
            SOFTMAX,
            (f"Gumbel-softmax at {t}", f"softmax whose scores are tempered afterwards to {t}"),
            afterwards=f"entropy_ratio_at_{t}",
        )
        for t in COLD
    ),
]


# (v) The paper's example against all other encoders and scorers, by several yardsticks.
EXAMPLE = "(encoder == 'bilstm' and attention == 'additive')"
YARDSTICKS = {
    "tau_gain": "agreement",
    "tau_pvi": "agreement by pvi",
    "tau_knn": "agreement by nearest neighbours",
    "tau_gradient": "agreement with gradient × input",
    "tau_integrated_gradients": "agreement with integrated gradients",
    "tau_leave_one_out": "agreement with leave-one-out",
    "weighted_tau_gain": "weighted τ",
    "pearson_gain": "Pearson's r",
    "topk_overlap_gain": "overlap of the top k",
    "partial_position_gain": "agreement with position held fixed",
    "partial_frequency_gain": "agreement with log-frequency held fixed",
}


def _correlates(statistic: str, primary: bool = False) -> Contrast:
    sides = versus(statistic, _and(EXAMPLE, TRAINED), _and(f"not {EXAMPLE}", TRAINED))
    statement = (
        f"{YARDSTICKS[statistic]}: BiLSTM with additive above the other encoders and scorers"
    )
    return Contrast("v", statement, sides, ("normaliser",), primary=primary)


_CORRELATES = _correlates("tau_gain", primary=True)
FIFTH = [
    _CORRELATES,
    *map(_correlates, list(YARDSTICKS)[1:]),
    Contrast(
        "v",
        "agreement: BiLSTM with additive above the per-token MLP with additive",
        versus(
            "tau_gain",
            _and(EXAMPLE, TRAINED),
            _and("encoder == 'mlp'", "attention == 'additive'", TRAINED),
        ),
        ("normaliser",),
    ),
    *controls(_CORRELATES),
]

CONTRASTS = (*FIRST, *SECOND, *THIRD, *FOURTH, *FIFTH)


def table() -> str:
    """All contrasts as a Markdown table."""
    lines = [
        "| claim | role | contrast | statistic | sides | alike in |",
        "|---|---|---|---|---|---|",
    ]
    for c in CONTRASTS:
        sides = " ".join(
            f"{'+' if side.weight > 0 else '−'} {side.statistic} [{side.runs}]" for side in c.sides
        )
        if c.against:
            sides += f" − {c.against:g}"
        alike = ", ".join(("data set", "seed", *c.within))
        label = STATISTICS[c.statistic].label
        lines.append(f"| ({c.claim}) | {c.role} | {c.statement} | {label} | `{sides}` | {alike} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
