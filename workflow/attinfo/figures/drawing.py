"""A figure with its numbers and its caption, and how the three are written."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
import pandas as pd

from attinfo.files import whole
from attinfo.style import GREY, WIDTH, panels

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
    figure, axes = panels(1, 1, 0.5, WIDTH)
    axes[0, 0].text(0.5, 0.5, "nothing to draw", ha="center", va="center", color=GREY)
    axes[0, 0].set_axis_off()
    return Drawing(figure, pd.DataFrame({MISSING: [reason]}), reason)


def is_missing(csv: str | Path) -> bool:
    """Whether the numbers beside a figure say that it could not be drawn."""
    with Path(csv).open(encoding="utf-8") as file:
        return file.readline().strip() == MISSING


def save(drawing: Drawing, stem: Path) -> None:
    """Write `<stem>.svg`, `.png`, `.csv` and the caption as `.rst`."""
    for suffix in (".svg", ".png"):
        with whole(stem.with_name(stem.name + suffix)) as path:
            metadata = {"Date": None} if suffix == ".svg" else None
            drawing.figure.savefig(path, metadata=metadata)
    with whole(stem.with_name(f"{stem.name}.csv")) as path:
        drawing.data.to_csv(path, index=False, lineterminator="\n")
    with whole(stem.with_name(f"{stem.name}.rst")) as path:
        path.write_text(f"{drawing.caption}\n", encoding="utf-8")
