"""Tasks of known information: the section `calibration`."""

from typing import Annotated

from pydantic import (
    Field,
)

from attinfo.config.sections.base import Fraction, Section, described


class Calibration(Section):
    """Generated tasks with known information, on which the estimators are measured."""

    ranks: list[Annotated[float, Field(ge=1.1)]] = described(
        [4.0, 16.0], "Effective ranks of the generated states.", [4, 32], min_length=1
    )
    levels: list[Fraction] = described(
        [0.1, 0.3, 0.7],
        "Information of the tasks, as shares of the log of the number of classes.",
        [0.3],
        min_length=1,
    )
    repeats: int = described(3, "Samples drawn from each task.", 5, ge=2)
    seed: int = described(11, "Seed of the samples.", 1)
