"""Several labels a text, each a data set of its own; and more classes than twenty."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset, Split
from attinfo.config.study import Study
from attinfo.data.prepare import prepare
from attinfo.data.texts import read_summary, read_texts
from attinfo.runtime.errors import InputError

CELL = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
SOURCE = {"name": "files", "path": "own.csv"}


def study(dataset: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"source": SOURCE, **dataset}
    grid = [{"dataset": "own", **CELL}]
    return {"study": "s", "seeds": [1], "datasets": {"own": own}, "grid": grid} | more


def test_each_label_is_a_data_set_where_the_data_set_is_named() -> None:
    found = Study.checked(study({"labels": ["toxic", "very rude"]}))
    assert found.used_datasets == ["own.toxic", "own.very_rude"]
    labels = [found.datasets[name].label for name in found.used_datasets]
    assert labels == ["toxic", "very rude"]
    assert "own" not in found.datasets


def test_the_labels_share_their_raw_table_and_differ_in_what_is_prepared() -> None:
    inputs = Inputs(Study.checked(study({"labels": ["toxic", "rude"]})))
    assert len(inputs.sources) == 1
    assert inputs.data_key("own.toxic") != inputs.data_key("own.rude")


def test_filters_name_all_labels_or_one() -> None:
    labels = {"labels": ["toxic", "rude"]}
    variants = [{"dataset": "own", **CELL, "variant": ["trained", "uniform"]}]
    none = Study.checked(
        study(labels, grid=variants, exclude=[{"dataset": "own", "variant": "uniform"}])
    )
    assert {run.variant for run in none.runs} == {"trained"}
    one = [{"dataset": "own", **CELL, "include": [{"dataset": "own.rude"}]}]
    assert Study.checked(study(labels, grid=one)).used_datasets == ["own.rude"]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"labels": ["a", "b"], "label": "c"}, "'label' is 'c' and 'labels' are given, expected"),
        ({"labels": ["a", "a"]}, "datasets.own.labels: 'a' stands there twice"),
        ({"labels": ["a b", "a_b"]}, "'a b' stands there twice"),
        ({"labels": "a"}, "datasets.own.labels: found 'a', expected a list of columns"),
        ({"labels": [1, 2]}, r"found \[1, 2\], expected a list of columns"),
        ({"labels": ["text"]}, ""),
    ],
)
def test_labels_that_look_alike_are_refused(
    dataset: dict[str, Any], message: str, tmp_path: Path
) -> None:
    if dataset == {"labels": ["text"]}:  # found when the table is read
        found = Study.checked(study(dataset))
        pd.DataFrame({"text": ["a b", "c d"] * 20}, dtype="str").to_parquet(
            tmp_path / "raw.parquet"
        )
        options = Inputs(found).prepare_options("own.text")
        with pytest.raises(InputError, match="'text' is named as both text and label"):
            prepare(tmp_path / "raw.parquet", options, tmp_path / "data")
        return
    with pytest.raises(InputError, match=message):
        Study.checked(study(dataset))


def test_a_name_that_is_taken_is_refused() -> None:
    config = study({"labels": ["a"]})
    config["datasets"]["own.a"] = {"source": SOURCE}
    with pytest.raises(
        InputError, match=r"datasets.own.labels: there is a data set 'own.a' already"
    ):
        Study.checked(config)


# More than twenty classes


def classes_of(counts: list[int], folder: Path, **options: Any) -> list[str]:
    rng = np.random.default_rng(0)
    labels = np.repeat([f"c{i:03}" for i in range(len(counts))], counts)
    texts = [f"about {label} word{rng.integers(9)}" for label in labels]
    table = pd.DataFrame({"text": texts, "label": labels}, dtype="str")
    table.to_parquet(folder / "raw.parquet")
    dataset = Dataset(source=SOURCE, split=Split(train=0.6, dev=0.2), min_count=1, **options)
    prepare(folder / "raw.parquet", dataset.model_dump(mode="json"), folder / "data")
    return list(read_summary(folder / "data")["classes"])


def test_many_classes_are_allowed_where_each_has_texts_enough(tmp_path: Path) -> None:
    assert len(classes_of([20] * 60, tmp_path)) == 60
    assert len(set(read_texts(tmp_path / "data", "test").labels)) == 60


def test_many_classes_of_few_texts_are_refused_with_what_limits_them(tmp_path: Path) -> None:
    message = "holds 30 classes, expected 2 to 20, or more of 20 texts or more each"
    with pytest.raises(InputError, match=message):
        classes_of([40] * 29 + [12], tmp_path)


def test_rare_classes_can_be_left_out(tmp_path: Path) -> None:
    assert len(classes_of([40] * 25 + [12] * 5 + [3] * 9, tmp_path, least_texts=20)) == 25
    assert read_summary(tmp_path / "data")["rows"]["kept"] == 1000
