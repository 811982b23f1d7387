"""Sentences and tables of the page on the training of the models."""

import pandas as pd

from attinfo.keys import GROUP
from attinfo.labels import counted
from attinfo.report.tables.base import Table, named
from attinfo.training.enough import ENOUGH, SLACK


def enough_sentence(training: pd.DataFrame) -> str:
    """Say how many runs were trained enough, and by which rule.

    Args:
        training: of `training.csv`.
    """
    short, runs = int((~training["trained_enough"]).sum()), counted(len(training), "run")
    rule = (
        f"A run counts as trained enough if its kept epoch is not before the first one whose dev "
        f"loss is within {SLACK:g} nats of the lowest, and {ENOUGH} epochs or more follow that one."
    )
    if not short:
        return f"All {runs} were trained enough. {rule}"
    return f"Of {runs} {short:,} {'was' if short == 1 else 'were'} not trained enough. {rule}"


def enough_table(training: pd.DataFrame) -> Table | None:
    """One row per cell and variant with runs that were not trained enough; None without any.

    Args:
        training: of `training.csv`.
    """
    rows = []
    for key, own in training.groupby(GROUP, sort=False):
        short = own[~own["trained_enough"]]
        if len(short):
            row = dict(zip(GROUP, key, strict=True))
            row |= {"runs": len(own), "not trained enough": len(short)}
            row |= {"seeds": ", ".join(map(str, short["seed"]))}
            row |= {"stopped by patience": int((short["stopped_by"] == "patience").sum())}
            rows.append(row)
    if not rows:
        return None
    return Table(
        "enough-table",
        "Runs that were not trained enough",
        named(pd.DataFrame(rows)),
        note="These models might have learnt more: compare their numbers with care. Those that "
        "patience did not stop did all epochs that the study allows.",
        whole="training.csv",
    )
