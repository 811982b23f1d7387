"""Texts that repeat another one: `drop_repeats` keeps each once, and in one split."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import pandas as pd
import pytest

from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset
from attinfo.config.study import Study
from attinfo.data.described import duplicates
from attinfo.data.raw_table import RawTable
from attinfo.data.rows import labelled

FILLER = [(f"film number {i}", "ab"[i % 2], "train") for i in range(30)]
Rows = list[tuple[str, str, str]]


def kept(folder: Path, rows: Rows, **options: Any) -> tuple[pd.DataFrame, list[str]]:
    """The labelled rows of (text, label, split), and what was noted."""
    table = pd.DataFrame(rows, columns=["text", "label", "split"], dtype="str")
    for column, values in options.pop("columns", {}).items():
        table[column] = pd.Series(values, dtype="str")
    table.to_parquet(folder / "raw.parquet")
    raw = RawTable(folder / "raw.parquet")
    source = {"name": "files", "path": "texts.csv"}
    options = {"source": source, "drop_repeats": True} | options
    return labelled(raw, Dataset.model_validate(options).model_dump(mode="json")), raw.notes


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["Good", " good", "GOOD ", "bad", "Bad\n", "so so"]),
            st.sampled_from("ab"),
            st.sampled_from(["train", "dev", "test"]),
        ),
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_each_text_is_kept_once_in_the_last_split_that_has_it(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows
) -> None:
    found, notes = kept(tmp_path_factory.getbasetemp(), FILLER + rows)
    for text in {text.strip().lower() for text, _, _ in rows}:
        own = [row for row in rows if row[0].strip().lower() == text]
        wanted = next(
            (*row[:2], part) for part in ("test", "dev", "train") for row in own if row[2] == part
        )
        same = found[found["text"].str.strip().str.lower() == text]
        assert [tuple(row) for row in same[["text", "label", "split"]].to_numpy()] == [wanted]
    dropped = len(FILLER + rows) - len(found)
    assert any("drop_repeats" in line for line in notes) == (dropped > 0)
    texts = {
        part: found["text"][found["split"] == part].tolist() for part in ("train", "dev", "test")
    }
    assert duplicates(texts) == {"train_test": 0, "train_dev": 0, "within_train": 0}


def test_the_note_counts_repeats_and_those_with_another_label(tmp_path: Path) -> None:
    rows = [("one", "a", "train"), ("ONE", "b", "train"), ("one ", "a", "test")]
    found, notes = kept(tmp_path, FILLER + rows)
    assert len(found) == len(FILLER) + 1
    (line,) = notes
    assert "2 of 33 texts repeat another one (drop_repeats)" in line
    assert line.endswith("1 of them with another label")


def test_nothing_is_left_out_unless_it_is_wished(tmp_path: Path) -> None:
    rows = [("one", "a", "train"), ("one", "a", "test")]
    found, notes = kept(tmp_path, FILLER + rows, drop_repeats=False)
    assert len(found) == len(FILLER) + 2 and notes == []


def test_a_text_with_another_query_is_no_repeat(tmp_path: Path) -> None:
    rows = [("one", "a", "train")] * 3
    queries = ["who"] * len(FILLER) + ["who", "when", "Who "]
    found, _ = kept(tmp_path, FILLER + rows, query="query", columns={"query": queries})
    assert found["query"].tolist()[-2:] == ["who", "when"] and len(found) == len(FILLER) + 2


def test_a_text_outside_all_bands_does_not_take_the_place_of_its_repeat(tmp_path: Path) -> None:
    rows = [(text, "1" if label == "a" else "5", part) for text, label, part in FILLER]
    rows += [("one", "3", "train"), ("one", "5", "train")]
    found, _ = kept(tmp_path, rows, bands={"low": [1, 2], "high": [4, 5]})
    assert found["label"][found["text"] == "one"].tolist() == ["high"]


def test_numbers_are_kept_once_too(tmp_path: Path) -> None:
    rows = [(f"film {i}", str(i), "train") for i in range(100)] + [("film 7", "3", "train")]
    found, _ = kept(tmp_path, rows, output="number")
    assert found["value"][found["text"] == "film 7"].tolist() == [7]


def test_folders_of_older_data_sets_keep_their_names() -> None:
    def key(**options: Any) -> str:
        own = {"source": {"name": "files", "path": "a.csv"}} | options
        cell = {"encoder": "mlp", "attention": "dot", "normaliser": "softmax"}
        grid = [{"dataset": "mine", **cell}]
        study = {"study": "one", "seeds": [1], "grid": grid, "datasets": {"mine": own}}
        return Inputs(Study.checked(study)).data_key("mine")

    assert key() == key(drop_repeats=False) == "mine-" + key().removeprefix("mine-")
    assert key(drop_repeats=True) != key()
