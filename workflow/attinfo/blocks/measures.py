"""Importance measures: the contribution of each token to the model's prediction.

To add a measure, write a function in a file of its own (see `explain/measures/score.py`) and
describe the function here:

    def name(model: Classifier, texts: Texts, states: States, seed: int, *, option: ...) -> ndarray

The function returns a number for each token of the store. A signed measure is compared with
attention weights by its absolute value, because weights have no sign. The function of a costly
measure takes `drawn` after the seed, the indices of the texts to compute (None: all), and returns
NaN for the tokens of other texts.
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
        signed: whether a negative value means that the token speaks against the predicted class.
            Attention has no sign, so tokens are ranked by the absolute value, as Jain & Wallace
            (2019) rank gradients.
        compared: whether the study has statistics of its agreement with attention.
        holds_weights: whether the attention weight is a factor of the measure, which then agrees
            with attention by construction.
        in_strips: whether the page shows its values word by word.
        costly: whether it is computed for the drawn texts alone (`importance.texts`).
        total: path of the function that says what the values of each text sum to; empty if there
            is no such sum. It takes (model, texts, states, seed, drawn) and returns [texts] totals,
            NaN for texts that are not drawn.
    """

    signed: bool = False
    compared: bool = True
    holds_weights: bool = False
    in_strips: bool = True
    costly: bool = False
    total: str = ""


class GradientOptions(Options):
    """Options of `gradient`."""

    through_attention: Annotated[
        bool,
        Field(
            description="Include the gradient through the attention weights. false: attention "
            "weights are held fixed."
        ),
    ] = True


class IntegratedGradientsOptions(Options):
    """Options of `integrated_gradients`."""

    steps: Annotated[Count, Field(description="Nodes of the Gauss-Legendre quadrature.")] = 16


MEASURES = registry(
    Measure(
        name="gradient",
        path="attinfo.explain.measures.gradient:gradient",
        label="gradient × input",
        options=GradientOptions,
        signed=True,
        summary="Gradient x input: the sum over features of "
        "d log-odds / d embedding times embedding",
    ),
    Measure(
        name="integrated_gradients",
        path="attinfo.explain.measures.integrated_gradients:integrated_gradients",
        label="integrated gradients",
        options=IntegratedGradientsOptions,
        signed=True,
        costly=True,
        total="attinfo.explain.measures.integrated_gradients:from_zero",
        requires="captum",
        in_strips=False,
        summary="Integrated gradients from zero embeddings, by Gauss-Legendre "
        "(Sundararajan et al. 2017)",
    ),
    Measure(
        name="leave_one_out",
        path="attinfo.explain.measures.leave_one_out:leave_one_out",
        label="leave-one-out",
        signed=True,
        costly=True,
        summary="How far the probability of the predicted class falls when the token is deleted",
    ),
    Measure(
        name="contribution",
        path="attinfo.explain.measures.contribution:contribution",
        label="share of the logit",
        signed=True,
        holds_weights=True,
        summary="Weight x what the output layer reads from the state: "
        "the token's exact share of the predicted class's logit",
    ),
    Measure(
        name="attention_norm",
        path="attinfo.explain.measures.attention_norm:attention_norm",
        label="attention × state norm",
        holds_weights=True,
        in_strips=False,
        summary="Weight x norm of the state: the length of what a token adds "
        "(Kobayashi et al. 2020)",
    ),
    # Attention and its score have the same order, so their agreement shows nothing.
    Measure(
        name="score",
        path="attinfo.explain.measures.score:score",
        label="attention score",
        compared=False,  # attention and its score have one order
        holds_weights=True,
        in_strips=False,
        summary="The score from which the normaliser makes the weight",
    ),
)
SIGNED: tuple[str, ...] = tuple(name for name, measure in MEASURES.items() if measure.signed)
