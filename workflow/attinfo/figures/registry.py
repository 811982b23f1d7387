"""All figures by name, and the drawing of those of a study."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from attinfo.figures.catalogue import ALL, ENTRIES, drawn, place
from attinfo.figures.drawing import Drawing, Missing, placeholder, save
from attinfo.figures.families.ablations import ablations
from attinfo.figures.families.agreement import agreement, agreement_by_data_set, agreement_by_text
from attinfo.figures.families.attention import skew, temperature
from attinfo.figures.families.blocks import accuracy, ranks, variance
from attinfo.figures.families.calibration import calibration
from attinfo.figures.families.divergence import distances, divergence, output_change
from attinfo.figures.families.erasure import erasure
from attinfo.figures.families.information import information_by_position, information_by_rank
from attinfo.figures.families.measures import concordance, measures
from attinfo.figures.families.verdicts import verdicts
from attinfo.figures.style import HUES, applied, in_order
from attinfo.figures.tables import Tables
from attinfo.runtime.errors import InputError

DRAWERS: tuple[Callable[[Tables], Drawing], ...] = (
    verdicts,
    agreement,
    agreement_by_data_set,
    agreement_by_text,
    measures,
    concordance,
    information_by_position,
    information_by_rank,
    skew,
    temperature,
    divergence,
    output_change,
    distances,
    erasure,
    ablations,
    calibration,
    accuracy,
    variance,
    ranks,
)


class Kind(NamedTuple):
    """A kind of figure: how it is drawn, and where it belongs."""

    drawer: Callable[[Tables], Drawing]
    section: str  # of `figure_names.SECTIONS`
    overall: bool  # drawn once from all data sets, instead of for each

    @property
    def title(self) -> str:
        """What the figure shows, in a few words."""
        return self.drawer.__doc__.splitlines()[0].rstrip(".")

    def draw(self, tables: Tables) -> Drawing:
        """The figure, in the study's style; a placeholder with the reason if there is nothing.

        Raises:
            InputError: it is of one data set, and the tables are of several.
        """
        datasets = in_order(tables.runs["dataset"])
        if len(datasets) > 1 and not self.overall:
            raise InputError(
                f"{self.drawer.__name__} is of one data set, found {', '.join(datasets)}: expected "
                f"tables of one, such as tables.of('{datasets[0]}')"
            )
        for attention in in_order(tables.runs["attention"]):
            HUES[attention]  # in the order of the study, whatever is drawn of it
        with applied():
            try:
                return self.drawer(tables)
            except Missing as reason:
                return placeholder(str(reason))


FIGURES = {drawer.__name__: Kind(drawer, *ENTRIES[drawer.__name__]) for drawer in DRAWERS}


def draw_all(tables: Tables, folder: str | Path) -> None:
    """Write every figure as SVG and PNG, its numbers as CSV, its caption as reStructuredText.

    The figures of a data set stand in a folder of its name.
    """
    for name, dataset in drawn(in_order(tables.runs["dataset"])):
        own = tables if dataset == ALL else tables.of(dataset)
        drawing = FIGURES[name].draw(own)
        with applied():
            save(drawing, Path(folder, place(name, dataset)))
