"""Importance measures: what each token contributes to the model's prediction.

To add one, write a function in a file of its own (see `explain/measures/score.py`) and describe
it here:

    def name(model: Classifier, texts: Texts, states: States, seed: int, *, option: ...) -> ndarray

The function returns a number for each token of the store. A signed measure is ranked by its
absolute value wherever it is compared with attention weights, which have no sign.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count


@dataclass(frozen=True, kw_only=True)
class Measure(Block):
    """The description of an importance measure.

    Attributes:
        signed: whether negative values mean that a token speaks against the prediction.
    """

    signed: bool = False


class GradientOptions(Options):
    """Options of `gradient`."""

    through_attention: Annotated[
        bool, Field(description="Also through the attention weights; false holds them fixed.")
    ] = True


class IntegratedGradientsOptions(Options):
    """Options of `integrated_gradients`."""

    steps: Annotated[Count, Field(description="Nodes of the Gauss-Legendre quadrature.")] = 16


MEASURES = registry(
    Measure(
        name="gradient",
        path="attinfo.explain.measures.gradient:gradient",
        options=GradientOptions,
        signed=True,
        summary="Gradient x input: the sum over features of "
        "d log-odds / d embedding times embedding",
    ),
    Measure(
        name="integrated_gradients",
        path="attinfo.explain.measures.integrated_gradients:integrated_gradients",
        options=IntegratedGradientsOptions,
        signed=True,
        requires="captum",
        summary="Integrated gradients from zero embeddings, by Gauss-Legendre "
        "(Sundararajan et al. 2017)",
    ),
    Measure(
        name="leave_one_out",
        path="attinfo.explain.measures.leave_one_out:leave_one_out",
        signed=True,
        summary="How far the probability of the predicted class falls when the token is deleted",
    ),
    Measure(
        name="attention_norm",
        path="attinfo.explain.measures.attention_norm:attention_norm",
        summary="Weight x norm of the state: the length of what a token adds "
        "(Kobayashi et al. 2020)",
    ),
    Measure(
        name="score",
        path="attinfo.explain.measures.score:score",
        summary="The score from which the normaliser makes the weight",
    ),
)
