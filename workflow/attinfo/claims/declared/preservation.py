"""Do additive and deep attention preserve more information? I/H by each index and estimator."""

from itertools import product

from attinfo.claims.contrast import TRAINED, Conclusion, Contrast, both, controls, versus

_INDEXES = {
    "position": "by position",
    "rank": "by attention rank",
    "instance": "over all tokens",
}


def _preserve(index: str, estimator: str, primary: bool = False) -> Contrast:
    how = ", nearest neighbours" * (estimator == "knn")
    sides = versus(
        f"information_{index}{'_knn' * (estimator == 'knn')}",
        both("attention in ['additive', 'deep']", TRAINED),
        both("attention == 'scaled_dot'", TRAINED),
    )
    statement = f"I/H {_INDEXES[index]}{how}: additive and deep above scaled dot"
    return Contrast(statement, sides, ("encoder", "normaliser"), primary=primary)


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
        *(
            _preserve(index, estimator)
            for estimator, index in product(("linear", "knn"), _INDEXES)
            if (estimator, index) != ("linear", "position")
        ),
        *controls(_PRIMARY),
    ),
)
