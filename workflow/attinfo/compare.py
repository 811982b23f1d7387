"""From the shell: `python -m attinfo.compare results/default results/mine`."""

from argparse import ArgumentParser
from pathlib import Path
import sys

import pandas as pd

from attinfo.claims.across_studies import (
    cells_in_words,
    compare_cells,
    compare_claims,
    effect,
    read_studies,
    sentence,
)
from attinfo.figures.comparison import comparison
from attinfo.figures.drawing import save
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError


def arguments() -> ArgumentParser:
    """What the command takes."""
    parser = ArgumentParser(
        prog="python -m attinfo.compare",
        description="Do the conclusions of a study still hold in others?",
    )
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="FOLDER",
        help="of finished studies, results/<study>; the first is what the others are compared with",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write comparison.csv (contrasts), comparison_cells.csv, and comparison.svg, .png "
        "and .rst there",
    )
    return parser


def in_words(claims: pd.DataFrame, cells: pd.DataFrame) -> str:
    """What the command prints."""
    lines = []
    primary = claims[claims["role"] == "primary"]
    width = claims["study"].str.len().max()
    for (claim, contrast), own in primary.groupby(["claim", "contrast"], sort=False):
        reference, *others = own.to_dict("records")
        lines.append(f"({claim}) {contrast}")
        for row in (reference, *others):
            known = row["n"] > 0
            told = f"{effect(row)}  {row['verdict']}, {row['n']:g} seeds" if known else "no runs"
            lines.append(f"    {row['study']:{width}}  {told}")
        lines += [f"    {sentence(reference, row)}" for row in others]
    return "\n".join([*lines, "", *cells_in_words(cells)])


def main(argv: list[str] | None = None) -> None:
    """Print whether each conclusion holds in all studies; write tables and figure if asked to."""
    options = arguments().parse_args(argv)
    try:
        studies = read_studies(options.folders)
    except InputError as error:
        sys.exit(f"error: {error}")
    claims, cells = compare_claims(studies), compare_cells(studies)
    print(in_words(claims, cells))
    if options.out:
        folder = Path(options.out)
        save(comparison(claims, studies[0].level), folder / "comparison")
        with whole(folder / "comparison_cells.csv") as path:
            cells.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
