"""Copy what a reader can cite from a finished study into docs/findings/<study>/.

python docs/tools/collect_findings.py results/paper

The study may be in another clone, the one that ran it: the commit and the config come from there.
`check_findings.py` compares a rerun with what was copied.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
import csv
from datetime import UTC, datetime
import json
import lzma
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
from textwrap import fill
from typing import Any

from findings.cost import by, jobs, stages, total
from findings.pictures import draw
from findings.tables import rows
import yaml

from attinfo.keys import RUN
from attinfo.labels import listed
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError

FINDINGS = Path(__file__).parents[1] / "findings"
LIBRARY = Path(__file__).parents[2] / "workflow"
RUNS = """
import sys
from snakemake.utils import update_config
import yaml
from attinfo.config.study import Study
merged = {}
for path in sys.argv[1:]:
    update_config(merged, yaml.safe_load(open(path, encoding="utf-8")))
print(*(run.path for run in Study.checked(merged).runs), sep="\\n")
"""
MEGABYTE = 1_000_000
MOST = 20 * MEGABYTE  # of all files together
MOST_PAGE = 10 * MEGABYTE  # of the report page
PLAIN = ("claims", "across", "moderators", "variance", "ranks")
COMPRESSED = ("cells", "runs", "training", "specifications", "calibration", "agreement")
OTHERS = ("study.json", "report.html")
# Of agreement.csv: attention with each measure, and how well orders repeat. The pairs of two
# measures, and the means of other rank statistics, which runs.csv has too, are four fifths of it.
REPEATS = ("reliability", "between_seeds", "split_half")
FIGURES = ("verdicts", "across", "agreement_by_data_set", "variance")
README = """\
# The study `{study}`

`python docs/tools/collect_findings.py` made this folder; nothing in it was edited by hand.
[run.json](run.json) has the command, the commit, the machine, and what the study cost.
[study.yaml](study.yaml) is the config of the study, [defaults.yaml](defaults.yaml) the one whose
keys it changes.

Rows of tables are those of the study, byte for byte. Tables with the ending `.csv.xz` are
compressed by xz; pandas reads them as they are.

| file | rows | one for |
|---|---|---|
{table}

Of `agreement.csv`, the rows are here that compare attention with a measure by τ-b, and those that
say how well an order repeats. Left out are pairs of two measures and further rank statistics, whose
means are in `runs.csv.xz`.

{left}

- `python -m attinfo.compare docs/findings/{study} results/mine` compares a study of your own with
  this one.
- `python docs/tools/check_findings.py results/part` compares a rerun of a part of this study row by
  row.
"""
ROWS = {  # what a row of each table is for
    "claims": "each contrast, over all data sets and on each",
    "across": "each contrast, with the data sets as a sample",
    "moderators": "each contrast and property of the data sets",
    "variance": "each component of the variance between models",
    "ranks": "each cell, ranked",
    "cells": "each statistic of each cell",
    "runs": "each run",
    "training": "the training of each run",
    "specifications": "each way to compute the effect of a conclusion",
    "calibration": "each estimator in each setting where the truth is known",
    "agreement": "each run and pair of orders",
}
LEFT = (
    "estimates of single positions (`information.parquet`)",
    "deletions (`faithfulness.csv`)",
    "single epochs (`learning.csv`)",
    "figures of single data sets",
    "the states and tables of single runs",
)


def collect(folder: Path, made: Path, command: str | None = None) -> Path:
    """Copy the findings of a study to a folder, whole or not at all.

    Args:
        folder: `results/<study>` of a finished study, in the clone that ran it.
        made: the folder to make; one that exists is replaced.
        command: that made the study; None for Snakemake with the study's file.

    Raises:
        InputError: the study is not finished, does not belong to its config, or is too large.
    """
    expected = [*(f"{name}.csv" for name in (*PLAIN, *COMPRESSED)), *OTHERS]
    for name in expected:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: has no {name}, expected the folder of a finished study")
    name = _name(folder / "study.json")
    clone = folder.resolve().parents[1]
    config = _config_file(clone, name)
    runs = _all_runs(folder / "runs.csv", clone, config)
    with whole(made) as temporary:
        temporary.mkdir()
        shutil.copyfile(folder / "study.json", temporary / "study.json")
        shutil.copyfile(config, temporary / "study.yaml")
        shutil.copyfile(clone / "config.yaml", temporary / "defaults.yaml")
        for table in PLAIN:
            shutil.copyfile(folder / f"{table}.csv", temporary / f"{table}.csv")
        for table in COMPRESSED:
            _compress(folder / f"{table}.csv", temporary / f"{table}.csv.xz")
        _copy_figures(folder / "figures", temporary / "figures")
        draw(temporary)
        left = [*LEFT, *_page(folder / "report.html", temporary)]
        record = _record(folder, clone, config, runs, command) | {"left_out": left}
        (temporary / "run.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        (temporary / "README.md").write_text(_readme(temporary, name, left), "utf-8")
        if (found := _size(temporary)) > MOST:
            raise InputError(
                f"{folder}: its findings take {found / MEGABYTE:.1f} MB, expected at most "
                f"{MOST / MEGABYTE:.0f} MB"
            )
    return made


def _name(path: Path) -> str:
    try:
        return str(json.loads(path.read_text("utf-8"))["study"])
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: has no key 'study', expected that of a study") from None


def _config_file(clone: Path, name: str) -> Path:
    """The file that describes the study, in the clone that ran it."""
    for path in (clone / "config.yaml", *sorted((clone / "studies").glob("*.yaml"))):
        if path.is_file() and (yaml.safe_load(path.read_text("utf-8")) or {}).get("study") == name:
            return path
    raise InputError(f"{clone}: no config has 'study: {name}', expected one in studies/")


def _all_runs(path: Path, clone: Path, config: Path) -> list[dict[str, str]]:
    """The runs of a study, which must be those that its config asks for."""
    wanted = _wanted(clone, config)
    found = rows(path)
    missing = len(wanted - {"/".join(row[key] for key in RUN) for row in found})
    if missing or len(found) != len(wanted):
        raise InputError(
            f"{path}: has {len(found)} runs and lacks {missing} of those of {config.name}, "
            f"expected all {len(wanted)} and no other"
        )
    return found


def _wanted(clone: Path, config: Path) -> set[str]:
    """The paths of the runs that a config asks for, by the code of the clone that ran it.

    The code here may be newer, and know other keys.
    """
    parts = (clone / "workflow/datasets.yaml", clone / "config.yaml", config)
    library = os.pathsep.join(map(str, (clone / "workflow", LIBRARY)))
    done = subprocess.run(
        [sys.executable, "-c", RUNS, *map(str, parts)],
        env=os.environ | {"PYTHONPATH": library, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.splitlines() or ["no message"])[-1]
        raise InputError(f"{config}: the runs cannot be listed: {reason}")
    return set(done.stdout.splitlines())


def _compress(source: Path, made: Path) -> None:
    """Write the lines of a table as they stand; of agreement.csv, those that are kept."""
    with source.open(encoding="utf-8", newline="") as file:
        header = next(file)
        names = next(csv.reader([header]))
        with lzma.open(made, "wt", preset=9, encoding="utf-8", newline="") as out:
            out.write(header)
            for line in file:
                if source.name != "agreement.csv" or kept_agreement(
                    dict(zip(names, next(csv.reader([line])), strict=True))
                ):
                    out.write(line)


def kept_agreement(row: Mapping[str, str]) -> bool:
    """Whether a row of agreement.csv is kept."""
    with_attention = row["pair"].startswith("attention~") and row["statistic"] == "kendall_b"
    return with_attention or row["statistic"].startswith(REPEATS)


def _copy_figures(source: Path, made: Path) -> None:
    made.mkdir()
    for name in FIGURES:
        for path in source.glob(f"{name}.*"):
            shutil.copyfile(path, made / path.name)


def _page(page: Path, made: Path) -> list[str]:
    """Copy the report page if there is room; otherwise say so."""
    size = page.stat().st_size
    if size <= MOST_PAGE and size + _size(made) <= MOST:
        shutil.copyfile(page, made / "report.html")
        return []
    return [f"the report page ({size / MEGABYTE:.0f} MB)"]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _record(
    folder: Path, clone: Path, config: Path, runs: list[dict[str, str]], command: str | None
) -> dict[str, Any]:
    """Where the results come from, and what they cost."""
    models = [json.loads(p.read_text("utf-8")) for p in sorted(folder.glob("runs/**/run.json"))]
    if not models:
        raise InputError(f"{folder}: has no runs/…/run.json, expected one for each model")
    every = list(jobs(folder))
    counts = Counter(row["dataset"] for row in runs)
    made = datetime.fromtimestamp((folder / "report.html").stat().st_mtime, UTC)
    own = f" --configfile {config.relative_to(clone)}" if config.parent != clone else ""
    return {
        "command": command or f"snakemake --cores all{own}",
        "date": f"{made:%Y-%m-%d}",
        "commits": dict(Counter(str(model["commit"]) for model in models)),
        "tags": _git(clone, "tag", "--points-at", str(models[0]["commit"])),
        "changed_files": _git(clone, "status", "--porcelain", "--untracked-files=no"),
        "python": sorted({model["python"] for model in models}),
        "versions": models[0]["versions"],
        "machine": _machine({(model["host"], model["machine"]) for model in models}),
        "runs": len(runs),
        "models": len(models),
        **total(every),
        "stages": stages(every),
        "datasets": [
            {"dataset": dataset, "runs": counts[dataset]} | total(part) | {"stages": stages(part)}
            for dataset, part in by("dataset", every).items()
        ],
    }


def _git(clone: Path, *arguments: str) -> list[str]:
    """The lines that a command of git prints; none where there is no repository.

    Nothing is written there, not even a refreshed index: a study may be running.
    """
    command = ["git", "--no-optional-locks", "-C", str(clone), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def _machine(found: set[tuple[str, str]]) -> dict[str, Any]:
    """The machine of the models; its parts are known only if this is the machine."""
    systems = sorted({system for _, system in found})
    if {host for host, _ in found} != {platform.node()}:
        return {"machines": len(found), "systems": systems}
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = sorted({line.partition(":")[2].strip() for line in lines if line.startswith("model n")})
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "machines": 1,
        "systems": systems,
        "processor": ", ".join(names),
        "cores": os.cpu_count(),
        "gigabytes": round(memory / 1e9, 1),
    }


def _readme(folder: Path, name: str, left: list[str]) -> str:
    lines = []
    for table, words in ROWS.items():
        path = folder / f"{table}.csv{'.xz' * (table in COMPRESSED)}"
        lines.append(f"| [{path.name}]({path.name}) | {len(rows(path)):,} | {words} |")
    words = fill(f"This folder leaves out {listed(left)}; the command makes them.", 100)
    return README.format(study=name, table="\n".join(lines), left=words)


def main(argv: list[str] | None = None) -> None:
    """Collect the findings of the study that the command line names."""
    parser = ArgumentParser(description="Copy the findings of a finished study into docs/findings/")
    parser.add_argument("folder", metavar="FOLDER", help="results/<study> of a finished study")
    parser.add_argument("--command", help="that made the study, for run.json")
    options = parser.parse_args(argv)
    folder = Path(options.folder)
    try:
        made = collect(folder, FINDINGS / folder.resolve().name, options.command)
    except InputError as error:
        sys.exit(f"error: {error}")
    print(f"{made}: {_size(made) / MEGABYTE:.1f} MB")


if __name__ == "__main__":
    main()
