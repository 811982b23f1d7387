"""Add to `SOURCES` in attinfo/blocks/sources.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from attinfo.blocks.block import Options
from attinfo.blocks.sources import Source
from attinfo.option_types import Text


class LinesOptions(Options):
    """Options of `lines`."""

    folder: Annotated[Text, Field(description="Folder with a text file for each class.")]


def files_of(options: Mapping[str, Any]) -> list[str]:
    """The files that the source reads: the data set is made again when one changes."""
    return sorted(map(str, Path(options["folder"]).glob("*.txt")))


BLOCK = Source(
    name="lines",
    path="attinfo.data.lines:lines",
    options=LinesOptions,
    local_files=files_of,
    summary="A text file for each class, a text on each line",
)
