"""Importance of tokens: the section `importance`."""

from pydantic import (
    field_validator,
)

from attinfo.blocks.catalogue import block_of
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

    @field_validator("measures")
    @classmethod
    def _registered(cls, names: list[str]) -> list[str]:
        return [block_of("importance measure", name).name for name in dict.fromkeys(names)]
