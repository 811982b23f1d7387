"""Importance of tokens: the section `importance`."""

from pydantic import PositiveInt, field_validator

from attinfo.blocks.catalogue import block_of
from attinfo.blocks.measures import MEASURES
from attinfo.config.sections.base import Blocks, OneOrMore, Section, described


class Importance(Section):
    """Measures of what each token contributes to the prediction."""

    measures: OneOrMore = described(
        [
            "gradient",
            "integrated_gradients",
            "leave_one_out",
            "contribution",
            "attention_norm",
            "score",
        ],
        "Importance measures that attention is compared with.",
        ["gradient", "leave_one_out"],
    )
    options: Blocks = described(
        {}, "Options of importance measures.", {"integrated_gradients": {"steps": 32}}
    )

    texts: PositiveInt | None = described(
        None,
        "Texts for which costly measures (integrated gradients, leave-one-out) are computed, drawn "
        "at random, the same ones in every run of a data set; null: all texts.",
        400,
    )
    seed: int = described(23, "Seed of the draw.", 1)

    @field_validator("measures")
    @classmethod
    def _registered(cls, names: list[str]) -> list[str]:
        return [block_of("importance measure", name).name for name in dict.fromkeys(names)]

    @property
    def costly(self) -> list[str]:
        """The names of the costly measures among `measures`."""
        return [name for name in self.measures if MEASURES[name].costly]
