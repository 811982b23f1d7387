"""The table of the page with the quality and the cost of each measure."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.claims.compared import COMPARED, FINDERS, INFORMATION
from attinfo.claims.given_statistics import RATIONALE_SCORES
from attinfo.keys import CELL, GIVEN
from attinfo.labels import label_of
from attinfo.report.tables.base import Table, named

PER = 1000  # texts


def seconds_of(paths: Iterable[str | Path], estimates: Mapping[str, float]) -> pd.DataFrame:
    """What the measures of a study took.

    Args:
        paths: `seconds.csv` of every run.
        estimates: column of pointwise information -> seconds per 1,000 texts.

    Returns:
        The column `seconds` per 1,000 texts, mean over runs, by measure.
    """
    table = pd.concat(map(pd.read_csv, paths))
    own = table[table["texts"] > 0]
    rate = PER * own["seconds"] / own["texts"]
    means = rate.groupby(own["measure"]).mean()
    return pd.concat([means, pd.Series(estimates, dtype=float)]).to_frame("seconds")


def estimate_seconds(
    benchmarks: Sequence[str | Path], names: Iterable[str], texts: int
) -> dict[str, float]:
    """Seconds that the estimates of information took, from the benchmark files of their jobs.

    Args:
        benchmarks: files `<seed>/<estimator>.tsv` of Snakemake.
        names: the estimators of the study.
        texts: the texts that all these jobs had, those of each run counted.

    Returns:
        `<estimator>_gain` and `<estimator>_pvi` -> seconds per 1,000 texts. The job of an estimator
        also makes its permutation null and its estimates of positions and ranks; that of the
        linear probe the light estimates, the spot checks and the probes of halves too.
    """
    found: dict[str, float] = {}
    for name in names:
        own = [path for path in map(Path, benchmarks) if path.stem == name]
        total = sum(_processor(pd.read_csv(path, sep="\t")) for path in own)
        if own and texts:
            found |= dict.fromkeys((f"{name}_gain", f"{name}_pvi"), PER * total / texts)
    return found


def _processor(row: pd.DataFrame) -> float:
    """Seconds of a processor that a job took; of a clock if it was too short to be measured."""
    measured = pd.to_numeric(row["cpu_time"], errors="coerce").iloc[0]
    return float(row["s"].iloc[0] if np.isnan(measured) else measured)


def method_table(
    cells: pd.DataFrame, faithfulness: pd.DataFrame, seconds: pd.DataFrame
) -> Table | None:
    """One row for each measure: agreement, faithfulness, plausibility, seconds; None without any.

    Args:
        cells: of `cells.csv`.
        faithfulness: of `faithfulness.csv`.
        seconds: of `seconds_of`.
    """
    own = cells[cells["variant"] == "trained"].groupby("statistic")["estimate"].mean()
    erased = faithfulness[faithfulness["variant"] == "trained"]
    means = erased.groupby(["ordering", "kind"])["naopc"].mean()
    raw = erased.groupby(["ordering", "kind"])["aopc"].mean()
    given = [m for name in own.index if (m := name.removeprefix("tau_")).startswith(GIVEN)]
    rows = []
    columns = {"attention": "attention", **{k: c for k, (c, _) in COMPARED.items()}}
    for name, column in [*columns.items(), *zip(given, given, strict=True)]:
        # Faithfulness calls the order by gain `information`.
        order = "information" if column == INFORMATION["gain"].column else column
        rows.append(
            {
                "measure": COMPARED[name][1] if name in COMPARED else label_of(name),
                "τ-b with attention": own.get(f"tau_{name}"),
                "comprehensiveness": means.get((order, "comprehensiveness")),
                "sufficiency": means.get((order, "sufficiency")),
                "comprehensiveness, raw": raw.get((order, "comprehensiveness")),
                "sufficiency, raw": raw.get((order, "sufficiency")),
                "words that people rated": own.get(f"plausibility_{name}"),
                "parts that people marked": own.get(f"rationale_auprc_lift_{name}"),
                f"seconds per {PER:,} texts": 0.0
                if name == "attention"
                else seconds["seconds"].get(column),
            }
        )
    frame = pd.DataFrame(rows).astype({c: float for c in rows[0] if c != "measure"})
    numbers = frame.drop(columns=["measure", frame.columns[-1]])
    frame = frame[numbers.notna().any(axis=1)]
    shown = frame.columns[frame.notna().any()]
    if frame.empty:
        return None
    return Table(
        "method-table",
        "Each measure: its quality, and the time that it takes",
        frame[shown].reset_index(drop=True),
        {column: ".2f" if "seconds" in column else ".3f" for column in shown.drop("measure")},
        note="Mean over the trained cells. Agreement is τ-b within texts. Comprehensiveness "
        "(higher is better) and sufficiency (lower is better) are AOPC, normalised from the worst "
        "(0) to the best (1) order of a text, and raw. Words that people rated, parts that they "
        "marked: average precision of finding them, above a random order. Seconds of one "
        "processor: attention is a part of the prediction and costs nothing more; the job of an "
        "estimator of information also makes its permutation null and the estimates of positions "
        "and ranks, and that of the linear probe the light estimates, the spot checks and the "
        "probes of halves; given scores have the seconds that their table states. Times differ "
        "from one machine to the next.",
        whole="cells.csv",
    )


def rationale_table(cells: pd.DataFrame, level: float) -> Table | None:
    """One row for each trained cell and measure; None if no data set has rationales.

    Args:
        cells: of `cells.csv`.
        level: of its intervals.
    """
    own = cells[(cells["variant"] == "trained") & cells["statistic"].str.startswith("rationale_")]
    if own.empty:
        return None
    wide = own.set_index([*CELL, "statistic"])[["estimate", "ci_low", "ci_high"]]
    measures = {"attention": "attention"} | {name: label for name, (_, label) in FINDERS.items()}
    start = "rationale_auprc_lift_"
    for statistic in dict.fromkeys(own["statistic"]):
        if statistic.startswith(start):
            name = statistic.removeprefix(start)
            measures.setdefault(name, label_of(name))
    rows = []
    for cell in own[CELL].drop_duplicates().itertuples(index=False, name=None):
        for name, label in measures.items():
            row = dict(zip(CELL, cell, strict=True)) | {"measure": label}
            for score, heading in RATIONALE_SCORES.items():
                lift = (*cell, f"rationale_{score}_lift_{name}")
                if lift not in wide.index:
                    continue
                found = wide.loc[lift]
                row[heading] = wide["estimate"].get((*cell, f"rationale_{score}_{name}"))
                above = f"{heading} above chance"
                row |= {above: found["estimate"], f"{above} low": found["ci_low"]}
                row[f"{above} high"] = found["ci_high"]
            rows.append(row)
    frame = pd.DataFrame(rows)
    frame = frame.dropna(subset=[n for n in RATIONALE_SCORES.values() if n in frame], how="all")
    headings = [f"{heading} above chance" for heading in RATIONALE_SCORES.values()]
    return Table(
        "rationale-table",
        "Do measures find the parts of a text that people marked?",
        named(frame.reset_index(drop=True)),
        dict.fromkeys(RATIONALE_SCORES.values(), ".3f") | dict.fromkeys(headings, "+.3f"),
        {heading: (f"{heading} low", f"{heading} high") for heading in headings},
        f"Mean over texts and seeds; in brackets the {level:.0%} interval of the score above that "
        "of a random order. AUPRC ranks all tokens; token F1 and IOU F1 take as many top tokens as "
        "people marked in the text, and IOU F1 compares runs of adjacent tokens (DeYoung et al. "
        "2020). Permuted weights and rarity are controls. This is plausibility, which is not "
        "faithfulness.",
        "cells.csv",
    )
