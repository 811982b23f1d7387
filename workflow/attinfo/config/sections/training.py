"""How models are trained: the section `training` of a config."""

from typing import Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from attinfo.config.sections.base import Section, described


class Training(Section):
    """How models are trained. Training stops early by a criterion on the dev split."""

    optimizer: Literal["adamw", "adam"] = described(
        "adamw",
        "`adamw` updates only the embeddings of the words in a batch; `adam` updates all of them.",
        "adam",
    )
    # A model must not be stopped while it still learns: docs/choices.md has what we measured.
    epochs: PositiveInt = described(40, "Most epochs that a model is trained.", 8)
    patience: PositiveInt = described(
        5, "Epochs in a row without improvement after which training stops.", 8
    )
    first_epoch: PositiveInt = described(1, "First epoch whose weights may be kept.", 2)
    select: Literal["accuracy", "roc_auc", "loss"] = described(
        "loss", "Criterion on the dev split by which the best epoch is chosen and kept.", "accuracy"
    )
    batch_size: PositiveInt = described(128, "Texts in a batch.", 32)
    loss: Literal["mean", "sum"] = described(
        "mean", "How the losses of a batch's texts combine.", "sum"
    )
    class_weights: bool = described(
        False, "Weight the loss of each text by the inverse frequency of its class.", True
    )
    learning_rate: PositiveFloat = described(4e-3, "Step size of the optimizer.", 0.001)
    amsgrad: bool = described(
        False, "Use the AMSGrad variant of the optimizer (Reddi et al. 2018).", True
    )
    weight_decay: NonNegativeFloat = described(
        0.01, "Weight decay; not of the embeddings with `adamw`.", 1e-5
    )
    attention_weight_decay: NonNegativeFloat | None = described(
        None, "Weight decay of the scorer's parameters; null: as `weight_decay`.", 0.0
    )

    @model_validator(mode="after")
    def _keeps_an_epoch(self) -> Self:
        if self.first_epoch > self.epochs:
            raise ValueError(
                f"first_epoch is {self.first_epoch}, expected at most {self.epochs}, the epochs"
            )
        return self
