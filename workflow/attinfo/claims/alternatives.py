"""The defensible ways to measure the agreement of attention with information.

To add one: an estimator with `statistics`, or a rank statistic in `RANKED_BY`.
"""

from itertools import product

from attinfo.claims.compared import INFORMATION, RANKED_BY

Choices = tuple[tuple[str, str], ...]  # pairs of an axis and a choice, in words

# The choices, and the statistic that they lead to. The first is the primary one.
AGREEMENT: tuple[tuple[Choices, str], ...] = tuple(
    (
        (
            ("estimator", own.estimator),
            ("pointwise value", own.value),
            ("rank statistic", label),
        ),
        f"{statistic}_{measure}",
    )
    for (statistic, label), (measure, own) in product(RANKED_BY.items(), INFORMATION.items())
)
# The same for the concordance of pairs of tokens, by the bins of the gap between their weights.
CONCORDANCE: tuple[tuple[Choices, str], ...] = (
    *(
        (
            (
                ("estimator", own.estimator),
                ("pointwise value", own.value),
                ("bins of the gap", "deciles of the run"),
            ),
            "concordance_rise" if measure == "gain" else f"concordance_rise_{measure}",
        )
        for measure, own in INFORMATION.items()
    ),
    (
        (
            ("estimator", INFORMATION["gain"].estimator),
            ("pointwise value", INFORMATION["gain"].value),
            ("bins of the gap", "deciles of the data set"),
        ),
        "concordance_rise_study",
    ),
    (
        (
            ("estimator", INFORMATION["gain"].estimator),
            ("pointwise value", INFORMATION["gain"].value),
            ("bins of the gap", "above 0.1, below 0.001"),
        ),
        "concordance_rise_absolute",
    ),
)
