"""The figures of the page: where they stand, what they say, and why one is missing."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
import re
from typing import NamedTuple

from attinfo.figures.catalogue import ALL, drawn, place
from attinfo.figures.drawing import is_missing
from attinfo.figures.registry import FIGURES

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
    for name, dataset in drawn(datasets):
        stem = Path(folder, place(name, dataset))
        caption, source = read_caption(stem.with_suffix(".rst")), ""
        if not is_missing(stem.with_suffix(".csv")):
            source = _picture(stem)
            room -= len(source)
            if room < 0:
                caption, source = "the page would be too large; it is among the files.", ""
        kind, one = FIGURES[name], dataset != ALL
        tell = one and len(datasets) > 1
        found.append(
            Figure(
                name,
                f"figure-{name}-{dataset}" if one else f"figure-{name}",
                kind.section,
                f"{kind.title}: {dataset.replace('_', ' ')}" if tell else kind.title,
                caption,
                f"figures/{place(name, dataset)}.svg",
                source,
            )
        )
    return found


def read_caption(path: Path) -> str:
    """A caption, its reStructuredText marks taken off."""
    return re.sub(r"\s+", " ", path.read_text("utf-8").replace("``", "")).strip()


def _picture(path: Path) -> str:
    """The picture as a link that holds it: as vectors, unless these are many."""
    vectors = path.with_suffix(".svg").read_bytes()
    if len(vectors) > LARGEST:
        pixels = path.with_suffix(".png").read_bytes()
        if len(pixels) < len(vectors):
            return f"data:image/png;base64,{b64encode(pixels).decode()}"
    return f"data:image/svg+xml;base64,{b64encode(vectors).decode()}"
