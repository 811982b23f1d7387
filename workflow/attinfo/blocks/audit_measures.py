"""Importance measures for audited transformers: the contribution of each word to the prediction.

To add a measure, write a function in a file of its own (see `audit/measures/gradient.py`) and
describe the function here:

    def name(model: TransformerClassifier, texts: Encoded, drawn: ndarray, *, option: ...)

The function returns an array with a number for each word, NaN for words of texts that are not
drawn (`audit.costly_texts` are drawn). Values are compared with attention by their absolute values.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count

PACKAGE = "attinfo.audit.measures"


@dataclass(frozen=True, kw_only=True)
class AuditMeasure(Block):
    """The description of an importance measure of an audit.

    Attributes:
        needs_mask: whether it needs a mask token, which decoder models lack.
        total: path of the function that computes the known sum of the values of each text; empty if
            there is no such sum. It takes the arguments of the measure and returns [texts], NaN for
            texts that are not drawn.
    """

    needs_mask: bool = False
    total: str = ""


class IntegratedGradientsOptions(Options):
    """Options of `integrated_gradients`."""

    steps: Annotated[Count, Field(description="Nodes of the Gauss-Legendre quadrature.")] = 16
    baseline: Annotated[
        Literal["zero", "mean"],
        Field(
            description="Embeddings of words where the path starts: zero, or the mean over the"
            " words of the drawn texts, for models that first scale embeddings to one length."
        ),
    ] = "zero"


AUDIT_MEASURES = registry(
    AuditMeasure(
        name="gradient",
        path=f"{PACKAGE}.gradient:gradient",
        label="gradient × input",
        summary="The sum over features of d log-odds / d embedding times embedding",
    ),
    AuditMeasure(
        name="integrated_gradients",
        path=f"{PACKAGE}.integrated_gradients:integrated_gradients",
        label="integrated gradients",
        options=IntegratedGradientsOptions,
        total=f"{PACKAGE}.integrated_gradients:from_baseline",
        summary="Integrated gradients of the log-odds from zero embeddings of the words "
        "(Sundararajan et al. 2017)",
    ),
    AuditMeasure(
        name="leave_one_out",
        path=f"{PACKAGE}.leave_one_out:leave_one_out",
        label="leave-one-out",
        summary="The decrease of the probability of the predicted class when the word is deleted",
    ),
    AuditMeasure(
        name="mask_one_out",
        path=f"{PACKAGE}.mask_one_out:mask_one_out",
        label="mask-one-out",
        needs_mask=True,
        summary="The decrease of that probability when the word is replaced by the mask token",
    ),
)
