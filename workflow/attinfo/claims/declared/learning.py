"""Does additive attention learn to explain? The trained scorer against its ablations."""

from itertools import product

from attinfo.claims.alternatives import AGREEMENT
from attinfo.claims.contrast import (
    Conclusion,
    Contrast,
    Specification,
    both,
    measured,
    trained_enough,
    versus,
)

ABLATIONS = {
    "frozen_scorer": "the same frozen at random",
    "refitted_scorer": "one trained alone on the finished states",
    "untrained": "the untrained model",
    "permuted": "the same weights permuted",
    "label_shuffled": "the same trained on shuffled labels",
}
_BLOCKS = ("encoder", "normaliser")
_SCORERS = ("additive", "deep", "scaled_dot")


def _of(scorer: str, variant: str) -> str:
    return both(f"attention == '{scorer}'", f"variant == '{variant}'")


def _learns(scorer: str, ablation: str, primary: bool = False) -> Contrast:
    name = scorer.replace("_", " ")
    sides = versus("tau_gain", _of(scorer, "trained"), _of(scorer, ablation))
    statement = f"agreement: trained {name} scorer above {ABLATIONS[ablation]}"
    return Contrast(statement, sides, _BLOCKS, primary=primary)


def _gains(scorer: str, statistic: str, label: str) -> Contrast:
    # Uniform attention has no order. These two statistics show what training attention adds.
    sides = versus(statistic, _of(scorer, "trained"), _of(scorer, "uniform"))
    name = scorer.replace("_", " ")
    statement = f"{label}: trained {name} attention above uniform attention in training"
    return Contrast(statement, sides, _BLOCKS)


_PRIMARY = _learns("additive", "frozen_scorer", primary=True)
CONCLUSION = Conclusion(
    statement="Additive attention actively learns to explain",
    question="Does training make additive attention rank the words as information does?",
    finding="The order of the words by trained attention agrees with the order by information "
    "{effect} than the order by a scorer that was frozen at random, on a scale from −1 (the "
    "reverse order) to +1 (the same order).",
    more="more",
    less="less",
    declared=(
        _PRIMARY,
        Contrast(
            "agreement by pvi: trained additive scorer above the same frozen at random",
            measured(_PRIMARY, "tau_pvi").sides,
            _BLOCKS,
        ),
        Contrast(
            "agreement, {}: trained additive scorer above the same frozen at random",
            _PRIMARY.sides,
            ("normaliser",),
            by="encoder",
        ),
        *(
            _learns(scorer, ablation)
            for scorer, ablation in product(_SCORERS, ABLATIONS)
            if (scorer, ablation) != ("additive", "frozen_scorer")
        ),
        Contrast(
            "agreement: additive scorer trained alone on finished states above frozen at random",
            versus(
                "tau_gain", _of("additive", "refitted_scorer"), _of("additive", "frozen_scorer")
            ),
            _BLOCKS,
        ),
        Contrast(
            "agreement: training raises the additive scorer more than the scaled-dot one",
            (
                *versus("tau_gain", _of("additive", "trained"), _of("additive", "frozen_scorer")),
                *versus(
                    "tau_gain", _of("scaled_dot", "frozen_scorer"), _of("scaled_dot", "trained")
                ),
            ),
            _BLOCKS,
        ),
        *(
            _gains(scorer, statistic, label)
            for scorer in _SCORERS
            for statistic, label in (
                ("information_position", "I/H by position"),
                ("accuracy", "accuracy"),
            )
        ),
        trained_enough(_PRIMARY),
    ),
    specifications=tuple(
        Specification(choices, measured(_PRIMARY, statistic)) for choices, statistic in AGREEMENT
    ),
)
