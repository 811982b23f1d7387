"""Attention views: ways to compute one weight for each word from a transformer's attention.

To add a view, write a function in a file of its own (see `audit/views/cls_mean.py`) and describe
the function here:

    def name(reading: Reading, *, option: ...) -> Tensor

The function returns [B, K, P] weights of the subwords of a batch: K is 1, the number of layers, or
layers times heads, as `grain` says. Weights of padding are ignored. Larger is more important. An
expensive view may compute the texts of `reading.drawn` only, and return NaN for the others.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count

PACKAGE = "attinfo.audit.views"


@dataclass(frozen=True, kw_only=True)
class View(Block):
    """The description of an attention view.

    Attributes:
        grain: what has a weight of its own: each `head`, each `layer`, or the whole `model`.
        column: the name of one layer or head in figures and tables, with `{layer}` and `{head}`.
        slopes: whether the view needs gradients with respect to the attention weights.
        values: whether the view needs the value vectors, which are not found in every model.
    """

    grain: Literal["head", "layer", "model"] = "model"
    column: str = ""
    slopes: bool = False
    values: bool = False

    def name_of(self, layer: int, head: int) -> str:
        """The name of a column; `layer` and `head` count from 1, and are 0 where there is none."""
        if self.column:
            return self.column.format(layer=layer, head=head)
        parts = [f"layer {layer}"] if layer else []
        parts += [f"head {head}"] if head else []
        return ", ".join([self.label or self.name, *parts])


class FlowOptions(Options):
    """Options of `flow`."""

    longest: Annotated[
        Count, Field(description="Most subwords of a text; the cost grows with the cube.")
    ] = 48


VIEWS = registry(
    View(
        name="cls_head",
        path=f"{PACKAGE}.cls_head:cls_head",
        label="one head",
        grain="head",
        column="head {head} of layer {layer}",
        summary="The row of the token that the model classifies from, in each head",
    ),
    View(
        name="cls_layer",
        path=f"{PACKAGE}.cls_layer:cls_layer",
        label="one layer",
        grain="layer",
        column="mean of the heads of layer {layer}",
        summary="The row of the classifying token, mean over the heads of each layer",
    ),
    View(
        name="cls_mean",
        path=f"{PACKAGE}.cls_mean:cls_mean",
        label="mean of all heads",
        summary="The row of the classifying token, mean over all layers and heads",
    ),
    View(
        name="rollout",
        path=f"{PACKAGE}.rollout:rollout",
        label="rollout",
        summary="Attention rollout: the product over layers of (mean head + identity) / 2 "
        "(Abnar & Zuidema 2020)",
    ),
    View(
        name="flow",
        path=f"{PACKAGE}.flow:flow",
        label="flow",
        options=FlowOptions,
        summary="Attention flow: the maximum flow from the classifying token to each subword "
        "(Abnar & Zuidema 2020)",
    ),
    View(
        name="value_norm",
        path=f"{PACKAGE}.value_norm:value_norm",
        label="value norms of one layer",
        grain="layer",
        column="value norms of layer {layer}",
        values=True,
        summary="Norm of what each subword adds to the classifying token in each layer "
        "(Kobayashi et al. 2020)",
    ),
    View(
        name="gradient_attention",
        path=f"{PACKAGE}.gradient_attention:gradient_attention",
        label="gradient × attention",
        slopes=True,
        summary="Rollout of the positive part of gradient x attention (Chefer et al. 2021)",
    ),
    View(
        name="received",
        path=f"{PACKAGE}.received:received",
        label="received attention",
        summary="The attention that a subword receives, mean over all layers, heads and rows",
    ),
)
