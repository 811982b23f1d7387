"""All kinds of building blocks, by the words that messages and documents have for them."""

from collections.abc import Mapping
from typing import Any

from attinfo.blocks.block import Block
from attinfo.blocks.encoders import ENCODERS
from attinfo.blocks.estimators import CONTINUOUS, ESTIMATORS
from attinfo.blocks.measures import MEASURES
from attinfo.blocks.normalisers import NORMALISERS
from attinfo.blocks.scorers import SCORERS
from attinfo.blocks.sources import SOURCES
from attinfo.blocks.tasks import TASKS
from attinfo.blocks.variants import VARIANTS
from attinfo.runtime.errors import unknown

KINDS: dict[str, Mapping[str, Block]] = {
    "source": SOURCES,
    "encoder": ENCODERS,
    "attention": SCORERS,
    "normaliser": NORMALISERS,
    "variant": VARIANTS,
    "estimator": ESTIMATORS,
    "continuous estimator": CONTINUOUS,
    "importance measure": MEASURES,
    "task": TASKS,
}


def block_of(kind: str, name: str) -> Block:
    """The block of a kind that has a name.

    Raises:
        ValueError: there is none; the message names the nearest name.
    """
    if name not in KINDS[kind]:
        raise ValueError(unknown(kind, name, KINDS[kind]))
    return KINDS[kind][name]


def with_defaults(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a block as plain values, those not given at their defaults.

    Raises:
        ValueError: the name or an option is unknown, one is missing or has a value that it
            cannot have.
    """
    return block_of(kind, name).complete(kind, options)


def table() -> str:
    """Every block with its summary and options, as a Markdown table."""
    lines = ["| kind | name | what it is | options |", "|---|---|---|---|"]
    for kind, blocks in KINDS.items():
        for name, block in blocks.items():
            options = ", ".join(f"`{option}`" for option in block.fields)
            lines.append(f"| {kind} | `{name}` | {block.summary} | {options} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
