"""A figure with its numbers and its caption, and how the three are written."""

from pathlib import Path
import re
from typing import NamedTuple

from matplotlib.figure import Figure
import pandas as pd

from attinfo.figures.style import GREY, WIDTH
from attinfo.runtime.atomic import whole

MISSING = "missing"  # the only column of the numbers of a figure that could not be drawn


class Drawing(NamedTuple):
    """A figure, the numbers in it as a tidy table, and what is to be seen in plain words."""

    figure: Figure
    data: pd.DataFrame
    caption: str


class Missing(Exception):
    """The study has nothing to draw a figure from; the message says what would add it."""


def placeholder(reason: str) -> Drawing:
    """A figure that says why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 0.5))
    figure.text(0.5, 0.5, "nothing to draw", ha="center", va="center", color=GREY)
    return Drawing(figure, pd.DataFrame({MISSING: [reason]}), reason)


def is_missing(csv: str | Path) -> bool:
    """Whether the numbers beside a figure say that it could not be drawn."""
    with Path(csv).open(encoding="utf-8") as file:
        return file.readline().strip() == MISSING


def compact(svg: str) -> str:
    """The same picture to a hundredth of a point: matplotlib writes millionths, a third of it."""
    short = re.sub(r' (d|x|y)="[^"]*"', lambda own: re.sub(r"(\.\d\d)\d+", r"\1", own[0]), svg)
    short = re.sub(r' style="[^"]*"', lambda own: re.sub("([:;]) ", r"\1", own[0]), short)
    return re.sub(r"\s*\n\s*", "\n", short)


def save(drawing: Drawing, stem: Path) -> None:
    """Write `<stem>.svg`, `.png`, `.csv` and the caption as `.rst`."""
    drawing.figure.draw_without_rendering()
    drawing.figure.set_layout_engine("none")  # it is laid out: once for both
    with whole(stem.with_name(f"{stem.name}.svg")) as path:
        drawing.figure.savefig(path, metadata={"Date": None})
        path.write_text(compact(path.read_text("utf-8")), encoding="utf-8")
    with whole(stem.with_name(f"{stem.name}.png")) as path:
        drawing.figure.savefig(path)
    with whole(stem.with_name(f"{stem.name}.csv")) as path:
        drawing.data.to_csv(path, index=False, lineterminator="\n")
    with whole(stem.with_name(f"{stem.name}.rst")) as path:
        path.write_text(f"{drawing.caption}\n", encoding="utf-8")
