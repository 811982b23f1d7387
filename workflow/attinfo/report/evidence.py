"""The figures of the page: where they stand, what they say, and why one is missing."""

from base64 import b64encode
from collections.abc import Sequence
import csv
from pathlib import Path
import re
from typing import NamedTuple

from attinfo.figures import FIGURES

LARGEST = 300_000  # bytes of a vector picture; a denser one is shown as PNG if that is smaller
IN_ALL = 5_000_000  # bytes of all pictures of a page


class Figure(NamedTuple):
    """A figure of the page; without a `source` its caption says why."""

    name: str
    anchor: str
    section: str
    title: str
    caption: str
    file: str
    source: str


def evidence(folder: str | Path, datasets: Sequence[str]) -> list[Figure]:
    """The figures of a study, in order: each once overall or once a data set.

    Args:
        folder: holds `<name>.svg`, `.png`, `.csv` and `.rst`, those of a data set in its folder.
        datasets: of the study.
    """
    found, room = [], IN_ALL
    for name, entry in FIGURES.items():
        for dataset in [""] if entry.overall else datasets:
            path = Path(folder, dataset, name)
            many = dataset and len(datasets) > 1
            caption, source = _missing(path.with_suffix(".csv")), ""
            if not caption:
                caption, source = read_caption(path.with_suffix(".rst")), _picture(path)
                room -= len(source)
                if room < 0:
                    caption, source = "the page would be too large; it is among the files.", ""
            found.append(
                Figure(
                    name,
                    f"{name}-{dataset}" if dataset else name,
                    entry.section,
                    f"{entry.title}: {dataset}" if many else entry.title,
                    caption,
                    f"figures/{dataset}/{name}.svg" if dataset else f"figures/{name}.svg",
                    source,
                )
            )
    return found


def read_caption(path: Path) -> str:
    """A caption, its reStructuredText marks taken off."""
    return re.sub(r"\s+", " ", path.read_text("utf-8").replace("``", "")).strip()


def _missing(path: Path) -> str:
    """The reason that stands in the table of a figure that the data do not allow."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        return next(rows, [""])[0] if next(rows, []) == ["missing"] else ""


def _picture(path: Path) -> str:
    """The picture as a link that holds it: as vectors, unless these are many."""
    vectors = path.with_suffix(".svg").read_bytes()
    if len(vectors) > LARGEST:
        pixels = path.with_suffix(".png").read_bytes()
        if len(pixels) < len(vectors):
            return f"data:image/png;base64,{b64encode(pixels).decode()}"
    return f"data:image/svg+xml;base64,{b64encode(vectors).decode()}"
