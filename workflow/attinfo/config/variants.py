"""Variants: how a run of a cell is trained and evaluated; all but `trained` are ablations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from attinfo.option_types import Count, Positive, Share


@dataclass(frozen=True)
class Variant:
    """What a variant changes. Each field is off in the ordinary, trained model.

    A part is one of the classifier's: `embedding`, `encoder`, `scorer`, `reader`.
    """

    summary: str
    frozen: tuple[str, ...] = ()  # parts that training leaves as they start
    inherited: tuple[str, ...] = ()  # parts that start as those of the trained model ended
    anew: bool = False  # the other parts start from another draw than the trained model did
    uniform: bool = False  # every token weighs the same, wherever the model runs
    shuffle_labels: bool = False  # training and dev labels are permuted among the texts
    untrained: bool = False  # the model stays as it starts
    imposed: bool = False  # states of single words, weighed as the trained model weighs them
    adversarial: bool = False  # says what the trained model says, with other weights
    borrowed: bool = False  # has no model of its own: runs the trained one
    permute: bool = False  # the weights are permuted within each text at evaluation
    permutations: Count = 100  # further permutations that `output_change` is measured with
    divergence: Positive = 1e-2  # what a nat of KL from the trained weights is worth in training
    tolerance: Share = 0.01  # how much lower the dev accuracy may be than that of the trained model
    options: tuple[str, ...] = ()  # the fields that a config may set

    @property
    def trains(self) -> bool:
        """Whether the variant has a model of its own, or runs the trained one."""
        return not self.borrowed

    @property
    def needs_trained(self) -> bool:
        """Whether its own model is made with the help of the trained one."""
        return bool(self.inherited) or self.imposed or self.adversarial


VARIANTS = {
    "trained": Variant("the model as it is"),
    "frozen_scorer": Variant("scorer frozen at its random initialisation", frozen=("scorer",)),
    "frozen_encoder": Variant(
        "embedding and encoder frozen at their initialisation", frozen=("embedding", "encoder")
    ),
    "untrained": Variant("the model at its initialisation; nothing is trained", untrained=True),
    "uniform": Variant("uniform attention in training and at evaluation", uniform=True),
    "uniform_evaluation": Variant(
        "trained model evaluated with uniform attention", uniform=True, borrowed=True
    ),
    "permuted": Variant(
        "trained attention permuted within each text",
        borrowed=True,
        permute=True,
        options=("permutations",),
    ),
    "refitted_scorer": Variant(
        "all but the scorer as trained and frozen; a new scorer trained alone",
        frozen=("embedding", "encoder", "reader"),
        inherited=("embedding", "encoder", "reader"),
        anew=True,
    ),
    "imposed": Variant(
        "states of single words under the trained model's weights (Wiegreffe & Pinter 2019)",
        frozen=("scorer",),
        imposed=True,
    ),
    "adversarial": Variant(
        "the trained model's outputs with weights far from its own (Wiegreffe & Pinter 2019)",
        anew=True,
        adversarial=True,
        options=("divergence", "tolerance"),
    ),
    "label_shuffled": Variant("trained on shuffled labels: the null control", shuffle_labels=True),
}


def variant_of(options: Mapping[str, Any]) -> Variant:
    """The variant of a config: `name`, and its own options where they are not at their default.

    >>> variant_of({"name": "adversarial", "divergence": 0.1}).divergence
    0.1
    """
    chosen = dict(options)
    return replace(VARIANTS[chosen.pop("name")], **chosen)
