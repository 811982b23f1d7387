"""A small study by calls of the library, stage by stage, without Snakemake: what a page is of."""

from collections.abc import Sequence
import csv
import json
from pathlib import Path
from typing import Any

from conftest import VARIANTS, chosen
import numpy as np
import pandas as pd
from project import ROOT
import yaml

from attinfo.agreement.reliability import between_seeds, split_half
from attinfo.agreement.tables import by_text, by_unit, measures_of, read_pointwise
from attinfo.blocks.measures import SIGNED
from attinfo.claims.across_data_sets import across, moderators, properties
from attinfo.claims.collect import faithfulness_means
from attinfo.claims.settle import settle
from attinfo.config.inputs import Inputs
from attinfo.config.sections.statistics import Statistics
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.texts import read_summary, read_texts
from attinfo.explain.completeness import completeness_table
from attinfo.explain.faithfulness import faithfulness
from attinfo.explain.importance import completeness, drawn_texts, importance
from attinfo.figures.catalogue import drawn, place
from attinfo.information.calibration import calibrate
from attinfo.information.trust import trusted
from attinfo.information.units import information
from attinfo.keys import GROUP
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.report.figures import read_figures
from attinfo.report.shown_runs import shown_runs
from attinfo.report.strips import Files, strips
from attinfo.runtime.loading import Chosen
from attinfo.runtime.provenance import describe
from attinfo.states.extract import states_of
from attinfo.states.store import read_states, write_states
from attinfo.training.enough import ending
from attinfo.training.tables import training_table
from attinfo.training.train import train

ODD = (  # words of texts that a page must show and never run
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "& \"quoted\" 'words'",
    "مرحبا بالعالم",
    "👩‍🔬😀",
    "{{ 7*7 }}",
    "]]> --> </style>",
)
LABELS = ('<b>no</b> & "x"', "نعم ★")
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="200"><desc>{}</desc></svg>'
DATASET = "own"
TABLES = ("information", "texts", "agreement", "faithfulness", "completeness")
FILES = ("states.safetensors", "pointwise/linear.parquet", "importance.parquet")


def write_odd(path: Path, texts: int = 400) -> Path:
    """Odd words around a keyword that decides between two odd labels."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for _ in range(texts):
            label = int(rng.integers(2))
            filler = rng.choice(["word0", "word1", "word2", "word3"], 3)
            words = [*rng.choice(ODD, 3), ("bad", "good")[label], *filler]
            writer.writerow([" ".join(rng.permutation(words)), LABELS[label]])
    return path


def study_of(raw: Path, cells: dict[str, Any], seeds: int, more: dict[str, Any]) -> Study:
    """The config of a small study of a file of texts."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    smoke = yaml.safe_load((ROOT / "studies/smoke.yaml").read_text("utf-8"))
    small = {key: config.get(key, {}) | smoke[key] for key in ("model", "training", "information")}
    small |= {"faithfulness": config["faithfulness"] | {"texts": 20, "normalised_texts": 0}}
    small |= {"calibration": {"ranks": [4], "levels": [0.3], "repeats": 2}}
    small["training"]["epochs"] = 2
    small["information"] |= {"estimators": config["information"]["estimators"], "spot_checks": []}
    source = {"name": "files", "path": str(raw)}
    own = {"source": source, "split": {"train": 0.5}}
    return Study.checked(
        config
        | small
        | {"study": "small", "seeds": list(range(1, seeds + 1)), "report": {"texts": 8}}
        | {"datasets": {DATASET: own}, "grid": [{"dataset": DATASET, **cells}]}
        | more
    )


def dummy_figures(folder: Path, datasets: Sequence[str], size: int = 0) -> Path:
    """Stand-ins of the figures, of a size; every fifth says that it is missing."""
    for number, (name, dataset) in enumerate(drawn(datasets)):
        stem = folder / place(name, dataset)
        stem.parent.mkdir(parents=True, exist_ok=True)
        missing = number % 5 == 4
        stem.with_suffix(".csv").write_text("missing\nno runs\n" if missing else "x\n1\n")
        stem.with_suffix(".rst").write_text(
            "There are no such runs.\n" if missing else "As ``x``.\n"
        )
        stem.with_suffix(".svg").write_text(PICTURE.format("x" * size))
        stem.with_suffix(".png").write_bytes(b"x" * (size // 2 + 1))
    return folder


def run_small_study(
    folder: Path, raw: Path, cells: dict[str, Any], seeds: int, **more: Any
) -> dict[str, Any]:
    """Everything that the page of a small study is made of, as `page` takes it.

    `more`: sections of the config.
    """
    study = study_of(raw, cells, seeds, more)
    files(path=str(raw)).to_parquet(folder / "raw.parquet")
    data = folder / "data"
    prepare(folder / "raw.parquet", Inputs(study).prepare_options(DATASET), data)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for group in study.groups:
        run_cell(study, group, data, folder / "runs", found)
    texts, classes = len(read_texts(data, "test")), len(read_summary(data)["classes"])
    calibration = pd.concat(
        calibrate(
            chosen("task", "gaussian"),
            texts,
            classes,
            StageOptions(study).calibration(DATASET, name),
        )
        for name in StageOptions(study).calibrated
    ).assign(dataset=DATASET)
    own = [
        Files(run, *(folder / "runs" / run.path / name for name in FILES))
        for run in shown_runs(study)
    ]
    level = study.statistics.level
    records = [folder / f"runs/{run.path}/run.json" for run in study.runs]
    training = training_table(study.runs, records)
    statistics = Statistics(level=level, bootstrap=200, seed=1)
    settled = settle(found["texts"], statistics, training)
    described = properties(settled["runs"], {DATASET: read_summary(data)})
    return {
        "study": study.study,
        "level": level,
        "tables": settled
        | {
            "across": across(settled["claims"], level),
            "moderators": moderators(settled["claims"], described),
            "information": trusted(pd.concat(found["information"]), calibration),
            "calibration": calibration,
            "agreement": pd.concat(found["agreement"]),
            "faithfulness": faithfulness_means(found["faithfulness"], level),
            "completeness": completeness_table(found["completeness"]),
            "training": training,
        },
        "figures": read_figures(dummy_figures(folder / "figures", [DATASET]), [DATASET]),
        "summaries": {DATASET: read_summary(data)},
        "shown": strips(own, data, count=8, seed=3),
        "seed": own[0].run.seed,
        "costs": [],
        "records": sorted(folder.glob("runs/**/run.json")),
        "code": "0" * 64,
        "config": study.model_dump(mode="json"),
    }


def run_cell(
    study: Study, group: str, data: Path, folder: Path, found: dict[str, list[pd.DataFrame]]
) -> None:
    """Train the models of a cell, measure them, and add their rows to the tables `found`."""
    cell = dict(zip(GROUP, group.split("/"), strict=True))
    plain = StageOptions(study).model(*(cell[kind] for kind in GROUP[:-1]))
    architecture = Architecture.of(plain)
    variant, texts, measures = VARIANTS[cell["variant"]], read_texts(data, "test"), []
    summary = read_summary(data)
    sizes = summary["vocabulary"], len(summary["classes"])
    for seed in study.seeds:
        run, name = cell | {"seed": seed}, f"{group}/{seed}"
        own = folder / name
        (own / "pointwise").mkdir(parents=True)
        weights, history = train(
            read_texts(data, "train"),
            read_texts(data, "dev"),
            *sizes,
            architecture=architecture,
            training=study.training,
            variant=variant,
            seed=seed,
        )
        model = Classifier(*sizes, architecture, variant)
        model.load_state_dict(weights)
        write_states(own / "states.safetensors", states_of(model.eval(), texts))
        states = read_states(own / "states.safetensors", hidden=True)
        estimates = []
        for estimator in study.information.estimators:
            settings = StageOptions(study).information(estimator)
            units, tokens = information(states, settings, name, None)
            tokens.to_parquet(own / f"pointwise/{estimator}.parquet")
            estimates.append(units)
        pointwise = read_pointwise(sorted((own / "pointwise").iterdir()))
        options = StageOptions(study).importance()
        asked = [Chosen.of(measure) for measure in options["measures"]]
        drawn = drawn_texts(len(texts), options["texts"], options["seed"])
        important = importance(model, texts, states, seed, asked, options["costly"], drawn)
        important.to_parquet(own / "importance.parquet")
        record = describe({"script": "0" * 12}, ("numpy",)) | {
            "epochs": history[-1]["epoch"],
            "kept": next(row for row in history if row["kept"]),
            **ending(history, study.training.patience),
        }
        (own / "run.json").write_text(json.dumps(record))
        complete = completeness(model, texts, states, seed, important, options["totals"])
        table, by_instance = by_text(
            states, pointwise, importance=important, run=name, signed=SIGNED
        )
        units = pd.concat(estimates).assign(**run)
        halves = split_half(states, pointwise, "linear_pvi_position")
        agreed = (by_instance, by_unit(states, units, pointwise, name), halves)
        gain = pointwise["linear_gain"].to_numpy()
        orders = {"attention": states.attention, "information": gain}
        deleted = faithfulness(model, texts, seed, orders, study.faithfulness)
        measures.append({"attention": states.score, **measures_of(pointwise, important, SIGNED)})
        found["information"].append(units)
        found["texts"].append(table.assign(**run))
        found["agreement"] += [part.assign(**run) for part in agreed]
        found["faithfulness"].append(deleted.assign(**run))
        found["completeness"].append(complete.assign(**run))
    found["agreement"].append(between_seeds(measures, states.offsets).assign(**cell))
