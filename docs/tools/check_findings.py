"""Compare the tables of a rerun with the committed ones, row by row.

python docs/tools/check_findings.py results/part

The rerun may be of a part of the study: fewer data sets, cells or seeds. Some columns and tables
depend on other runs than that of the row. They are compared only where all these runs are there:

- `concordance_study_<b>`, `concordance_rise_study` and `gap_study_<b>` are in bins of the gap over
  all runs of a data set. So are `cells.csv`, whose rows are means over seeds.
- Contrasts, specifications and ranks are of all runs of the study.
"""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Sequence
import csv
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import NamedTuple

from findings.tables import opened

from attinfo.claims.across_studies import table_of
from attinfo.keys import GROUP, RUN
from attinfo.runtime.errors import InputError

FINDINGS = Path(__file__).parents[1] / "findings/paper"
RUN_ALONE, DATA_SET, STUDY = "run", "data set", "study"
SHARED = ("concordance_study_", "concordance_rise_study", "gap_study_")  # by runs of a data set
SHOWN = 10  # differences that are printed
CONTRAST = ("claim", "role", "contrast", "statistic")


@dataclass(frozen=True)
class Table:
    """A table that is compared.

    Attributes:
        name: of the file, without its ending.
        key: the columns that name a row; where there are none, rows are named by their number.
        needs: whose runs a row depends on: its run's, or all of the data set or of the study.
    """

    name: str
    key: tuple[str, ...]
    needs: str


TABLES = (
    Table("runs", tuple(RUN), RUN_ALONE),
    Table("training", tuple(RUN), RUN_ALONE),
    Table("agreement", (*RUN, "index", "pair", "statistic"), RUN_ALONE),
    Table("calibration", ("dataset", "estimator", "task", "n", "rank", "level"), RUN_ALONE),
    Table("cells", (*GROUP, "statistic"), DATA_SET),
    Table("claims", (*CONTRAST, "dataset"), STUDY),
    Table("specifications", (), STUDY),
    Table("across", CONTRAST, STUDY),
    Table("moderators", (*CONTRAST, "property"), STUDY),
    Table("variance", ("statistic", "component"), STUDY),
    Table("ranks", ("statistic", *GROUP[:-1]), STUDY),
)


class Difference(NamedTuple):
    """A value of the rerun that is not that of the findings."""

    row: str
    column: str
    committed: str
    rerun: str


class Outcome(NamedTuple):
    """What came of a table: rows compared, and the differences; the columns not compared."""

    name: str
    compared: int
    rows: int
    columns: list[str]
    differences: list[Difference]


def check(folder: Path, findings: Path) -> list[Outcome]:
    """Compare the tables of a rerun with those of the findings.

    Args:
        folder: `results/<study>` of the rerun.
        findings: of `collect_findings.py`.

    Raises:
        InputError: a table is missing, or the two have no run in common.
    """
    theirs = {key for key, _ in _rows(findings, TABLES[0])}
    own = {key for key, _ in _rows(folder, TABLES[0])}
    if not theirs & own:
        raise InputError(f"{folder}: has no run of {findings}, expected one or more")
    whole = _whole(theirs, own)
    found = []
    for table in TABLES:
        if table.needs == STUDY and theirs != own:
            continue
        found.append(_compare(table, folder, findings, whole))
    return found


def _whole(theirs: set[tuple[str, ...]], own: set[tuple[str, ...]]) -> set[str]:
    """The data sets with the same runs on both sides."""
    one, other = _by_data_set(theirs), _by_data_set(own)
    return {dataset for dataset, keys in one.items() if other.get(dataset) == keys}


def _by_data_set(runs: set[tuple[str, ...]]) -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for run in runs:
        found[run[0]].add(run)
    return found


def _rows(folder: Path, table: Table) -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """The rows of a table, each with the values that name it."""
    path = table_of(folder, table.name)
    with opened(path) as file:
        reader = csv.DictReader(file)
        missing = [name for name in table.key if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{path}: has no column '{missing[0]}', expected one as in a study")
        for number, row in enumerate(reader, 1):
            yield tuple(_plain(row[name]) for name in table.key) or (f"row {number}",), row


def _plain(value: str) -> str:
    """A value in one form: a column of whole numbers has a point where another row is empty."""
    return value.removesuffix(".0")


def _compare(table: Table, folder: Path, findings: Path, whole: set[str]) -> Outcome:
    committed = dict(_rows(findings, table))  # the smaller side: it is held in memory
    compared, differences, left = 0, [], set()
    for key, row in _rows(folder, table):
        complete = table.needs == STUDY or row["dataset"] in whole
        # Rows without a seed are of all seeds of a cell.
        alone = table.needs == RUN_ALONE and row.get("seed", "any") != ""
        if key not in committed or not (complete or alone):
            continue
        compared += 1
        for column, value in committed[key].items():
            if column not in row or (column.startswith(SHARED) and not complete):
                left.add(column)
            elif not same(value, row[column]):
                differences.append(Difference("/".join(key), column, value, row[column]))
    return Outcome(table.name, compared, len(committed), sorted(left), differences)


def same(one: str, other: str) -> bool:
    """Whether two values are the same text or the same number, to the last digit."""
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def in_words(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the command prints."""
    for own in outcomes:
        if not own.compared:
            yield f"{own.name}: not compared, its rows are of runs that the rerun lacks"
            continue
        agree = own.compared - len({one.row for one in own.differences})
        yield f"{own.name}: {own.compared:,} of {own.rows:,} rows compared, {agree:,} agree"
        if own.columns:
            columns = ", ".join(_short(own.columns))
            yield f"    not compared, of other runs too or in one table only: {columns}"
        for one in own.differences[:SHOWN]:
            yield f"    {one.row}, {one.column}: {one.committed} here, {one.rerun} in the rerun"
        if len(own.differences) > SHOWN:
            yield f"    and {len(own.differences) - SHOWN:,} further values"


def _short(columns: Sequence[str]) -> list[str]:
    """Names of columns, numbered ones as one: `gap_study_*`."""
    stems = (name.rstrip("0123456789") for name in columns)
    short = (
        f"{stem}*" if stem != name else name for stem, name in zip(stems, columns, strict=True)
    )
    return list(dict.fromkeys(short))


def main(argv: list[str] | None = None) -> None:
    """Print which rows of a rerun agree; exit with an error if any does not."""
    parser = ArgumentParser(description="Compare a rerun with the committed findings, row by row")
    parser.add_argument("folder", metavar="FOLDER", help="results/<study> of the rerun")
    parser.add_argument("--findings", default=FINDINGS, type=Path, help="docs/findings/<study>")
    options = parser.parse_args(argv)
    try:
        outcomes = check(Path(options.folder), options.findings)
    except InputError as error:
        sys.exit(f"error: {error}")
    print("\n".join(in_words(outcomes)))
    if any(own.differences for own in outcomes):
        sys.exit("error: some rows differ")


if __name__ == "__main__":
    main()
