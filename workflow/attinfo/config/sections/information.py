"""Estimates of information: the section `information`."""

from typing import Any, Literal, Self

from pydantic import (
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from attinfo.blocks.catalogue import block_of
from attinfo.config.sections.base import Blocks, OneOrMore, Section, described


class Information(Section):
    """Estimates of the information between hidden states and the model's output."""

    output: Literal["predicted", "label"] = described(
        "predicted", "The output: the class that the model predicts, or the gold label.", "label"
    )
    estimators: OneOrMore = described(
        ["linear", "knn", "output_layer"],
        "Estimators for all units. `linear` must be among them: the claims rest on it.",
        ["linear", "output_layer", "logistic"],
    )
    light: list[str] = described(
        ["logistic"],
        "Estimators for the tokens alone (index `instance`), without a permutation null. Those"
        " among `estimators` are not computed twice.",
        ["logistic", "gaussian"],
    )
    options: Blocks = described({}, "Options of estimators.", {"knn": {"neighbours": 5}})
    positions: PositiveInt = described(
        10, "Number of positions in the text, from the first, that are units.", 20
    )
    ranks: PositiveInt = described(
        10, "Number of attention ranks, from the largest weight, that are units.", 20
    )
    min_texts: int = described(200, "Units with fewer texts are left out.", 100, ge=50)
    spot_checks: list[str] = described(
        ["stack"], "Estimators that are too slow for all units.", ["stack", "gaussian"]
    )
    spot_units: NonNegativeInt = described(
        2, "Number of units of a run, drawn at random, that `spot_checks` estimate.", 1
    )
    spot_share: float = described(
        1.0, "Share of the runs, drawn at random, in which `spot_checks` estimate.", 0.5, ge=0, le=1
    )
    permutations: int = described(
        20, "Permutations of the outputs for the permutation null.", 100, ge=19
    )
    seed: int = described(5, "Seed of folds, permutations and draws.", 1)

    @field_validator("estimators", "light", "spot_checks")
    @classmethod
    def _registered(cls, names: list[str], info: Any) -> list[str]:
        names = [block_of("estimator", name).name for name in names]
        if info.field_name == "estimators" and "linear" not in names:
            raise ValueError(f"found {names}, expected 'linear' among them: the claims rest on it")
        return names

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in self.spot_checks:
            if name in self.estimators:
                raise ValueError(f"spot_checks: '{name}' is among the estimators already")
        return self
