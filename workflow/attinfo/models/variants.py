"""Variants: how a run of a cell is trained and evaluated; all but `trained` are ablations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """What a variant changes. Each field is off in the ordinary, trained model."""

    summary: str
    freeze_scorer: bool = False  # the scorer keeps its random initialisation
    uniform: bool = False  # every token weighs the same, in training and at evaluation
    shuffle_labels: bool = False  # training and dev labels are permuted among the texts
    permute: bool = False  # the trained model's weights are permuted within each text

    @property
    def trains(self) -> bool:
        """Whether the variant trains a model of its own, or reads that of `trained`."""
        return not self.permute


VARIANTS = {
    "trained": Variant("the model as it is"),
    "frozen_scorer": Variant("scorer frozen at its random initialisation", freeze_scorer=True),
    "uniform": Variant("uniform attention in training and at evaluation", uniform=True),
    "permuted": Variant("trained attention permuted within each text", permute=True),
    "label_shuffled": Variant("trained on shuffled labels: the null control", shuffle_labels=True),
}
