"""Which figures a study has, in the order of the page. Nothing is drawn or imported here, so that
the workflow may read it while it plans."""

from collections.abc import Sequence
from typing import NamedTuple

ALL = "all"  # in the place of a data set: drawn once, from all of them
SECTIONS = {  # of the page, and how `snakemake --report` names them
    "verdicts": "Verdicts",
    "agreement": "Agreement",
    "information": "Information",
    "attention": "Attention weights",
    "faithfulness": "Faithfulness",
    "ablations": "Ablations",
    "trust": "Trust in the estimates",
    "blocks": "Building blocks",
}


class Entry(NamedTuple):
    """Where a figure belongs, and whether it is drawn once instead of for each data set."""

    section: str
    overall: bool = False


ENTRIES = {
    "verdicts": Entry("verdicts", overall=True),
    "agreement": Entry("agreement"),
    "agreement_by_data_set": Entry("agreement", overall=True),
    "agreement_by_text": Entry("agreement"),
    "measures": Entry("agreement"),
    "concordance": Entry("agreement"),
    "information_by_position": Entry("information"),
    "information_by_rank": Entry("information"),
    "skew": Entry("attention"),
    "temperature": Entry("attention"),
    "divergence": Entry("attention"),
    "output_change": Entry("attention"),
    "distances": Entry("attention"),
    "erasure": Entry("faithfulness"),
    "ablations": Entry("ablations"),
    "calibration": Entry("trust"),
    "accuracy": Entry("blocks"),
    "variance": Entry("blocks", overall=True),
    "ranks": Entry("blocks"),
}


def drawn(datasets: Sequence[str]) -> list[tuple[str, str]]:
    """Every figure of a study, as its name and its data set or `all`."""
    return [
        (name, dataset)
        for name, entry in ENTRIES.items()
        for dataset in ([ALL] if entry.overall else datasets)
    ]


def place(name: str, dataset: str) -> str:
    """Where a figure stands in the folder of figures, its ending aside."""
    return name if dataset == ALL else f"{dataset}/{name}"
