"""Labels of blocks and measures: how the report, figures and messages write the config's names."""

from collections.abc import Sequence
import re

from attinfo.blocks.catalogue import KINDS
from attinfo.blocks.normalisers import parse_normaliser
from attinfo.keys import GIVEN

LABELS = {
    "token_type": "the word alone",
    **{name: own.label for blocks in KINDS.values() for name, own in blocks.items() if own.label},
}


def label_of(name: str) -> str:
    """The label of a building block, a variant, an estimator, a measure or a data set.

    A name without a label of its own stands for itself, blanks for underscores;
    `gumbel_softmax@0.5` becomes "Gumbel-softmax, τ = 0.5".
    """
    if "@" in name:
        kind, temperature = parse_normaliser(name)
        return f"{label_of(kind)}, τ = {temperature:g}"
    if name.startswith(GIVEN):
        return f"{name.removeprefix(GIVEN).replace('_', ' ')} (given)"
    return LABELS.get(name, name.replace("_", " "))


def counted(count: int, noun: str) -> str:
    """`1 run`, `2,000 runs`, `3 classes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def on_data_sets(count: int, noun: str, datasets: int) -> str:
    """`5 seeds`, `5 seeds on each of 3 data sets`, `14 seeds in all on 3 data sets`."""
    if datasets <= 1:
        return counted(count, noun)
    each, rest = divmod(count, datasets)
    if rest:
        return f"{counted(count, noun)} in all on {datasets:,} data sets"
    return f"{counted(each, noun)} on each of {datasets:,} data sets"


def minus(text: str) -> str:
    """Replace the hyphens before numbers in a text by minus signs."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
