"""Is attention more skewed with Gumbel-softmax than with softmax? At several temperatures."""

from dataclasses import replace

from attinfo.claims.contrast import (
    TRAINED,
    Conclusion,
    Contrast,
    Specification,
    both,
    trained_enough,
    versus,
)
from attinfo.claims.run_statistics import COLD

_SOFTMAX = both("normaliser == 'softmax'", TRAINED)
_GUMBEL = both("kind == 'gumbel_softmax'", "temperature < 1", TRAINED)
_TEMPERED = both("kind == 'softmax'", "temperature < 1", TRAINED)
_WITHIN = ("encoder", "attention")
_SKEW = {  # statistic: its label, and whether it grows with skew
    "entropy_ratio": ("entropy of attention", False),
    "gini": ("Gini of attention", True),
    "max_weight": ("largest weight", True),
    "effective_tokens": ("effective number of tokens", False),
}
_ANY_COLD = "Gumbel-softmax at temperature < 1"
SAME_TEMPERATURE = "softmax of the same temperature"
AFTERWARDS = "tempered afterwards"


def _skew(
    statistic: str,
    gumbel: str,
    other: str,
    named: tuple[str, str],
    within: tuple[str, ...] = _WITHIN,
    afterwards: str | None = None,
    primary: bool = False,
) -> Contrast:
    """Gumbel-softmax more skewed than the other side, which `afterwards` is measured on."""
    label, grows = _SKEW[statistic]
    left, right = named
    if grows:
        sides = versus(statistic, gumbel, other)
        return Contrast(f"{label}: {left} above {right}", sides, within, primary=primary)
    sides = versus(afterwards or statistic, other, gumbel, statistic)
    return Contrast(f"{label}: {right} above {left}", sides, within, primary=primary)


def _cold(temperature: str) -> str:
    return both("kind == 'gumbel_softmax'", f"temperature == {temperature}", TRAINED)


def _each_encoder(contrast: Contrast) -> Contrast:
    return replace(
        contrast, primary=False, finding="", statement=f"{contrast.statement}, {{}}", by="encoder"
    )


_PRIMARY = _skew("entropy_ratio", _GUMBEL, _SOFTMAX, (_ANY_COLD, "softmax"), primary=True)
_NOISE = replace(
    _skew(
        "entropy_ratio",
        _GUMBEL,
        _TEMPERED,
        (_ANY_COLD, SAME_TEMPERATURE),
        (*_WITHIN, "temperature"),
    ),
    finding="Against softmax trained at the same temperature, so by noise alone, the weights of "
    "Gumbel-softmax are {effect}.",
)
_INDEXES = ("entropy_ratio", "gini", "max_weight")  # all between 0 and 1
_COMPARED = {
    "softmax": (_SOFTMAX, "softmax", _WITHIN),
    SAME_TEMPERATURE: (_TEMPERED, SAME_TEMPERATURE, (*_WITHIN, "temperature")),
}
CONCLUSION = Conclusion(
    statement="Gumbel-softmax below temperature one gives more skewed attention than softmax",
    question="Does Gumbel-softmax, at a temperature below one, concentrate attention on fewer "
    "words than softmax?",
    finding="The weights of Gumbel-softmax are {effect} than those of softmax, where 100 points "
    "are the distance from all weight on one word to equal weights.",
    more="less even",
    less="more even",
    scale=100,
    unit=" points",
    decimals=1,
    declared=(
        _PRIMARY,
        _each_encoder(_PRIMARY),
        _NOISE,
        _each_encoder(_NOISE),
        *(_skew(s, _GUMBEL, _SOFTMAX, (_ANY_COLD, "softmax")) for s in list(_SKEW)[1:]),
        *(
            _skew(s, _GUMBEL, _TEMPERED, (_ANY_COLD, SAME_TEMPERATURE), (*_WITHIN, "temperature"))
            for s in list(_SKEW)[1:]
        ),
        *(
            _skew("entropy_ratio", _cold(t), _SOFTMAX, (f"Gumbel-softmax at {t}", "softmax"))
            for t in COLD
        ),
        *(
            _skew(
                "entropy_ratio",
                _cold(t),
                _SOFTMAX,
                (f"Gumbel-softmax at {t}", f"softmax whose scores are {AFTERWARDS} to {t}"),
                afterwards=f"entropy_ratio_at_{t}",
            )
            for t in COLD
        ),
        trained_enough(_PRIMARY),
    ),
    specifications=tuple(
        Specification(
            (("compared with", compared), ("measure of skew", _SKEW[statistic][0])),
            _skew(statistic, _GUMBEL, other, (_ANY_COLD, named), within),
        )
        for compared, (other, named, within) in _COMPARED.items()
        for statistic in _INDEXES
    ),
)
