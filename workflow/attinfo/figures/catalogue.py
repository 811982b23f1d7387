"""The figures of a study, in the order of the page.

Nothing is drawn here and matplotlib is not imported, so the workflow can read it while it plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attinfo.keys import ALL
from attinfo.runtime.loading import load

if TYPE_CHECKING:
    from attinfo.figures.drawing import Drawing
    from attinfo.figures.tables import Tables

MISSING = "missing"  # the only column of the numbers of a figure that could not be drawn
SECTIONS = {  # of the page, and how `snakemake --report` names them
    "verdicts": "Verdicts",
    "robustness": "Robustness",
    "agreement": "Agreement",
    "information": "Information",
    "attention": "Attention weights",
    "faithfulness": "Faithfulness",
    "ablations": "Ablations",
    "trust": "Trust in the estimates",
    "blocks": "Building blocks",
    "models": "Data and models",
}


@dataclass(frozen=True)
class Figure:
    """A figure of the study.

    Attributes:
        title: what it shows, in a few words.
        section: of the page, one of `SECTIONS`.
        path: of the function that draws it, `module:function`.
        overall: whether it is drawn once from all data sets, instead of once for each.
        least: the number of data sets below which a study does not have it.
    """

    title: str
    section: str
    path: str
    overall: bool = False
    least: int = 1

    @property
    def module(self) -> str:
        """The module with the function."""
        return self.path.partition(":")[0]

    def draw(self, tables: "Tables") -> "Drawing":
        """Draw the figure in the study's style, or a placeholder with the reason.

        Args:
            tables: of the study, or of one data set (`tables.of`) unless the figure is `overall`.

        Raises:
            InputError: the figure is of one data set, and the tables are of several.
        """
        # By name, so that readers of the catalogue do not depend on matplotlib.
        draw = load("attinfo.figures.drawing:draw")
        drawing: Drawing = draw(load(self.path), self, tables)
        return drawing


_FAMILIES = "attinfo.figures.families"
FIGURES = {
    "verdicts": Figure(
        "Effect and verdict of each conclusion",
        "verdicts",
        f"{_FAMILIES}.verdicts:verdicts",
        overall=True,
    ),
    "specifications": Figure(
        "The effect of each conclusion under every reasonable choice",
        "robustness",
        f"{_FAMILIES}.specifications:specifications",
        overall=True,
    ),
    "across": Figure(
        "The effect of each conclusion on each data set, and on a new one",
        "verdicts",
        f"{_FAMILIES}.across:across",
        overall=True,
        least=3,
    ),
    "agreement": Figure(
        "Agreement of attention with information, by cell",
        "agreement",
        f"{_FAMILIES}.agreement:agreement",
    ),
    "agreement_by_data_set": Figure(
        "Agreement of attention with information on each data set",
        "agreement",
        f"{_FAMILIES}.agreement:agreement_by_data_set",
        overall=True,
        least=2,
    ),
    "agreement_by_text": Figure(
        "Agreement in single texts, by predicted class",
        "agreement",
        f"{_FAMILIES}.agreement:agreement_by_text",
    ),
    "measures": Figure(
        "Agreement of attention with each measure of importance",
        "agreement",
        f"{_FAMILIES}.measures:measures",
    ),
    "concordance": Figure(
        "Do larger weights go with more information? By the gap between two weights",
        "agreement",
        f"{_FAMILIES}.measures:concordance",
    ),
    "information_by_position": Figure(
        "Information of the state at each position",
        "information",
        f"{_FAMILIES}.information:information_by_position",
    ),
    "information_by_rank": Figure(
        "Information of the state of the r-th most attended token",
        "information",
        f"{_FAMILIES}.information:information_by_rank",
    ),
    "skew": Figure(
        "How unequal the weights are, by normaliser", "attention", f"{_FAMILIES}.attention:skew"
    ),
    "temperature": Figure(
        "Skew by temperature, in training and afterwards",
        "attention",
        f"{_FAMILIES}.attention:temperature",
    ),
    "divergence": Figure(
        "How far the weights of two seeds differ, by the largest weight",
        "attention",
        f"{_FAMILIES}.divergence:divergence",
    ),
    "output_change": Figure(
        "How far the output moves when weights are permuted, by the largest weight",
        "attention",
        f"{_FAMILIES}.divergence:output_change",
    ),
    "distances": Figure(
        "Do outputs stay the same under other weights?",
        "attention",
        f"{_FAMILIES}.divergence:distances",
    ),
    "erasure": Figure(
        "What deleting tokens does to the prediction, against a random order",
        "faithfulness",
        f"{_FAMILIES}.erasure:erasure",
    ),
    "ablations": Figure(
        "What each ablation changes against the trained model of the same seed",
        "ablations",
        f"{_FAMILIES}.ablations:ablations",
    ),
    "calibration": Figure(
        "What the estimators find where the truth is known",
        "trust",
        f"{_FAMILIES}.calibration:calibration",
    ),
    "accuracy": Figure(
        "Accuracy and agreement: is there a price?", "blocks", f"{_FAMILIES}.blocks:accuracy"
    ),
    "variance": Figure(
        "Which block the differences between models come from",
        "blocks",
        f"{_FAMILIES}.blocks:variance",
        overall=True,
    ),
    "ranks": Figure(
        "The rank of each cell by agreement, with an interval",
        "blocks",
        f"{_FAMILIES}.blocks:ranks",
    ),
    "learning": Figure(
        "Learning curves: was every model trained enough?",
        "models",
        f"{_FAMILIES}.learning:learning",
    ),
}
MODULES = sorted({figure.module for figure in FIGURES.values()})


def drawn(datasets: Sequence[str]) -> list[tuple[str, str]]:
    """List the figures of a study: the name of each, and its data set or `all`."""
    return [
        (name, dataset)
        for name, figure in FIGURES.items()
        if len(datasets) >= figure.least
        for dataset in ([ALL] if figure.overall else datasets)
    ]


def place(name: str, dataset: str) -> str:
    """The path of a figure in the folder of figures, without its ending."""
    return name if dataset == ALL else f"{dataset}/{name}"


def is_missing(csv: str | Path) -> bool:
    """Whether the numbers beside a figure say that it could not be drawn."""
    with Path(csv).open(encoding="utf-8") as file:
        return file.readline().strip() == MISSING
