"""The figures of the page: section and caption of each figure, and why a figure is missing."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
import re
from typing import NamedTuple

from attinfo.figures.catalogue import FIGURES, drawn, is_missing, place
from attinfo.keys import ALL
from attinfo.labels import label_of

LARGEST = 300_000  # bytes of an SVG; a larger one is shown as PNG if that is smaller
IN_ALL = 5_000_000  # bytes of all pictures of a page


class Figure(NamedTuple):
    """A figure of the page. If `source` is empty, the caption says why."""

    name: str
    anchor: str
    section: str
    title: str
    caption: str
    file: str
    source: str


def read_figures(folder: str | Path, datasets: Sequence[str]) -> list[Figure]:
    """Read the figures of a study, in the order of the page.

    Args:
        folder: with `<name>.svg`, `.png`, `.csv` and `.rst` of each figure. The figures of a data
            set are in a folder of its name.
        datasets: of the study.
    """
    found, room = [], IN_ALL
    for name, dataset in drawn(datasets):
        stem = Path(folder, place(name, dataset))
        caption, source = read_caption(stem.with_suffix(".rst")), ""
        if not is_missing(stem.with_suffix(".csv")):
            source = picture(stem)
            room -= len(source)
            if room < 0:
                caption, source = "the page would be too large. The file is in the results.", ""
        kind, one = FIGURES[name], dataset != ALL
        several = one and len(datasets) > 1
        found.append(
            Figure(
                name,
                f"figure-{name}-{dataset}" if one else f"figure-{name}",
                kind.section,
                f"{kind.title}: {label_of(dataset)}" if several else kind.title,
                caption,
                f"figures/{place(name, dataset)}.svg",
                source,
            )
        )
    return found


def read_caption(path: Path) -> str:
    """Read a caption, without the marks of reStructuredText."""
    return re.sub(r"\s+", " ", path.read_text("utf-8").replace("``", "")).strip()


def picture(path: Path) -> str:
    """A link that holds the picture: as SVG, or as PNG if that is much smaller."""
    vectors = path.with_suffix(".svg").read_bytes()
    if len(vectors) > LARGEST:
        pixels = path.with_suffix(".png").read_bytes()
        if len(pixels) < len(vectors):
            return f"data:image/png;base64,{b64encode(pixels).decode()}"
    return f"data:image/svg+xml;base64,{b64encode(vectors).decode()}"
