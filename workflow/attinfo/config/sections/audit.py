"""The section `audit`: how the models in `models` are audited."""

from typing import Literal, Self

from pydantic import PositiveInt, field_validator, model_validator

from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.blocks.catalogue import block_of, with_defaults
from attinfo.blocks.views import VIEWS
from attinfo.config.sections.base import Blocks, OneOrMore, Section, described


class Audit(Section):
    """Attention views of text classifiers, and what the views are compared with."""

    views: OneOrMore = described(
        list(VIEWS), "Attention views that are computed.", ["cls_layer", "rollout"]
    )
    measures: OneOrMore = described(
        list(AUDIT_MEASURES),
        "Importance measures that views are compared with.",
        ["leave_one_out", "integrated_gradients"],
    )
    references: OneOrMore = described(
        ["leave_one_out", "integrated_gradients"],
        "The measures among `measures` by which heads, layers and views are chosen and judged.",
        ["leave_one_out"],
    )
    options: Blocks = described(
        {},
        "Options of views and measures.",
        {"integrated_gradients": {"steps": 32}},
    )
    units: Literal["words", "subwords"] = described(
        "words",
        "What is ranked. `words`: weights of the subwords of a word are summed, and their states"
        " averaged.",
        "subwords",
    )
    texts: PositiveInt = described(
        1000, "Largest number of texts that are audited, drawn at random.", 500, ge=50
    )
    costly_texts: PositiveInt = described(
        300,
        "Number of these texts for which measures and costly views are computed. Views are chosen"
        " on one half of them and judged on the other. With fewer texts an audit is faster, and its"
        " intervals are wider.",
        200,
        ge=20,
    )
    head_texts: PositiveInt = described(
        40, "Texts of the choosing half in which the top words of every head are removed.", 100
    )
    state_words: PositiveInt = described(
        12000,
        "Number of words whose hidden states are kept for information.",
        50000,
        ge=200,
    )
    batch: PositiveInt = described(
        32, "Largest number of texts of a batch; batches of long texts have fewer.", 8
    )
    perturbation: Literal["delete", "mask"] = described(
        "delete",
        "How words are removed for faithfulness: deleted, or replaced by the model's mask token.",
        "mask",
    )
    seed: int = described(29, "Seed of all draws.", 1)

    @field_validator("views", "measures")
    @classmethod
    def _registered(cls, names: list[str], info: object) -> list[str]:
        kind = "attention view" if getattr(info, "field_name", "") == "views" else "audit measure"
        return [block_of(kind, name).name for name in dict.fromkeys(names)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in self.references:
            if name not in self.measures:
                raise ValueError(f"references: '{name}' is not among the measures {self.measures}")
        for name, options in self.options.items():
            kind = "attention view" if name in VIEWS else "audit measure"
            with_defaults(kind, name, options)
        return self
