"""Audit a text classifier by one command: write a study file and run the workflow on it.

python -m attinfo.audit MODEL DATA.csv --text review --label stars
"""

import argparse
import json
import os
from pathlib import Path
import re
import subprocess
import sys
from typing import Any, get_args

import yaml

import attinfo
from attinfo.audit.answer import from_plain
from attinfo.audit.pairs import First
from attinfo.audit.words import in_words
from attinfo.blocks.views import VIEWS
from attinfo.config.inputs import Inputs
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.runtime.errors import InputError

WORKFLOW = Path(attinfo.__file__).parents[1]
MODEL, DATASET = "model", "texts"  # their names in the study


def arguments() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m attinfo.audit",
        description="Does the attention of a text classifier explain it? Writes a study file, runs "
        "the workflow on it, and prints the answer and where its page is.",
    )
    parser.add_argument("model", help="folder of the classifier, or its name on the hub")
    parser.add_argument("data", help="texts with labels: CSV, TSV, JSON lines or Parquet")
    parser.add_argument("--text", default="text", help="column of the texts (default: text)")
    parser.add_argument("--label", default="label", help="column of the labels (default: label)")
    parser.add_argument("--query", help="column of second texts, for a model that reads two")
    parser.add_argument(
        "--first",
        choices=get_args(First),
        help="which of text and query the model reads first (default: text)",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="LABEL=NAME",
        help="the model's name of a label of the data, where they differ; may be repeated",
    )
    parser.add_argument(
        "--view",
        dest="views",
        action="append",
        choices=list(VIEWS),
        help="attention view to read; may be repeated (default: all)",
    )
    parser.add_argument("--revision", help="commit that pins a model on the hub")
    parser.add_argument("--texts", type=int, help="most texts that are audited")
    parser.add_argument("--subwords", action="store_true", help="rank subwords, not words")
    parser.add_argument("--name", help="of the study (default: that of the data file)")
    parser.add_argument("--out", default=".", help="folder for the study file and results/")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="default: all")
    parser.add_argument(
        "--study-only", action="store_true", help="write the study file, run nothing"
    )
    return parser


def study_of(options: argparse.Namespace) -> dict[str, Any]:
    """The config of the study that the options describe."""
    name = options.name or re.sub(r"[^A-Za-z0-9_-]+", "-", Path(options.data).name.split(".")[0])
    labels = dict(_pair(text) for text in options.classes)
    audit: dict[str, Any] = {}
    if options.views:
        audit["views"] = list(dict.fromkeys(options.views))
    if options.texts:
        audit["texts"] = options.texts
    if options.subwords:
        audit["units"] = "subwords"
    folder = Path(options.model)
    model = str(folder.resolve()) if folder.exists() or not options.revision else options.model
    audited: dict[str, Any] = {"model": model, "dataset": DATASET, "texts": "all"}
    if options.revision:
        audited["revision"] = options.revision
    if labels:
        audited["labels"] = labels
    if options.first:
        if not options.query:
            raise InputError(f"--first {options.first}: found no --query, expected both")
        audited["first"] = options.first
    source = {"name": "files", "path": str(Path(options.data).resolve())}
    dataset = {
        "source": source,
        "text": options.text,
        "label": options.label,
        **({"query": options.query} if options.query else {}),
        "split": {"column": False},
        "most_unknown": 1.0,  # the model has a vocabulary of its own
        "max_tokens": 100_000,  # the model cuts texts itself
    }
    return {
        "study": name,
        "seeds": [1],
        "grid": [],
        "datasets": {DATASET: dataset},
        "models": {MODEL: audited},
        **({"audit": audit} if audit else {}),
    }


def _pair(text: str) -> tuple[str, str]:
    label, equals, name = text.partition("=")
    if not equals or not label or not name:
        raise InputError(f"--class {text}: expected LABEL=NAME")
    return label, name


def main(argv: list[str] | None = None) -> None:
    """Write the study file, run the workflow, print the answer."""
    options = arguments().parse_args(argv)
    try:
        study = study_of(options)
        checked = Study.checked(study)
        check_files(Inputs(checked))
        if not (WORKFLOW / "Snakefile").is_file():
            raise InputError(
                f"no workflow beside the package in {WORKFLOW}: expected a clone of the project"
            )
        out = Path(options.out)
        if out.exists() and not out.is_dir():
            raise InputError(f"--out {out}: found a file, expected a folder")
        file = _written(study, out)
    except InputError as error:
        sys.exit(f"error: {error}")
    print(f"study file: {file}")
    if options.study_only:
        return
    command = [sys.executable, "-m", "snakemake", "--cores", str(options.cores)]
    command += ["--snakefile", str(WORKFLOW / "Snakefile"), "--directory", str(out)]
    command += ["--configfile", str(file), "--quiet", "rules", "host", "reason"]
    if code := subprocess.run(command, check=False).returncode:
        sys.exit(code)
    results = out / "results" / checked.study
    print(f"\n{answer_in(results / 'models' / MODEL / '1', checked)}")
    print(f"page: {results / 'audit.html'}")


def _written(study: dict[str, Any], out: Path) -> Path:
    """Write the study file, and return its path. A different file is not overwritten.

    Raises:
        InputError: there is a different file of this name.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{study['study']}.yaml"
    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
    if file.is_file() and file.read_text("utf-8") != text:
        raise InputError(f"{file}: holds another study, expected a new --name or --out")
    file.write_text(text, "utf-8")
    return file.resolve()


def answer_in(folder: Path, study: Study) -> str:
    """The answer of a finished audit, in sentences."""
    content = json.loads((folder / "answer.json").read_text("utf-8"))
    return in_words(
        from_plain(content["answers"])[0], content["references"], study.statistics.level
    )


if __name__ == "__main__":
    main()
