"""How models are trained: the section `training` of a config."""

from typing import Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from attinfo.config.section import Section


class Training(Section):
    """Early stopping on a criterion on the dev split; the best epoch is kept."""

    optimizer: Literal["adamw", "adam"] = "adamw"  # adamw: embeddings by lazy updates
    epochs: PositiveInt = 10
    patience: PositiveInt = 1  # epochs without a better one before training stops
    first_epoch: PositiveInt = 1  # earlier ones are never kept
    select: Literal["accuracy", "roc_auc", "loss"] = "accuracy"  # the criterion
    batch_size: PositiveInt = 128
    loss: Literal["mean", "sum"] = "mean"  # over the texts of a batch
    class_weights: bool = False  # losses weighed inversely to the frequency of their class
    learning_rate: PositiveFloat = 4e-3
    amsgrad: bool = False
    weight_decay: NonNegativeFloat = 0.01
    attention_weight_decay: NonNegativeFloat | None = None  # null: as weight_decay

    @model_validator(mode="after")
    def _keeps_an_epoch(self) -> Self:
        if self.first_epoch > self.epochs:
            raise ValueError(
                f"first_epoch is {self.first_epoch}, expected at most {self.epochs}, the epochs"
            )
        return self
