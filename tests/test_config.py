"""The config: what is refused, in which words, and what a valid one expands to."""

from collections.abc import Callable
from copy import deepcopy
import inspect
from itertools import product
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
from typing import Any

from conftest import VARIANTS
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from snakemake.utils import update_config
import torch
import yaml

import attinfo
from attinfo.blocks.catalogue import KINDS, block_of, table, with_defaults
from attinfo.blocks.normalisers import normaliser_name, parse_normaliser
from attinfo.config.inputs import Inputs
from attinfo.config.schema import write_schema
from attinfo.config.sections.training import Training
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.information.sample import Sample, folds, with_permutations
from attinfo.information.summary import measured
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.report.shown_runs import shown_runs
from attinfo.runtime.errors import InputError
from attinfo.runtime.loading import Chosen

REPOSITORY = Path(__file__).parents[1]
LIBRARY = Path(attinfo.__file__).parent
Config = dict[str, Any]


@pytest.fixture
def config() -> Config:
    return {
        "study": "tests",
        "seeds": [1, 2],
        "datasets": {"mine": {"source": {"name": "files", "path": "mine.csv"}}},
        "grid": [
            {"dataset": "mine", "encoder": "mlp", "attention": "deep", "normaliser": "softmax"}
        ],
    }


def put(*path: Any) -> Callable[[Config], None]:
    """A change of a config: put("seeds", [1]) sets config["seeds"] to [1]."""
    *keys, last, value = path

    def change(config: Config) -> None:
        for key in keys:
            config = config.setdefault(key, {}) if isinstance(config, dict) else config[key]
        config[last] = value

    return change


def drop(*path: Any) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        for key in path[:-1]:
            config = config[key]
        del config[path[-1]]

    return change


GRID = ("grid", 0)
SOURCE = ("datasets", "mine", "source")
MINE = {"source": {"name": "files", "path": "mine.csv"}}
WHEEL = {"name": "pypi", "package": "p", "version": "1", "sha256": "0"}

REFUSED = {
    # what is wrong: the change, then what the message must name: where, what was found, expected
    "unknown key": (put("sedes", [1]), "'sedes'", "'seeds'"),
    "unknown key of a section": (put("training", {"epoch": 3}), "training", "'epoch'", "'epochs'"),
    "unknown key of a grid": (put(*GRID, "encodr", "mlp"), "grid.0", "'encodr'", "'encoder'"),
    "unknown key of a split": (
        put("datasets", "mine", "split", {"trian": 0.5}),
        "datasets.mine.split",
        "'trian'",
        "'train'",
    ),
    "missing key": (drop("grid"), "grid", "missing"),
    "unknown encoder": (put(*GRID, "encoder", "bilsm"), "grid.0.encoder", "'bilsm'", "'bilstm'"),
    "unknown encoder among others": (
        put(*GRID, "encoder", ["mlp", "cn"]),
        "grid.0.encoder",
        "'cn'",
        "'cnn'",
    ),
    "unknown attention": (
        put(*GRID, "attention", "aditive"),
        "grid.0.attention",
        "'aditive'",
        "'additive'",
    ),
    "unknown normaliser": (
        put(*GRID, "normaliser", "softmx@0.5"),
        "grid.0.normaliser",
        "'softmx'",
        "'softmax'",
    ),
    "unknown variant": (put(*GRID, "variant", "unifrom"), "grid.0", "'unifrom'", "'uniform'"),
    "unknown data set": (put(*GRID, "dataset", "mien"), "grid.0.dataset", "'mien'", "'mine'"),
    "unknown source": (put(*SOURCE, "name", "pipy"), "datasets.mine.source", "'pipy'", "'pypi'"),
    "source without a name": (drop(*SOURCE, "name"), "datasets.mine.source", "'name'"),
    "source that is not a name": (put(*SOURCE, "name", ["files"]), "datasets.mine.source", "files"),
    "option missing": (put("datasets", "mine", "source", WHEEL), "mine.source", "'member'"),
    "option of another source": (
        put(*SOURCE, "package", "x"),
        "mine.source",
        "'package'",
        "'pypi'",
        "another name",
    ),
    "unknown option of a source": (put(*SOURCE, "pth", "x"), "mine.source", "'pth'", "'path'"),
    "unknown estimator": (
        put("information", {"estimators": ["liner"]}),
        "information.estimators",
        "'liner'",
        "'linear'",
    ),
    "no linear estimator": (
        put("information", {"estimators": ["knn"]}),
        "information.estimators",
        "['knn']",
        "'linear'",
    ),
    "unknown option of a block": (
        put("attentions", {"deep": {"layer": 3}}),
        "attentions",
        "'layer'",
        "'layers'",
    ),
    "option of another type": (
        put("attentions", {"deep": {"layers": "two"}}),
        "attentions",
        "'two'",
        "a valid integer",
    ),
    "options of an unknown block": (
        put("information", {"options": {"kn": {}}}),
        "information.options",
        "'kn'",
        "'knn'",
    ),
    "a text that is no choice": (
        put("information", {"options": {"knn": {"metric": "cosine"}}}),
        "information.options",
        "'cosine'",
        "expected 'euclidean' or 'chebyshev'",
    ),
    "an estimator of floats": (
        put("information", {"estimators": ["linear", "ridge"]}),
        "information.estimators",
        "unknown estimator 'ridge'",
    ),
    "unknown spot check": (
        put("information", {"spot_checks": ["stak"]}),
        "information.spot_checks",
        "'stak'",
        "'stack'",
    ),
    "a spot check of what is estimated everywhere": (
        put("information", {"estimators": ["linear", "knn"], "spot_checks": ["stack", "knn"]}),
        "information",
        "spot_checks",
        "'knn' is among the estimators already",
    ),
    "fewer spot checks than none": (
        put("information", {"spot_units": -1}),
        "information.spot_units",
        "-1",
        "greater than or equal to 0",
    ),
    "states of one direction in calibration": (
        put("calibration", {"ranks": [4, 1]}),
        "calibration.ranks.1",
        "found 1",
        "1.1",
    ),
    "no rank to calibrate at": (put("calibration", {"ranks": []}), "calibration.ranks", "[]"),
    "all the information there is": (
        put("calibration", {"levels": [0.5, 1]}),
        "calibration.levels.1",
        "found 1",
        "less than 1",
    ),
    "a spread over one data set": (
        put("calibration", {"repeats": 1}),
        "calibration.repeats",
        "found 1",
        "greater than or equal to 2",
    ),
    "unknown key of the calibration": (
        put("calibration", {"rank": [4]}),
        "calibration",
        "'rank'",
        "'ranks'",
    ),
    "no seeds": (put("seeds", []), "seeds", "[]", "at least 1"),
    "seeds that are no list": (put("seeds", 3), "seeds", "3", "list"),
    "a seed that is no number": (put("seeds", ["one"]), "seeds.0", "'one'", "integer"),
    "a negative seed": (put("seeds", [-1]), "seeds.0", "-1", "0"),
    "a seed twice": (put("seeds", [1, 2, 1]), "seeds", "[1, 2, 1]", "twice"),
    "no grid": (put("grid", []), "grid", "empty", "one or more"),
    "shares above one": (
        put("datasets", "mine", "split", {"train": 0.9, "dev": 0.1}),
        "datasets.mine.split",
        "train + dev is 1",
        "less than 1",
    ),
    "a share of zero": (
        put("datasets", "mine", "split", {"dev": 0}),
        "datasets.mine.split.dev",
        "0",
        "greater than 0",
    ),
    "a rate below zero": (
        put("training", {"learning_rate": -1}),
        "training.learning_rate",
        "-1",
        "greater than 0",
    ),
    "a word for a number": (put("training", {"epochs": "ten"}), "training.epochs", "'ten'"),
    "an odd width": (put("model", {"width": 17}), "model.width", "17", "multiple of 2"),
    "unknown output": (put("information", {"output": "gold"}), "output", "'gold'", "'label'"),
    "a study that is a path": (put("study", "../other"), "study", "../other"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_config_is_refused_in_one_line_that_names_what_and_where(
    config: Config, wrong: str
) -> None:
    change, *expected = REFUSED[wrong]
    change(config)
    with pytest.raises(InputError) as raised:
        Study.checked(config)
    message = str(raised.value)
    assert message.startswith("config: ")
    assert "\n" not in message
    assert [words for words in expected if words not in message] == []


@pytest.mark.parametrize(
    "change",
    [
        put("attentions", {"deep": {"layers": 1}}),
        put("encoders", {"cnn": {"kernel_sizes": []}}),
        put("encoders", {"cnn": {"kernel_sizes": ["a"]}}),
        put("encoders", {"cnn": {"kernel_sizes": [0]}}),
        put("information", {"options": {"knn": {"neighbours": 0}}}),
    ],
    ids=["a shallow deep scorer", "no kernel", "kernels of words", "empty kernel", "no neighbour"],
)
def test_an_option_with_which_a_block_cannot_work_is_refused(
    config: Config, change: Callable[[Config], None]
) -> None:
    change(config)
    # Before anything runs, or at the latest by the block itself.
    with pytest.raises(InputError) as raised:
        study = Study.checked(config)
        for encoder in KINDS["encoder"]:
            if KINDS["encoder"][encoder].fields.get("model") is None:
                options = StageOptions(study).model("mine", encoder, "deep", "softmax")
                Classifier(10, 2, Architecture.of(options))
        output = torch.arange(60) % 2
        sample = Sample(
            hidden=torch.randn(60, 3),
            text=torch.arange(60),
            output=with_permutations(output, 1, 0),
            classes=2,
            fold=folds(output, 5, 0),
        )
        for estimator in study.information.estimators:
            for plain in StageOptions(study).information(estimator)["estimators"]:
                measured(Chosen.of(plain), sample)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("temperature", ["0", "-1", "-0.0", "warm", "nan", "inf", "0.5@2", ""])
@pytest.mark.parametrize("name", ["softmax", "gumbel_softmax"])
def test_a_temperature_is_a_number_above_zero(config: Config, name: str, temperature: str) -> None:
    config["grid"][0]["normaliser"] = f"{name}@{temperature}"
    with pytest.raises(InputError, match=f"grid.0.normaliser: .*'{temperature}'.* above 0"):
        Study.checked(config)


def test_every_mistake_is_reported_in_a_line_of_its_own(config: Config) -> None:
    config |= {"seeds": [], "training": {"epochs": 0}}
    with pytest.raises(InputError) as raised:
        Study.checked(config)
    first, second = str(raised.value).splitlines()
    assert "seeds" in first and "training.epochs" in second


def test_a_config_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(InputError):
        Study.checked([1])  # type: ignore[arg-type]


GRID_OF_MINE = {
    "grid": [{"dataset": "mine", "encoder": "mlp", "attention": "deep", "normaliser": "softmax"}]
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seeds": []}, "config: seeds: found []"),
        ({"seeds": [1], "datasets": {"mine": {"source": {"name": "fils"}}}}, "'files'"),
        (
            {"datasets": {"mine": {"source": {"name": "files", "path": "no.csv"}}}, **GRID_OF_MINE},
            "'no.csv': found nothing there, expected a file",
        ),
        (
            {
                "datasets": {"mine": {"source": {"name": "files", "path": "workflow"}}},
                **GRID_OF_MINE,
            },
            "'workflow': found a folder, expected a file",
        ),
    ],
    ids=["no seeds", "unknown source", "no such file", "a folder for a file"],
)
def test_what_is_wrong_ends_snakemake_in_one_line(
    tmp_path: Path, wrong: Config, message: str
) -> None:
    for name in ("workflow", "envs"):
        shutil.copytree(
            REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "Snakefile", tmp_path)
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text("utf-8"))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config | wrong), "utf-8")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    assert done.returncode != 0
    assert message in lines[-1]
    assert len(lines) <= 2  # Snakemake may say which host it runs on
    assert not (tmp_path / "results").exists()


def merged(*files: str) -> Config:
    """Config files, each over the ones before it, as Snakemake merges them."""
    config: Config = {}
    for file in files:
        update_config(config, yaml.safe_load((REPOSITORY / file).read_text("utf-8")))
    return config


def test_the_default_config_is_valid() -> None:
    study = Study.checked(merged("workflow/datasets.yaml", "config.yaml"))
    assert study.study == "default"
    assert len(study.seeds) >= 3


@pytest.mark.parametrize("file", sorted(file.name for file in REPOSITORY.glob("studies/*.yaml")))
def test_every_study_in_the_repository_is_valid_and_named_as_its_file(file: str) -> None:
    study = Study.checked(merged("workflow/datasets.yaml", "config.yaml", f"studies/{file}"))
    assert f"{study.study}.yaml" == file


def test_every_data_set_of_the_catalogue_can_be_studied() -> None:
    config = merged("workflow/datasets.yaml", "config.yaml")
    numbers = {n for n, own in config["datasets"].items() if own.get("output") == "number"}
    config["grid"][0]["dataset"] = [name for name in config["datasets"] if name not in numbers]
    study = Study.checked(config)
    assert set(study.used_datasets) | numbers == set(study.datasets)
    config["grid"] = [config["grid"][0] | {"dataset": sorted(numbers)}]
    with pytest.raises(InputError, match="has 'output_layer', which is for classes"):
        Study.checked(config)
    config["information"] |= {"estimators": ["linear", "knn"], "light": []}
    assert set(Study.checked(config).used_datasets) == numbers


def test_the_study_for_a_cluster_is_the_full_factorial() -> None:
    study = Study.checked(merged("workflow/datasets.yaml", "config.yaml", "studies/cluster.yaml"))
    trained = [run for run in study.runs if run.variant == "trained" and run.encoder == "bilstm"]
    assert len(study.used_datasets) == 4 and len(study.seeds) == 10
    assert {run.attention for run in trained} >= {"additive", "deep", "scaled_dot"}
    temperatures = {f"gumbel_softmax{at}" for at in ("@0.1", "@0.5", "", "@2")}
    assert {run.normaliser for run in trained} >= {"softmax", *temperatures}
    assert {run.variant for run in study.runs} == set(VARIANTS)


def test_the_paper_study_asks_every_conclusion_on_ten_data_sets_with_controls() -> None:
    study = Study.checked(merged("workflow/datasets.yaml", "config.yaml", "studies/paper.yaml"))
    assert len(study.used_datasets) >= 10 and len(study.seeds) == 5
    cells = {(run.dataset, run.encoder, run.attention, run.normaliser) for run in study.runs}
    scorers = ("additive", "deep", "scaled_dot")
    normalisers = ("softmax", "gumbel_softmax@0.5", "softmax@0.5")
    asked = product(study.used_datasets, ("bilstm", "cnn", "mlp"), scorers, normalisers)
    assert cells >= set(asked)
    ablated = {(run.encoder, run.variant) for run in study.runs if run.variant != "trained"}
    variants = ("frozen_scorer", "uniform", "permuted", "label_shuffled")
    assert ablated == set(product(("bilstm", "cnn"), variants))
    assert study.model_of("imdb", "bilstm").vectors
    assert study.model_of("imdb", "bilstm_random").vectors is None


def test_runs_are_unique_though_grids_overlap(config: Config) -> None:
    once = Study.checked(config).runs
    config["grid"] += deepcopy(config["grid"])
    config["grid"][1] |= {"encoder": ["mlp", "cnn"], "normaliser": ["softmax@1", "softmax@1.0"]}
    runs = Study.checked(config).runs
    assert len(set(runs)) == len(runs) == 2 * len(once)
    assert len({run.path for run in runs}) == len(runs)
    assert Study.checked(config).groups == [
        "mine/mlp/deep/softmax/trained",
        "mine/cnn/deep/softmax/trained",
    ]


def test_a_grid_is_the_cross_product_of_its_blocks_and_the_seeds(config: Config) -> None:
    config["grid"][0] |= {"encoder": ["mlp", "cnn"], "variant": ["trained", "uniform"]}
    runs = Study.checked(config).runs
    assert {(r.encoder, r.variant, r.seed) for r in runs} == {
        (e, v, s) for e in ("mlp", "cnn") for v in ("trained", "uniform") for s in (1, 2)
    }
    assert len(runs) == 8


SHAPE = {"encoder": ["mlp", "cnn"], "attention": ["deep", "additive"], "normaliser": "softmax@1.0"}


def cells(config: Config) -> set[tuple[str, str]]:
    return {(run.encoder, run.attention) for run in Study.checked(config).runs}


@pytest.mark.parametrize("place", ["grid", "study"])
def test_include_and_exclude_choose_from_the_cross_product(config: Config, place: str) -> None:
    config["grid"][0] |= SHAPE
    owner = config["grid"][0] if place == "grid" else config
    owner["exclude"] = [{"encoder": "mlp", "attention": ["deep"]}]
    assert cells(config) == {("mlp", "additive"), ("cnn", "deep"), ("cnn", "additive")}
    owner["include"] = [{"encoder": "mlp"}, {"attention": "deep", "normaliser": "softmax"}]
    assert cells(config) == {("mlp", "additive"), ("cnn", "deep")}


def test_a_filter_of_a_grid_leaves_the_other_grids_alone(config: Config) -> None:
    config["grid"] = [config["grid"][0] | SHAPE, config["grid"][0] | {"encoder": "mlp"}]
    config["grid"][0]["exclude"] = [{"encoder": "mlp"}]
    assert cells(config) == {("cnn", "deep"), ("cnn", "additive"), ("mlp", "deep")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("exclude", [{"encoder": "cnn"}]), "exclude.0: {'encoder': ['cnn']} matches no run"),
        (put("grid", 0, "include", [{"attention": "additive"}]), "grid.0: include.0: "),
        (put("exclude", [{"encoder": "mlp"}]), "leave no run"),
        (put("exclude", [{"encoder": "mpl"}]), "exclude.0.encoder: unknown encoder 'mpl'"),
        (put("include", [{"seed": 1}]), "include.0: unknown key 'seed'"),
    ],
    ids=["matches nothing", "of a grid", "matches everything", "unknown name", "unknown key"],
)
def test_a_filter_that_cannot_be_meant_is_refused(
    config: Config, change: Callable[[Config], None], expected: str
) -> None:
    change(config)
    with pytest.raises(InputError, match=re.escape(expected)):
        Study.checked(config)


def test_a_name_of_ones_own_is_a_block_with_other_options(config: Config) -> None:
    config |= {
        "attentions": {"deeper": {"name": "deep", "layers": 4}, "deep": {"layers": 3}},
        "normalisers": {"hard": {"name": "gumbel_softmax", "hard": True}},
    }
    config["grid"][0] |= {"attention": ["deep", "deeper"], "normaliser": "hard@0.5"}
    study = Study.checked(config)
    assert {run.attention for run in study.runs} == {"deep", "deeper"}
    layers = {}
    for name in ("deep", "deeper"):
        options = StageOptions(study).model("mine", "mlp", name, "hard@0.5")
        assert options["attention"]["name"] == "deep"
        layers[name] = options["attention"]["options"]["layers"]
        assert options["normaliser"]["name"] == "gumbel_softmax"
        assert options["temperature"] == 0.5 and options["normaliser"]["options"]["hard"]
    assert layers == {"deep": 3, "deeper": 4}


def test_a_name_of_ones_own_must_say_which_block_it_is(config: Config) -> None:
    config |= {"attentions": {"deeper": {"layers": 4}}}
    with pytest.raises(InputError, match=r"attentions\.deeper: unknown attention 'deeper'"):
        Study.checked(config)


def test_an_encoder_and_a_data_set_may_have_sizes_and_training_of_their_own(config: Config) -> None:
    config |= {
        "model": {"width": 24, "dropout": 0.1},
        "encoders": {"cnn": {"width": 32, "kernel_sizes": [1, 3]}},
        "training": {"epochs": 7},
    }
    config["datasets"]["mine"] |= {"model": {"dropout": 0.3}, "training": {"batch_size": 8}}
    config["datasets"]["other"] = {"source": {"name": "files", "path": "other.csv"}}
    config["grid"][0] |= {"dataset": ["mine", "other"], "encoder": ["mlp", "cnn"]}
    study = Study.checked(config)

    def sizes(dataset: str, encoder: str) -> tuple[int, float]:
        options = StageOptions(study).model(dataset, encoder, "deep", "softmax")
        return options["width"], options["dropout"]

    assert sizes("mine", "mlp") == (24, 0.3) and sizes("mine", "cnn") == (32, 0.3)
    assert sizes("other", "mlp") == (24, 0.1) and sizes("other", "cnn") == (32, 0.1)
    cnn = StageOptions(study).model("mine", "cnn", "deep", "softmax")["encoder"]
    assert (cnn["name"], cnn["options"]) == ("cnn", {"kernel_sizes": [1, 3]})
    for dataset, size in (("mine", 8), ("other", Training().batch_size)):
        training = StageOptions(study).training(dataset)
        assert (training["epochs"], training["batch_size"]) == (7, size)
    assert StageOptions(study).calibration("mine", "linear")["width"] == 32  # the largest


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("datasets", "mine", "model", {"widht": 8}), "datasets.mine: model.*'widht'.*'width'"),
        (put("datasets", "mine", "training", {"epochs": 0}), "datasets.mine: training.epochs.* 0"),
        (put("encoders", {"mlp": {"width": 7}}), "datasets.mine: model.width: found 7"),
        (put("training", {"first_epoch": 41}), "first_epoch is 41, expected at most 40"),
        (
            put("datasets", "mine", "bands", {"low": [2, 1], "high": [3, 4]}),
            r"'low' is \[2, 1\], expected low <= high",
        ),
        (
            put("datasets", "mine", {**MINE, "bands": {"a": [0, 1]}, "classes": {"1": "one"}}),
            "both 'classes' and 'bands'",
        ),
    ],
    ids=["unknown size", "no epoch", "odd width", "kept too late", "empty band", "two ways"],
)
def test_what_is_wrong_for_one_data_set_or_block_is_refused(
    config: Config, change: Callable[[Config], None], expected: str
) -> None:
    change(config)
    with pytest.raises(InputError, match=expected):
        Study.checked(config)


def test_models_are_counted_once_with_those_that_variants_need(config: Config) -> None:
    config["grid"][0]["variant"] = ["permuted", "refitted_scorer", "untrained"]
    study = Study.checked(config)
    assert {run.variant for run in study.runs} == {"permuted", "refitted_scorer", "untrained"}
    models = {run.variant for run in study.trainings}
    assert models == {"trained", "refitted_scorer", "untrained"}
    assert len(study.trainings) == 6
    assert study.plan().endswith("1 cells, 3 variants, 2 seeds: 6 runs, 6 models to train")


def test_data_sets_that_read_one_table_share_its_download(config: Config) -> None:
    config["datasets"]["again"] = config["datasets"]["mine"] | {"min_count": 5}
    config["datasets"]["other"] = {"source": {"name": "files", "path": "other.csv"}}
    config["grid"][0]["dataset"] = ["mine", "again", "other"]
    study = Study.checked(config)
    inputs = Inputs(study)
    assert inputs.source_key("mine") == inputs.source_key("again") != inputs.source_key("other")
    assert inputs.data_key("mine") != inputs.data_key("again")


def test_how_models_are_trained_does_not_make_another_data_set(config: Config) -> None:
    before = Inputs(Study.checked(config)).data_key("mine")
    config["datasets"]["mine"] |= {"training": {"epochs": 3}, "model": {"width": 32}}
    assert Inputs(Study.checked(config)).data_key("mine") == before


def test_temperature_one_is_left_out_of_the_name() -> None:
    for text in ("softmax", "softmax@1", "softmax@1.0", "softmax@1e0"):
        assert normaliser_name(*parse_normaliser(text)) == "softmax"
    assert normaliser_name(*parse_normaliser("gumbel_softmax@0.50")) == "gumbel_softmax@0.5"


@given(st.floats(min_value=1e-3, max_value=1e3), st.sampled_from(["softmax", "gumbel_softmax"]))
@settings(max_examples=100)
def test_the_name_of_a_normaliser_says_its_temperature_exactly(value: float, name: str) -> None:
    assert parse_normaliser(normaliser_name(name, value)) == (name, value)


@pytest.mark.parametrize(
    "change",
    [
        put("min_count", 3),
        put("max_tokens", 7),
        put("split", {"seed": 14}),
        put("where", {"a": "b"}),
        put("classes", {"0": "no", "1": "yes"}),
        put("bands", {"bad": [-4, -1], "good": [1, 4]}),
        put("caps", {"train": 100}),
        put("source", "path", "other.csv"),
    ],
)
def test_another_setting_of_a_data_set_gives_another_folder(
    config: Config, change: Callable[[Config], None]
) -> None:
    before = Study.checked(config)
    assert Inputs(before).dataset_of(Inputs(before).data_key("mine")) == "mine"
    change(config["datasets"]["mine"])
    assert Inputs(Study.checked(config)).data_key("mine") != Inputs(before).data_key("mine")


def test_the_folder_of_a_data_set_does_not_depend_on_how_its_settings_are_written(
    config: Config,
) -> None:
    before = Study.checked(config)
    config["datasets"]["mine"] |= {"split": {"dev": 0.1, "train": 0.7}, "text": "text"}
    config |= {"seeds": [5], "training": {"epochs": 1}}
    assert Inputs(Study.checked(config)).data_key("mine") == Inputs(before).data_key("mine")


def named(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name -> options of some blocks."""
    return {block["name"]: block["options"] for block in blocks}


def test_estimators_and_spot_checks_have_all_their_options(config: Config) -> None:
    config["information"] = {
        "estimators": ["linear", "gaussian"],
        "light": ["logistic"],
        "spot_checks": ["knn", "stack"],
        "options": {"knn": {"metric": "chebyshev"}},
    }
    linear, gaussian = map(StageOptions(Study.checked(config)).information, ("linear", "gaussian"))
    knn = {"neighbours": 3, "metric": "chebyshev", "scaling": "raw"}
    assert named(linear["estimators"]) == {"linear": {}} and linear["words"]
    assert named(linear["spot_checks"]) == {"knn": knn, "stack": {}} and linear["spot_units"] == 2
    assert named(gaussian["estimators"]) == {"gaussian": {}} and not gaussian["words"]
    assert gaussian["spot_checks"] == [] and gaussian["spot_units"] == 0
    assert linear["spot_share"] == 1
    assert list(linear["half_probes"]) == ["linear"] and gaussian["half_probes"] == {}
    assert named(linear["light"]) == {"logistic": {}} and gaussian["light"] == []
    config["information"]["estimators"] = ["linear", "logistic"]  # not twice
    assert StageOptions(Study.checked(config)).information("linear")["light"] == []


def test_what_one_estimator_is_given_does_not_depend_on_the_others(config: Config) -> None:
    config["information"] = {"estimators": ["linear"], "spot_checks": ["mine"]}
    alone = StageOptions(Study.checked(config))
    config["information"] = {"estimators": ["knn", "linear"], "spot_checks": ["mine"]}
    among = StageOptions(Study.checked(config))
    assert alone.information("linear") == among.information("linear")
    config["information"]["spot_checks"] = []
    without = StageOptions(Study.checked(config))
    assert among.information("knn") == without.information("knn")
    for dataset in alone.study.used_datasets:
        one, other = (s.calibration(dataset, "linear") for s in (alone, among))
        assert one == other


def test_every_estimator_is_calibrated_at_the_size_of_the_states(config: Config) -> None:
    config |= {
        "model": {"width": 24},
        "information": {"estimators": ["linear", "knn"], "min_texts": 77},
        "calibration": {"ranks": [3], "seed": 2},
    }
    study = Study.checked(config)
    assert StageOptions(study).calibrated == ["linear", "knn", "logistic", "stack"]
    config["information"]["estimators"] += ["output_layer"]  # generated states have none
    with_layer = StageOptions(Study.checked(config))
    assert with_layer.calibrated == ["linear", "knn", "logistic", "stack"]
    assert with_layer.estimators == ["linear", "knn", "output_layer", "logistic", "stack"]
    options = StageOptions(study).calibration("mine", "knn")
    assert [block["name"] for block in options["estimators"]] == ["knn"]
    assert (options["width"], options["fewest"], options["ranks"]) == (24, 77, [3])
    assert options["seed"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_is_reported_with_the_nearest_known_one(kind: str) -> None:
    for name in KINDS[kind]:
        assert block_of(kind, name).name == name
    known = max(KINDS[kind], key=len)
    with pytest.raises(ValueError, match=f"unknown {kind} '{known}x': did you mean '{known}'"):
        block_of(kind, f"{known}x")


def arguments(code: Any) -> dict[str, Any]:
    """The keyword-only arguments of a class or function, with their defaults."""
    return {
        p.name: p.default
        for p in inspect.signature(code).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


CODE = [(kind, name) for kind in KINDS for name in KINDS[kind] if kind != "variant"]


@pytest.mark.parametrize(("kind", "name"), CODE)
def test_the_options_of_a_block_are_the_arguments_of_its_code(kind: str, name: str) -> None:
    block = KINDS[kind][name]
    taken = arguments(block.load())
    assert list(taken) == list(block.fields)
    defaults = {
        option: field.default for option, field in block.fields.items() if not field.is_required()
    }
    assert {o: d for o, d in taken.items() if d is not inspect.Parameter.empty} == defaults


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in KINDS for n in KINDS[k]])
def test_every_option_of_a_block_has_a_description_of_one_sentence(kind: str, name: str) -> None:
    for option, field in KINDS[kind][name].fields.items():
        assert field.description and field.description.endswith("."), option


def test_some_options_are_a_choice_and_take_nothing_else() -> None:
    for metric in ("euclidean", "chebyshev"):
        assert with_defaults("estimator", "knn", {"metric": metric})["metric"] == metric
    for wrong in ("manhattan", "", 1, ["euclidean"]):
        with pytest.raises(ValueError, match="expected 'euclidean' or 'chebyshev'"):
            with_defaults("estimator", "knn", {"metric": wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_everything_registered_has_a_summary_of_one_sentence(kind: str) -> None:
    for name, block in KINDS[kind].items():
        assert 10 < len(block.summary) <= 125 and not block.summary.endswith("."), name


def test_the_table_of_blocks_names_everything_that_is_registered() -> None:
    rows = {tuple(row.strip("| ").split(" | ")[:2]) for row in table().splitlines()[2:]}
    assert rows == {(kind, f"`{name}`") for kind in KINDS for name in KINDS[kind]}


def python(code: str, library: Path = LIBRARY) -> str:
    """What a fresh interpreter prints."""
    environment = os.environ | {"PYTHONPATH": str(library.parent)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_reading_a_config_imports_neither_torch_nor_pandas() -> None:
    heavy = "{'torch', 'pandas', 'datasets', 'sklearn'}"
    code = f"import sys, attinfo.config.stage_options; print({heavy} & set(sys.modules))"
    assert python(code) == "set()\n"


NEW_SCORER = """
from torch import Tensor, nn


class First(nn.Module):
    def __init__(self, width: int, *, gain: float = 2.0):
        super().__init__()
        self.gain = gain

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        return self.gain * hidden[..., 0]
"""
REGISTRATION = """
from attinfo.option_types import Positive

class FirstOptions(Options):
    gain: Annotated[Positive, Field(description="Factor of the feature.")] = 2.0

SCORERS |= registry(
    Block(
        name="first",
        path="attinfo.models.scorers.first:First",
        options=FirstOptions,
        summary="The first feature of a state, times a gain",
    )
)
"""


def test_a_new_scorer_takes_one_file_and_one_registration(tmp_path: Path) -> None:
    library = tmp_path / "attinfo"
    shutil.copytree(LIBRARY, library, ignore=shutil.ignore_patterns("__pycache__"))
    (library / "models/scorers/first.py").write_text(NEW_SCORER, "utf-8")
    with (library / "blocks/scorers.py").open("a", encoding="utf-8") as file:
        file.write(REGISTRATION)
    code = """
import torch
from attinfo.blocks.catalogue import table
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.batches import Batch
from attinfo.information.summary import measured
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
blocks = {"dataset": "mine", "encoder": "mlp", "attention": "first", "normaliser": "softmax"}
mine = {"source": {"name": "files", "path": "mine.csv"}}
study = Study.checked({"study": "new", "seeds": [1], "datasets": {"mine": mine}, "grid": [blocks],
                       "attentions": {"first": {"gain": 3.0}}})
options = StageOptions(study).model("mine", "mlp", "first", "softmax")
model = Classifier(5, 2, Architecture.of(options)).eval()
output = model(Batch(torch.tensor([[2, 3, 4]]), torch.tensor([3])))
print(torch.equal(output.score, 3 * output.hidden[..., 0]), "`first`" in table())
"""
    assert python(code, library) == "True True\n"


def test_the_schema_in_the_repository_is_that_of_the_model(tmp_path: Path) -> None:
    write_schema(tmp_path / "schema.json")
    kept = REPOSITORY / "workflow/schemas/config.schema.json"
    assert kept.read_text("utf-8") == (tmp_path / "schema.json").read_text("utf-8")


def test_the_schema_accepts_the_default_config_and_refuses_an_unknown_key(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    write_schema(tmp_path / "schema.json")
    schema = json.loads((tmp_path / "schema.json").read_text("utf-8"))
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text("utf-8"))
    jsonschema.validate(config, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config | {"sedes": [1]}, schema)


def test_the_report_shows_each_scorer_of_the_first_encoder_and_each_other_encoder(config):
    grid = {"encoder": ["mlp", "cnn"], "attention": ["additive", "deep"], "normaliser": "softmax"}
    grids = [grid | {"variant": ["uniform", "trained"]}, grid | {"encoder": "bilstm"}]
    study = Study.checked(config | {"grid": [{"dataset": "mine", **grid} for grid in grids]})
    shown = [(run.encoder, run.attention, run.variant, run.seed) for run in shown_runs(study)]
    assert shown == [
        ("mlp", "additive", "trained", 1),
        ("mlp", "deep", "trained", 1),
        ("cnn", "additive", "trained", 1),
        ("bilstm", "additive", "trained", 1),
    ]
