"""What a variant changes in the training and the evaluation of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variant:
    """What a variant changes. Each field is off in the ordinary, trained model.

    A part is one of the classifier's: `embedding`, `encoder`, `scorer`, `output_layer`.
    """

    frozen: tuple[str, ...] = ()  # parts that training leaves as they start
    inherited: tuple[str, ...] = ()  # parts that start as those of the trained model ended
    anew: bool = False  # the other parts start from another draw than the trained model did
    uniform: bool = False  # every token has the same weight, wherever the model runs
    shuffle_labels: bool = False  # training and dev labels are permuted among the texts
    untrained: bool = False  # the model stays as it starts
    imposed: bool = False  # states of single words, under the weights of the trained model
    adversarial: bool = False  # the outputs of the trained model, with other weights
    borrowed: bool = False  # has no model of its own: runs the trained one
    permute: bool = False  # the weights are permuted within each text at evaluation
    permutations: int = 100  # further permutations that `output_change` is measured with
    divergence: float = 1e-2  # what a nat of KL from the trained weights is worth in training
    tolerance: float = 0.01  # how far the dev accuracy may be below that of the trained model

    @classmethod
    def of(cls, changes: Mapping[str, Any]) -> "Variant":
        """The variant of plain values, lists among them.

        >>> Variant.of({"frozen": ["scorer"]}).frozen
        ('scorer',)
        """
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in changes.items()
        }
        return cls(**fields)

    @property
    def trains(self) -> bool:
        """Whether the variant has a model of its own, or runs the trained one."""
        return not self.borrowed

    @property
    def needs_trained(self) -> bool:
        """Whether its own model is made with the help of the trained one."""
        return bool(self.inherited) or self.imposed or self.adversarial


TRAINED = Variant()
