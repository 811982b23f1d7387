"""A figure with its numbers and its caption: how the figures of a study are drawn and written."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path
import re
from typing import NamedTuple

from matplotlib import figure as mpl
import pandas as pd

from attinfo.figures.catalogue import FIGURES, MISSING, Figure, drawn, place
from attinfo.figures.style import GREY, WIDTH, applied, in_order
from attinfo.figures.tables import Tables
from attinfo.keys import ALL
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError

PIXELS = 150  # per inch, of what is drawn as pixels within an SVG


class Drawing(NamedTuple):
    """A figure, the numbers in it as a tidy table, and its caption in plain words."""

    figure: mpl.Figure
    data: pd.DataFrame
    caption: str


class Missing(Exception):
    """The study has nothing to draw the figure from; the message says what would add it."""


def draw(drawer: Callable[[Tables], Drawing], figure: Figure, tables: Tables) -> Drawing:
    """Draw a figure of the catalogue; see `Figure.draw`."""
    datasets = in_order(tables.runs["dataset"])
    if len(datasets) > 1 and not figure.overall:
        raise InputError(
            f"{drawer.__name__} is of one data set, found {', '.join(datasets)}: expected "
            f"tables of one, such as tables.of('{datasets[0]}')"
        )
    with applied():
        try:
            return drawer(tables)
        except Missing as reason:
            return placeholder(str(reason))


def draw_all(tables: Tables, folder: str | Path, processes: int = 1) -> None:
    """Write every figure as SVG and PNG, its numbers as CSV, its caption as reStructuredText.

    Args:
        tables: of the study.
        folder: to write to; the figures of a data set get a folder of its name in it.
        processes: that draw at a time; the files are the same whatever their number.
    """
    every = drawn(in_order(tables.runs["dataset"]))
    write = partial(_draw_one, tables, folder)
    if processes == 1:
        for one in every:
            write(one)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for _ in pool.map(write, every, chunksize=ceil(len(every) / (4 * processes))):
            pass  # raises what a process has raised


def _draw_one(tables: Tables, folder: str | Path, one: tuple[str, str]) -> None:
    name, dataset = one
    drawing = FIGURES[name].draw(tables if dataset == ALL else tables.of(dataset))
    with applied():
        save(drawing, Path(folder, place(name, dataset)))


def placeholder(reason: str) -> Drawing:
    """A figure that says why there is nothing to draw."""
    figure = mpl.Figure(figsize=(WIDTH, 0.5))
    figure.text(0.5, 0.5, "nothing to draw", ha="center", va="center", color=GREY)
    return Drawing(figure, pd.DataFrame({MISSING: [reason]}), reason)


def compact(svg: str) -> str:
    """Round the coordinates of an SVG to tenths of a point, which saves a third of its size."""
    short = re.sub(r' (d|x|y)="[^"]*"', lambda own: re.sub(r"(\.\d)\d+", r"\1", own[0]), svg)
    short = re.sub(r' style="[^"]*"', lambda own: re.sub("([:;]) ", r"\1", own[0]), short)
    return re.sub(r"\s*\n\s*", "\n", short)


def save(drawing: Drawing, stem: Path) -> None:
    """Write `<stem>.svg`, `.png`, `.csv` and the caption as `.rst`."""
    drawing.figure.draw_without_rendering()
    drawing.figure.set_layout_engine(None)  # computed once, for both pictures
    with whole(stem.with_name(f"{stem.name}.svg")) as path:
        drawing.figure.savefig(path, metadata={"Date": None}, dpi=PIXELS)
        path.write_text(compact(path.read_text("utf-8")), encoding="utf-8")
    with whole(stem.with_name(f"{stem.name}.png")) as path:
        drawing.figure.savefig(path)
    with whole(stem.with_name(f"{stem.name}.csv")) as path:
        drawing.data.to_csv(path, index=False, lineterminator="\n")
    with whole(stem.with_name(f"{stem.name}.rst")) as path:
        path.write_text(f"{drawing.caption}\n", encoding="utf-8")
