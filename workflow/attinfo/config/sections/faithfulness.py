"""Deletion of tokens: the section `faithfulness`."""

from pydantic import (
    NonNegativeInt,
    PositiveInt,
)

from attinfo.config.sections.base import Fraction, Section, described


class Faithfulness(Section):
    """How much the prediction changes when tokens are deleted, most important first."""

    texts: PositiveInt = described(500, "Texts of each run, drawn at random.", 100)
    bins: list[Fraction] = described(
        [0.01, 0.05, 0.1, 0.2, 0.5],
        "Shares of the tokens that are deleted, as in ERASER (DeYoung et al. 2020).",
        [0.1, 0.2, 0.5],
        min_length=1,
    )
    random_orders: PositiveInt = described(
        5, "Random orders of deletion; their mean is the baseline.", 3
    )
    normalised_texts: NonNegativeInt = described(
        32,
        "Texts of each run for which the best and the worst order are searched, so that "
        "scores of different models can be compared.",
        16,
    )
    longest: PositiveInt = described(
        30, "Most tokens of such a text; the cost of the search grows with the cube.", 40
    )
    beam: PositiveInt = described(5, "Width of the beam search for these orders.", 10)
    seed: int = described(19, "Seed of the draws.", 1)
