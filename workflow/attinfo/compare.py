"""The command `python -m attinfo.compare`, which compares the results of two or more studies.

For example: `python -m attinfo.compare results/default results/mine`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
import sys
from typing import Any

import pandas as pd

from attinfo.claims.across_studies import (
    cells_in_words,
    compare_cells,
    compare_claims,
    effect,
    read_studies,
    sentence,
)
from attinfo.figures.drawing import save
from attinfo.figures.families.comparison import comparison
from attinfo.labels import on_data_sets
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError


def arguments() -> ArgumentParser:
    """The arguments of the command."""
    parser = ArgumentParser(
        prog="python -m attinfo.compare",
        description="Do the conclusions of one study hold in others?",
    )
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="FOLDER",
        help="results/<study> of a finished study, or a study in docs/findings; the others are "
        "compared with the first",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write comparison.csv (contrasts), comparison_cells.csv, and the figure "
        "comparison.svg, .png and .rst there",
    )
    return parser


def in_words(claims: pd.DataFrame, cells: pd.DataFrame) -> str:
    """What the command prints.

    Args:
        claims: of `compare_claims`.
        cells: of `compare_cells`.
    """
    lines = []
    primary = claims[claims["role"] == "primary"]
    width = claims["study"].str.len().max()
    for (claim, contrast), own in primary.groupby(["claim", "contrast"], sort=False):
        reference, *others = own.to_dict("records")
        lines.append(f"({claim}) {contrast}")
        lines += [f"    {row['study']:{width}}  {_found(row)}" for row in (reference, *others)]
        lines += [f"    {sentence(reference, row)}" for row in others]
    return "\n".join([*lines, "", *cells_in_words(cells)])


def _found(row: Mapping[str, Any]) -> str:
    """The effect, verdict and replicates of a contrast in one study."""
    if not row["n"] > 0:
        return "no runs"
    seeds = on_data_sets(int(row["n"]), "seed", int(row["datasets"]))
    return f"{effect(row)}  {row['verdict']}, {seeds}"


def checked_folder(name: str) -> Path:
    """The folder to write to, which need not exist.

    Raises:
        InputError: there is a file of this name, or in the place of a folder above it.
    """
    folder = Path(name)
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise InputError(f"--out {folder}: {place} is a file, expected a folder")
    return folder


def main(argv: list[str] | None = None) -> None:
    """Print whether each conclusion holds in all studies; write tables and a figure on request."""
    options = arguments().parse_args(argv)
    try:
        folder = checked_folder(options.out) if options.out else None
        studies = read_studies(options.folders)
    except InputError as error:
        sys.exit(f"error: {error}")
    claims, cells = compare_claims(studies), compare_cells(studies)
    print(in_words(claims, cells))
    if folder:
        try:
            save(comparison(claims, studies[0].level), folder / "comparison")
            with whole(folder / "comparison_cells.csv") as path:
                cells.to_csv(path, index=False, lineterminator="\n")
        except OSError as error:
            sys.exit(f"error: --out {folder}: {error.strerror}")


if __name__ == "__main__":
    main()
