"""Do nearly equal weights order tokens as information does? Concordance by the gap of weights."""

from attinfo.claims.alternatives import CONCORDANCE
from attinfo.claims.contrast import (
    TRAINED,
    Conclusion,
    Contrast,
    Side,
    Specification,
    measured,
    trained_enough,
    versus,
)

CHANCE = 0.5  # concordance of unrelated orders
CHANCE_MARGIN = 0.05  # a concordance within 0.5 ± 0.05 is "at chance"
_PRIMARY = Contrast(
    "concordance with information: pairs in the largest gap decile above the smallest",
    (Side(1, TRAINED, "concordance_rise"),),
    primary=True,
)


def _at_chance(statement: str, statistic: str, finding: str = "") -> Contrast:
    """A concordance is at chance in each run: opposite deviations do not cancel."""
    return Contrast(
        f"each run: {statement} is at chance, {CHANCE:g} ± {CHANCE_MARGIN:g}",
        (Side(1, TRAINED, statistic),),
        against=CHANCE,
        margin=CHANCE_MARGIN,
        each=True,
        finding=finding,
    )


CONCLUSION = Conclusion(
    statement="Where attention values are nearly equal, their order disagrees with the "
    "information order",
    question="Is the order of two words by attention less often their order by information where "
    "the two weights are nearly equal?",
    finding="Pairs of words with very different weights are in the order of their information "
    "{effect} often than pairs with nearly equal weights.",
    more="more",
    less="less",
    scale=100,
    unit=" percentage points",
    decimals=1,
    declared=(
        _PRIMARY,
        _at_chance(
            "concordance in the smallest gap decile",
            "concordance_0",
            finding="If the order of nearly equal weights meant nothing, half of the pairs in the "
            "smallest gap decile would be in the order of their information, in every run.",
        ),
        _at_chance("concordance of weights within 0.001", "concordance_absolute_0"),
        Contrast(
            "rise of concordance from smallest to largest gaps, {}",
            _PRIMARY.sides,
            by="encoder",
        ),
        Contrast(
            "rise of concordance by pvi",
            measured(_PRIMARY, "concordance_rise_pvi").sides,
        ),
        Contrast(
            "rise of concordance over deciles of the whole data set",
            (Side(1, TRAINED, "concordance_rise_study"),),
        ),
        Contrast(
            "rise of concordance from smallest to largest gaps: above that of permuted attention",
            versus("concordance_rise", TRAINED, TRAINED, "concordance_rise_permuted"),
            ("encoder", "attention", "normaliser"),
        ),
        Contrast(
            f"permuted attention: no rise of concordance, 0 ± {CHANCE_MARGIN:g}",
            (Side(1, TRAINED, "concordance_rise_permuted"),),
            margin=CHANCE_MARGIN,
        ),
        trained_enough(_PRIMARY),
    ),
    specifications=tuple(
        Specification(choices, measured(_PRIMARY, statistic)) for choices, statistic in CONCORDANCE
    ),
)
