"""Scorers: hidden states [B, T, width] -> scores [B, T], which a normaliser turns into weights.

To add a scorer, write a class in a file of its own (see `models/scorers/additive.py`) and describe
the class here. The call signature is `models.protocols.Scorer`:

    def __init__(self, width: int, *, option: ...)
    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor

A scorer that can also read a query has `takes_query` and two arguments more, see `Scorer`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count, Ge


@dataclass(frozen=True, kw_only=True)
class Scorer(Block):
    """The description of a scorer.

    Attributes:
        takes_query: whether the scorer can be conditioned on the query of a data set with two
            texts. Its class then takes the argument `conditioned`, and `forward` the encoded query
            [B, width] as a third argument.
    """

    takes_query: bool = False


Init = Annotated[
    Literal["unit", "linear", "normal"],
    Field(
        description="Initial scale. `unit`: first scores have standard deviation one; `linear`: "
        "the last vector starts as in `nn.Linear`; `normal`: it starts from N(0, 1)."
    ),
]


class AdditiveOptions(Options):
    """Options of `additive`."""

    query: Annotated[
        Literal["none", "last"],
        Field(description="`none`: no query. `last`: the last state of the text is the query."),
    ] = "none"
    init: Init = "unit"


class DeepOptions(Options):
    """Options of `deep`."""

    layers: Annotated[int, Ge(2), Field(description="Number of hidden layers.")] = 2
    hidden: Annotated[
        Count | None, Field(description="Width of the hidden layers; null for half of `width`.")
    ] = None
    init: Init = "unit"


class DotOptions(Options):
    """Options of `dot`, `scaled_dot` and `multiplicative`."""

    query: Annotated[
        Literal["learned", "last"],
        Field(description="`learned`: one vector for all texts; `last`: the text's last state."),
    ] = "learned"
    init: Init = "unit"


SCORERS = registry(
    Scorer(
        name="additive",
        path="attinfo.models.scorers.additive:Additive",
        label="Additive",
        takes_query=True,
        options=AdditiveOptions,
        summary="v . tanh(W h + b) (Bahdanau et al. 2015), "
        "with `query: last` v . tanh(W h + U h_n + b)",
    ),
    Scorer(
        name="deep",
        path="attinfo.models.scorers.deep:Deep",
        label="Deep",
        takes_query=True,
        options=DeepOptions,
        summary="An MLP with two or more hidden tanh layers "
        "(our reading of the paper's deep attention)",
    ),
    Scorer(
        name="scaled_dot",
        path="attinfo.models.scorers.scaled_dot:ScaledDot",
        label="Scaled dot",
        takes_query=True,
        options=DotOptions,
        summary="q . h / sqrt(d), q learned or the last state "
        "(Vaswani et al. 2017; Jain & Wallace 2019)",
    ),
    Scorer(
        name="dot",
        path="attinfo.models.scorers.dot:Dot",
        label="Dot",
        takes_query=True,
        options=DotOptions,
        summary="q . h, unscaled, with a learned query q or the last state as q "
        "(Luong et al. 2015)",
    ),
    Scorer(
        name="multiplicative",
        path="attinfo.models.scorers.multiplicative:Multiplicative",
        label="Multiplicative",
        takes_query=True,
        options=DotOptions,
        summary="q . W h with a learned query q or the last state as q "
        '(Luong et al. 2015, "general")',
    ),
)
