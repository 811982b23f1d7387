"""The changes that a variant makes to training and evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variant:
    """The changes that a variant makes. By default nothing is changed: the trained model.

    Parts are named as in the classifier: `embedding`, `encoder`, `scorer`, `output_layer`.

    Attributes:
        frozen: parts that training does not change.
        inherited: parts that start from the weights of the trained model.
        anew: the other parts start from other random weights than the trained model did.
        uniform: every token of a text has the same weight, in training and at evaluation.
        shuffle_labels: training and dev labels are permuted among the texts.
        untrained: the model keeps its initial weights.
        imposed: states of single words, with the weights of the trained model.
        adversarial: trained to the outputs of the trained model with other weights.
        borrowed: no model is trained; the trained model of the cell is run.
        permute: the weights are permuted within each text at evaluation.
        permutations: number of further permutations for which `output_change` is measured.
        divergence: with `adversarial`, the factor of the KL divergence from the trained weights
            (in nats) in the objective.
        tolerance: with `adversarial`, how far the dev accuracy may be below the trained model's.
    """

    frozen: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()
    anew: bool = False
    uniform: bool = False
    shuffle_labels: bool = False
    untrained: bool = False
    imposed: bool = False
    adversarial: bool = False
    borrowed: bool = False
    permute: bool = False
    permutations: int = 100
    divergence: float = 1e-2
    tolerance: float = 0.01

    @classmethod
    def of(cls, changes: Mapping[str, Any]) -> "Variant":
        """Make a variant from plain values, in which lists stand for tuples.

        >>> Variant.of({"frozen": ["scorer"]}).frozen
        ('scorer',)
        """
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in changes.items()
        }
        return cls(**values)

    @property
    def trains(self) -> bool:
        """Whether the variant has a model of its own; otherwise the trained model is run."""
        return not self.borrowed

    @property
    def needs_trained(self) -> bool:
        """Whether the training of the variant's own model needs the trained model."""
        return bool(self.inherited) or self.imposed or self.adversarial


TRAINED = Variant()
# The model of the variant `imposed`. It is loaded by its path: other variants do not depend on it.
IMPOSED = "attinfo.models.imposed:Imposed"
