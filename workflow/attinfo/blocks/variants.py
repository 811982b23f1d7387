"""Variants: changes to training and evaluation. All variants but `trained` are ablations.

To add a variant, describe its changes here. The possible changes are the fields of `Variant`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.blocks.variant import TRAINED, Variant
from attinfo.option_types import Count, Positive, Share


@dataclass(frozen=True, kw_only=True)
class VariantBlock(Block):
    """The description of a variant.

    Attributes:
        changes: the changes that the variant makes. Options of the config replace fields.
    """

    path: str = "attinfo.blocks.variant:Variant"
    changes: Variant = TRAINED

    def plain(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The changes as plain values, for `Variant.of`. Fields at their defaults are left out.

        Args:
            options: all options of the block.
        """
        default = asdict(TRAINED)
        changed = asdict(self.changes) | {
            field.name: options[field.name] for field in fields(Variant) if field.name in options
        }
        changes = {key: value for key, value in changed.items() if value != default[key]}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in changes.items()}


class PermutedOptions(Options):
    """Options of `permuted`."""

    permutations: Annotated[
        Count, Field(description="Further permutations for which the change of output is measured.")
    ] = 100


class AdversarialOptions(Options):
    """Options of `adversarial`."""

    divergence: Annotated[
        Positive,
        Field(
            description="Factor, in the objective, of the KL divergence from the attention weights "
            "of the trained model."
        ),
    ] = 1e-2
    tolerance: Annotated[
        Share, Field(description="How far the dev accuracy may be below that of the trained model.")
    ] = 0.01


VARIANTS = registry(
    VariantBlock(name="trained", summary="The model as it is"),
    VariantBlock(
        name="frozen_scorer",
        label="scorer frozen",
        summary="Scorer frozen at its random initialisation",
        changes=Variant(frozen=("scorer",)),
    ),
    VariantBlock(
        name="frozen_encoder",
        label="encoder frozen",
        summary="Embedding and encoder frozen at their initialisation",
        changes=Variant(frozen=("embedding", "encoder")),
    ),
    VariantBlock(
        name="untrained",
        summary="The model at its initialisation; nothing is trained",
        changes=Variant(untrained=True),
    ),
    VariantBlock(
        name="uniform",
        summary="Uniform attention in training and at evaluation",
        changes=Variant(uniform=True),
    ),
    VariantBlock(
        name="uniform_evaluation",
        label="uniform at evaluation",
        summary="Trained model evaluated with uniform attention",
        changes=Variant(uniform=True, borrowed=True),
    ),
    VariantBlock(
        name="permuted",
        summary="Trained attention permuted within each text",
        options=PermutedOptions,
        changes=Variant(borrowed=True, permute=True),
    ),
    VariantBlock(
        name="refitted_scorer",
        label="scorer refitted",
        summary="All but the scorer as trained and frozen; a new scorer trained alone",
        changes=Variant(
            frozen=("embedding", "encoder", "output_layer"),
            inherited=("embedding", "encoder", "output_layer"),
            anew=True,
        ),
    ),
    VariantBlock(
        name="imposed",
        summary="States of single words under the trained model's weights "
        "(Wiegreffe & Pinter 2019)",
        changes=Variant(frozen=("scorer",), imposed=True),
    ),
    VariantBlock(
        name="adversarial",
        summary="The trained model's outputs with weights far from its own "
        "(Wiegreffe & Pinter 2019)",
        options=AdversarialOptions,
        changes=Variant(anew=True, adversarial=True),
    ),
    VariantBlock(
        name="label_shuffled",
        label="labels shuffled",
        summary="Trained on shuffled labels: the null control",
        changes=Variant(shuffle_labels=True),
    ),
)
