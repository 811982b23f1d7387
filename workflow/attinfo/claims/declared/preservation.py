"""Do additive and deep attention preserve more information? I/H by each index and estimator."""

from itertools import product

from attinfo.claims.compared import IN_STATISTICS
from attinfo.claims.contrast import (
    TRAINED,
    Conclusion,
    Contrast,
    Specification,
    both,
    controls,
    measured,
    trained_enough,
    versus,
)

_INDEXES = {
    "position": "by position",
    "rank": "by attention rank",
    "instance": "over all tokens",
}
_RICH = both("attention in ['additive', 'deep']", TRAINED)
_PLAIN = both("attention == 'scaled_dot'", TRAINED)
_COLD_GUMBEL = "kind == 'gumbel_softmax' and temperature < 1"
_SOFTMAX = "normaliser == 'softmax'"


def _statistic(index: str, estimator: str) -> str:
    return f"information_{index}{'' if estimator == 'linear' else f'_{estimator}'}"


def _preserve(index: str, estimator: str, primary: bool = False) -> Contrast:
    how = "" if estimator == "linear" else f", {IN_STATISTICS[estimator].label}"
    return Contrast(
        f"I/H {_INDEXES[index]}{how}: additive and deep above scaled dot",
        versus(_statistic(index, estimator), _RICH, _PLAIN),
        ("encoder", "normaliser"),
        primary=primary,
    )


_PRIMARY = _preserve("position", "linear", primary=True)
CONCLUSION = Conclusion(
    statement="Additive and Deep attention preserve more information between hidden states and "
    "output than Scaled Dot-product",
    question="Do the hidden states hold more information about the model’s decision under additive "
    "and deep attention than under scaled dot-product attention?",
    finding="Of the uncertainty about the decision, a state under additive or deep attention "
    "removes {effect} than a state under scaled dot-product attention.",
    more="more",
    less="less",
    scale=100,
    unit=" percentage points",
    decimals=1,
    declared=(
        _PRIMARY,
        Contrast(
            "I/H by position, {}: additive and deep above scaled dot",
            _PRIMARY.sides,
            ("normaliser",),
            by="encoder",
        ),
        Contrast(
            "I/H by position, under {}: additive and deep above scaled dot",
            _PRIMARY.sides,
            ("encoder",),
            by="normaliser",
        ),
        Contrast(
            "I/H by position: the same difference, larger under Gumbel-softmax at temperature < 1 "
            "than under softmax",
            (
                *versus(_PRIMARY.statistic, both(_RICH, _COLD_GUMBEL), both(_PLAIN, _COLD_GUMBEL)),
                *versus(_PRIMARY.statistic, both(_PLAIN, _SOFTMAX), both(_RICH, _SOFTMAX)),
            ),
            ("encoder",),
            finding="Under Gumbel-softmax below temperature one this difference is {effect} than "
            "under softmax.",
        ),
        *(
            _preserve(index, estimator)
            for estimator, index in product(IN_STATISTICS, _INDEXES)
            if (estimator, index) != ("linear", "position")
        ),
        *controls(_PRIMARY),
        trained_enough(_PRIMARY),
    ),
    specifications=tuple(
        Specification(
            (("estimator", own.label or name), ("index", index)),
            measured(_PRIMARY, _statistic(index, name)),
        )
        for index in _INDEXES
        for name, own in IN_STATISTICS.items()
    ),
)
