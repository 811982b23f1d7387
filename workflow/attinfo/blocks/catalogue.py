"""All kinds of building blocks, by the word that messages and documents use for each kind."""

from collections.abc import Mapping
from typing import Any

from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.blocks.block import Block
from attinfo.blocks.encoders import ENCODERS
from attinfo.blocks.estimators import CONTINUOUS, ESTIMATORS
from attinfo.blocks.measures import MEASURES
from attinfo.blocks.normalisers import NORMALISERS
from attinfo.blocks.scorers import SCORERS
from attinfo.blocks.sources import SOURCES
from attinfo.blocks.tasks import TASKS
from attinfo.blocks.variants import VARIANTS
from attinfo.blocks.views import VIEWS
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
    "attention view": VIEWS,
    "audit measure": AUDIT_MEASURES,
}


def block_of(kind: str, name: str) -> Block:
    """Find a block by its kind and name.

    Args:
        kind: a key of `KINDS`.
        name: the registered name.

    Raises:
        ValueError: there is no such block. The message gives the most similar name.
    """
    if name not in KINDS[kind]:
        raise ValueError(unknown(kind, name, KINDS[kind]))
    return KINDS[kind][name]


def with_defaults(kind: str, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of a block and add the defaults of those that are not given.

    Args:
        kind: a key of `KINDS`.
        name: the registered name.
        options: option -> value.

    Returns:
        All options as plain values.

    Raises:
        ValueError: the name or an option is unknown, a required option is missing, or a value is
            not allowed.
    """
    return block_of(kind, name).complete(kind, options)


def table() -> str:
    """A Markdown table of all blocks with their summaries and options."""
    lines = ["| kind | name | what it is | options |", "|---|---|---|---|"]
    for kind, blocks in KINDS.items():
        for name, block in blocks.items():
            options = ", ".join(f"`{option}`" for option in block.fields)
            lines.append(f"| {kind} | `{name}` | {block.summary} | {options} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
