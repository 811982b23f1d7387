"""Do some combinations agree better? The paper's example against other scorers, other encoders."""

from dataclasses import replace

from attinfo.blocks.measures import MEASURES
from attinfo.claims.alternatives import AGREEMENT
from attinfo.claims.compared import COMPARED
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
from attinfo.claims.run_statistics import STATISTICS

_BILSTM, _ADDITIVE = "encoder == 'bilstm'", "attention == 'additive'"
_EXAMPLE = both(_BILSTM, _ADDITIVE, TRAINED)
_OTHERS = {  # what the example is compared with
    "other scorers on the BiLSTM": both(_BILSTM, "attention != 'additive'", TRAINED),
    "other encoders with additive": both("encoder != 'bilstm'", _ADDITIVE, TRAINED),
    "all other combinations": both(f"not ({both(_BILSTM, _ADDITIVE)})", TRAINED),
}
_SCORERS, _ENCODERS, _EVERYTHING = _OTHERS
_ABOUT = {
    _SCORERS: "between scorers on the BiLSTM",
    _ENCODERS: "between encoders",
    _EVERYTHING: "between combinations",
}
_MEASURES = {"tau_gain": "agreement", "tau_pvi": "agreement by pvi"}

# Other measures that attention is no part of, and the agreement with what could explain it.
_STATISTICS = (
    *(
        f"tau_{name}"
        for name in COMPARED
        if f"tau_{name}" not in _MEASURES
        and not (name in MEASURES and MEASURES[name].holds_weights)
    ),
    *(f"partial_{control}_gain" for control in ("position", "frequency")),
)


def _above(others: str, statistic: str = "tau_gain") -> Contrast:
    label = _MEASURES.get(statistic) or STATISTICS[statistic].label
    return Contrast(
        f"{label}: BiLSTM with additive above {others}",
        versus(statistic, _EXAMPLE, _OTHERS[others]),
        ("normaliser",),
        about=_ABOUT[others],
    )


_PRIMARY = replace(_above(_SCORERS), primary=True)
CONCLUSION = Conclusion(
    statement="Some building blocks, such as BiLSTM with Additive attention, keep the two orders "
    "better correlated",
    question="Does the paper’s example, a BiLSTM with additive attention, rank the words as "
    "information does better than other scorers on the BiLSTM, and better than other encoders "
    "with additive attention?",
    finding="Among models with a BiLSTM, the order of the words by additive attention agrees with "
    "the order by information {effect} than the order by other scorers, on a scale from −1 (the "
    "reverse order) to +1 (the same order).",
    more="more",
    less="less",
    declared=(
        _PRIMARY,
        replace(_above(_SCORERS, "tau_pvi"), co_primary=True),
        replace(
            _above(_ENCODERS),
            co_primary=True,
            finding="Among models with additive attention, the two orders agree {effect} on a "
            "BiLSTM than on other encoders.",
        ),
        replace(_above(_ENCODERS, "tau_pvi"), co_primary=True),
        *(_above(_EVERYTHING, statistic) for statistic in _MEASURES),
        *(_above(_ENCODERS, statistic) for statistic in _STATISTICS),
        *(_above(_SCORERS, statistic) for statistic in _STATISTICS),
        *(
            control
            for others in (_SCORERS, _ENCODERS)
            for control in (*controls(_above(others)), trained_enough(_above(others)))
        ),
    ),
    specifications=tuple(
        Specification((("compared with", others), *choices), measured(_above(others), statistic))
        for others in _OTHERS
        for choices, statistic in AGREEMENT
    ),
)
