"""Human rationales: how they are read, what is refused, and the scores that are made of them."""

from collections.abc import Callable, Mapping
from itertools import pairwise
import json
from pathlib import Path
from typing import Any

from conftest import Planted, Trained
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score
from test_agreement import ragged
from test_units import OPTIONS

from attinfo.agreement.plausibility import rated_words
from attinfo.agreement.rationales import (
    RANDOM_ORDERS,
    iou_f1,
    iou_f1_of,
    rationales_by_text,
    runs_of,
    token_f1,
)
from attinfo.agreement.tables import by_text
from attinfo.claims.given_statistics import given_statistics
from attinfo.claims.settle import settle
from attinfo.config.grid import Run
from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset
from attinfo.config.sections.statistics import Statistics
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.texts import read_arrow, read_rationale, read_summary
from attinfo.information.units import information
from attinfo.keys import RUN
from attinfo.report.strips import MARKED, Files, strips, svg
from attinfo.report.tables.methods import rationale_table
from attinfo.runtime.errors import InputError
from attinfo.states.store import write_states

TEXTS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=7),
    min_size=1,
    max_size=5,
)
SENTENCE = "a good film, too"  # tokens: a | good | film | , | too


def columns_of(texts: list[list[tuple[int, bool]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, marked = (np.array(v) for v in zip(*(t for text in texts for t in text), strict=True))
    return values.astype(float), marked, ragged([len(text) for text in texts])


@given(TEXTS)
@settings(max_examples=60)
def test_token_f1_is_that_of_scikit_learn(texts: list[list[tuple[int, bool]]]) -> None:
    values, marked, offsets = columns_of(texts)
    untied = values + np.arange(len(values)) / 1000
    for found, a, b in zip(token_f1(untied, marked, offsets), offsets, offsets[1:], strict=False):
        own, k = marked[a:b], int(marked[a:b].sum())
        if k in (0, len(own)):
            assert np.isnan(found)
            continue
        top = np.zeros(len(own), bool)
        top[np.argsort(-untied[a:b])[:k]] = True
        assert found == pytest.approx(f1_score(own, top))


@given(TEXTS)
@settings(max_examples=40)
def test_token_f1_is_the_mean_over_random_orders_of_tied_tokens(
    texts: list[list[tuple[int, bool]]],
) -> None:
    values, marked, offsets = columns_of(texts)
    rng = np.random.default_rng(0)
    drawn = [token_f1(values + rng.random(len(values)) / 100, marked, offsets) for _ in range(400)]
    np.testing.assert_allclose(token_f1(values, marked, offsets), np.mean(drawn, 0), atol=0.12)


def brute_iou_f1(top: list[bool], marked: list[bool]) -> float:
    """IOU F1 by sets of tokens, as DeYoung et al. define it."""

    def spans(chosen: list[bool]) -> list[set[int]]:
        found: list[set[int]] = []
        for i, one in enumerate(chosen):
            if one and i and chosen[i - 1]:
                found[-1].add(i)
            elif one:
                found.append({i})
        return found

    predicted, true = spans(top), spans(marked)
    hits = sum(max(len(p & t) / len(p | t) for t in true) >= 0.5 for p in predicted)
    precision, recall = hits / len(predicted), hits / len(true)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=14))
@settings(max_examples=200)
def test_iou_f1_is_that_of_sets_of_tokens(tokens: list[tuple[bool, bool]]) -> None:
    top, marked = (list(own) for own in zip(*tokens, strict=True))
    if not any(top) or not any(marked):
        return
    assert iou_f1_of(np.array(top), np.array(marked)) == pytest.approx(brute_iou_f1(top, marked))


def test_runs_are_of_adjacent_tokens() -> None:
    assert runs_of(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert runs_of(np.zeros(3, bool)) == []


def test_a_rationale_equal_to_the_measure_has_every_score_one() -> None:
    rng = np.random.default_rng(3)
    offsets = ragged([6, 9, 4])
    weights = rng.random(19)
    shares = np.zeros(19)
    for a, b in pairwise(offsets):
        shares[a + np.argsort(-weights[a:b])[:2]] = 1
    found = rationales_by_text({"attention": weights}, shares, offsets)
    for score in ("auprc", "token_f1", "iou_f1"):
        np.testing.assert_allclose(found[f"{score}:attention"], 1)
        assert (found[f"{score}_lift:attention"] > 0).all()


def test_a_random_rationale_has_the_base_rate() -> None:
    """Token F1 is the share of marked tokens; the others are what random orders have."""
    rng = np.random.default_rng(4)
    offsets = ragged([12] * 3000)
    shares = (rng.permuted(np.tile([1.0] * 3 + [0.0] * 9, (3000, 1)), axis=1)).ravel()
    found = rationales_by_text({"attention": rng.random(36000)}, shares, offsets)
    np.testing.assert_allclose(found["token_f1_chance"], 0.25)
    assert found["token_f1:attention"].mean() == pytest.approx(0.25, abs=0.01)
    for score in ("auprc", "token_f1", "iou_f1"):
        assert found[f"{score}_lift:attention"].mean() == pytest.approx(0, abs=0.01)


def test_auprc_is_scikit_learns_average_precision() -> None:
    rng = np.random.default_rng(5)
    offsets, values = ragged([20] * 5), rng.random(100)
    shares = (rng.random(100) < 0.3).astype(float)
    found = rationales_by_text({"attention": values}, shares, offsets)["auprc:attention"]
    for own, a in zip(found, offsets, strict=False):
        rows = slice(a, a + 20)
        assert own == pytest.approx(average_precision_score(shares[rows], values[rows]))


def test_texts_without_a_rationale_or_an_order_have_no_score() -> None:
    offsets = ragged([3, 3, 3, 3])
    shares = np.array([np.nan] * 3 + [1.0] * 3 + [0.0] * 3 + [1.0, 0, 0])
    values = np.append(np.arange(9.0), [2.0] * 3)
    found = rationales_by_text({"attention": values}, shares, offsets)
    assert all(np.isnan(own).all() for key, own in found.items() if ":" in key)
    assert not np.isnan(found["iou_f1_chance"][3])


def test_half_of_the_annotators_mark_a_token() -> None:
    offsets = ragged([4])
    shares = np.array([0.5, 1 / 3, 2 / 3, 0.0])
    found = rationales_by_text({"attention": np.array([3.0, 1, 4, 2])}, shares, offsets)
    assert found["token_f1:attention"][0] == 1
    assert RANDOM_ORDERS >= 10


def test_ties_of_runs_follow_the_given_numbers() -> None:
    marked, offsets = np.array([True, True, False, False]), ragged([4])
    ties = np.array([0.1, 0.2, 0.3, 0.4])
    assert iou_f1(np.zeros(4), marked, offsets, ties)[0] == 1
    assert iou_f1(np.zeros(4), marked, offsets, -ties)[0] == 0


# How cells are read


def prepared(
    folder: Path, cell: Any, rationale: Any, text: Any = SENTENCE, ending: str = "jsonl"
) -> Path:
    """A data set whose texts are all one, each with the same marks."""
    path, data = folder / f"texts.{ending}", folder / "data"
    rows = [{"text": text, "label": "ab"[i % 2], "marks": cell} for i in range(40)]
    if ending == "csv":
        written = cell if isinstance(cell, str) else json.dumps(cell)
        pd.DataFrame(rows).assign(marks=written).to_csv(path, index=False)
    elif ending == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    files(path=str(path)).to_parquet(folder / "raw.parquet")
    options = Dataset(source={"name": "files", "path": str(path)}, rationale=rationale)
    prepare(folder / "raw.parquet", options.model_dump(mode="json"), data)
    return data


FORMS: Mapping[str, tuple[Any, Any, list[float]]] = {
    "spans": ([[2, 6], [8, 9]], "marks", [0, 1, 1, 0, 0]),
    "spans of three": (
        [[[2, 6]], [[2, 11]], []],
        "marks",
        [0, 2 / 3, 1 / 3, 0, 0],
    ),
    "tokens": ([1, 3], {"column": "marks", "form": "tokens"}, [0, 1, 0, 0, 1]),
    "tokens of two": ([[1], [1, 2]], {"column": "marks", "form": "tokens"}, [0, 1, 0.5, 0.5, 0]),
    "mask": ([0, 1, 0, 0], {"column": "marks", "form": "mask"}, [0, 1, 0, 0, 0]),
    "mask of two": (
        [[0, 1, 0, 0], [1, 1, 0, 0]],
        {"column": "marks", "form": "mask"},
        [0.5, 1, 0, 0, 0],
    ),
    "marked": ("a *good* film, *too*", {"column": "marks", "form": "marked"}, [0, 1, 0, 0, 1]),
    "other marks": (
        "a [[good film]], too",
        {"column": "marks", "form": "marked", "marks": ["[[", "]]"]},
        [0, 1, 1, 0, 0],
    ),
    "marked by two": (
        ["a *good* film, too", "a *good film*, too"],
        {"column": "marks", "form": "marked"},
        [0, 1, 0.5, 0, 0],
    ),
    "nothing marked": ([], "marks", [0, 0, 0, 0, 0]),
}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_share_of_annotators(form: str, ending: str, tmp_path: Path) -> None:
    if form == "nothing marked" and ending != "csv":
        pytest.skip("lists that are all empty have no type")
    cell, rationale, expected = FORMS[form]
    data = prepared(tmp_path, cell, rationale, ending=ending)
    found = read_rationale(str(data), "test")
    assert found is not None
    np.testing.assert_allclose(found.reshape(-1, 5), np.tile(expected, (8, 1)), rtol=1e-6)
    assert read_summary(data)["rationales"]["test"]["texts"] == 8


def test_marks_of_given_tokens_are_those_of_the_list(tmp_path: Path) -> None:
    rationale = {"column": "marks", "form": "tokens"}
    data = prepared(tmp_path, [2], rationale, text=["don't", "a b", "good"])
    found = read_rationale(str(data), "test")
    assert found is not None
    np.testing.assert_array_equal(found[:3], [0, 0, 1])


MASK, WRITTEN = ({"column": "marks", "form": form} for form in ("mask", "marked"))
TOKENS = {"column": "marks", "form": "tokens"}
BAD: Mapping[str, tuple[Any, Any, str]] = {
    "span outside the text": ([[2, 60]], "marks", r"the span \[2, 60\], expected 0 <= start <"),
    "empty span": ([[2, 2]], "marks", r"the span \[2, 2\], expected 0 <= start < end <= 16"),
    "overlapping spans": ([[0, 6], [2, 9]], "marks", r"the span \[2, 9\] overlaps another"),
    "span of three numbers": ([[0, 6, 9]], "marks", r"the span \[0, 6, 9\], expected"),
    "spans of texts": ("good", "marks", "'good' is no list, expected the form 'spans' as JSON"),
    "tokens as spans": ([1, 2], "marks", r"'\[1, 2\]' is not of the form 'spans'"),
    "token outside the text": ([9], TOKENS, "token 9 is not in the text, expected 0 to 3"),
    "token twice": ([1, 1], TOKENS, "a token is marked twice, expected once"),
    "short mask": ([0, 1], MASK, "a mask of 2 numbers, expected 4, one a token"),
    "mask of shares": ([0, 2, 0, 0], MASK, "found 2 in a mask, expected 0 or 1"),
    "another text": ("a *bad* film", WRITTEN, "'a bad film' without its marks is not the text"),
    "open mark": ("a *good film, too", WRITTEN, r"the mark '\*' is left open"),
    "nothing between marks": ("a **good film, too", WRITTEN, "nothing stands between"),
    "spans of two depths": ([[0, 4], [[1, 2]]], "marks", "is not of the form 'spans'"),
    "tokens of two depths": ([0, [1]], TOKENS, "is not of the form 'tokens'"),
    "a text like a list": ('["a" good film, too', WRITTEN, "without its marks is not the text"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_rationale_that_does_not_fit_is_refused_with_its_row(wrong: str, tmp_path: Path) -> None:
    cell, rationale, message = BAD[wrong]
    with pytest.raises(InputError, match=message) as error:
        prepared(tmp_path, cell, rationale)
    assert r"column 'marks' (rationale): row 1: " in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data").exists()


def test_a_data_set_whose_test_texts_have_no_rationale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text of the test split has a rationale"):
        prepared(tmp_path, "", "marks")


def test_a_missing_column_of_rationales_is_refused_before_any_job(tmp_path: Path) -> None:
    raw = tmp_path / "own.csv"
    raw.write_text("text,label,marks\n" + "good one,1,\nbad one,0,\n" * 20)
    cell = {"dataset": "own", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    own = {"source": {"name": "files", "path": str(raw)}, "rationale": "mark"}
    study = Study.checked({"study": "own", "seeds": [1], "datasets": {"own": own}, "grid": [cell]})
    with pytest.raises(InputError, match="rationale: unknown column 'mark': did you mean 'marks'"):
        check_files(Inputs(study))
    own["rationale"] = "label"
    with pytest.raises(InputError, match="rationale is 'label', the column of 'label'"):
        Study.checked({"study": "own", "seeds": [1], "datasets": {"own": own}, "grid": [cell]})


# Published layouts


def write_eraser(folder: Path, whole: bool = False) -> Path:
    """A small data set in the layout of ERASER: documents of two lines, evidence in the second."""
    (folder / "docs").mkdir(parents=True)
    for split, count in (("train", 24), ("val", 8), ("test", 12)):
        lines = []
        for i in range(count):
            name, label = f"{split}_{i}.txt", ("NEG", "POS")[i % 2]
            word = ("awful", "great")[i % 2]
            (folder / "docs" / name).write_text(f"a film by someone .\nit was {word} indeed .\n")
            evidence = {
                "docid": name,
                "start_token": 5,
                "end_token": 8,
                "start_sentence": 1,
                "end_sentence": 2,
                "text": f"it was {word}",
            }
            line = {"annotation_id": name, "classification": label, "docids": None}
            lines.append(line | {"evidences": [[evidence]], "query": "good or bad ?"})
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def test_the_layout_of_eraser_is_read_as_it_is(tmp_path: Path) -> None:
    folder = write_eraser(tmp_path / "movies")
    table = files(path=str(folder), layout="eraser")
    assert table["split"].value_counts().to_dict() == {"train": 24, "test": 12, "dev": 8}
    table.to_parquet(tmp_path / "raw.parquet")
    source = {"name": "files", "path": str(folder), "layout": "eraser"}
    rationale = {"column": "rationale", "form": "mask"}
    options = Dataset(source=source, rationale=rationale)
    prepare(tmp_path / "raw.parquet", options.model_dump(mode="json"), tmp_path / "data")
    found = read_rationale(str(tmp_path / "data"), "test")
    assert found is not None
    np.testing.assert_array_equal(found.reshape(12, -1), [[0] * 5 + [1] * 3 + [0] * 2] * 12)
    assert read_arrow(tmp_path / "data", "test")["text"][0].as_py().startswith("a film by")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evidences": [[{"docid": "test_0.txt", "start_token": 8, "end_token": 99}]]}, "8 to 99"),
        ({"docids": ["none.txt"]}, "there is no document 'none.txt'"),
        ({"docids": ["../train.jsonl"], "evidences": []}, "there is no document"),
        ({"classification": None}, ""),
    ],
)
def test_an_annotation_of_eraser_that_does_not_fit_is_named(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = write_eraser(tmp_path / "movies")
    first, *rest = (folder / "test.jsonl").read_text().splitlines()
    line = json.loads(first) | change
    if change == {"classification": None}:
        del line["classification"]
        message = "has no 'classification', expected an annotation of ERASER"
    (folder / "test.jsonl").write_text("\n".join([json.dumps(line), *rest]))
    with pytest.raises(InputError, match=message) as error:
        files(path=str(folder), layout="eraser")
    assert "test.jsonl: line 1: " in str(error.value)


def write_hatexplain(folder: Path) -> Path:
    """A small data set in the layout of HateXplain."""
    folder.mkdir()
    posts, divisions = {}, {"train": [], "val": [], "test": []}
    for i in range(60):
        name, label = f"{i}_twitter", ("normal", "hatespeech")[i % 2]
        labels = [label, label, "offensive"] if i != 4 else ["normal", "hatespeech", "offensive"]
        marks = [[0, 1, 0], [0, 1, 1]] if label == "hatespeech" else []
        posts[name] = {
            "post_id": name,
            "annotators": [
                {"label": own, "annotator_id": j, "target": ["None"]}
                for j, own in enumerate(labels)
            ],
            "rationales": marks,
            "post_tokens": ["they", ("are", "awful")[i % 2], "<user>"],
        }
        divisions[("train", "val", "test")[i // 20]].append(name)
    (folder / "dataset.json").write_text(json.dumps(posts))
    (folder / "post_id_divisions.json").write_text(json.dumps(divisions))
    return folder / "dataset.json"


def test_the_layout_of_hatexplain_is_read_as_it_is(tmp_path: Path) -> None:
    path = write_hatexplain(tmp_path / "hate")
    table = files(path=str(path), layout="hatexplain")
    assert len(table) == 59  # one post has three labels
    assert table.attrs["notes"] == [
        "1 of the posts are left out: most annotators did not agree on a label"
    ]
    table.to_parquet(tmp_path / "raw.parquet")
    source = {"name": "files", "path": str(path), "layout": "hatexplain"}
    options = Dataset(source=source, rationale={"column": "rationale", "form": "mask"})
    prepare(tmp_path / "raw.parquet", options.model_dump(mode="json"), tmp_path / "data")
    found = read_rationale(str(tmp_path / "data"), "test")
    assert found is not None
    np.testing.assert_array_equal(found[:6], [np.nan] * 3 + [0, 1, 0.5])


def test_a_published_layout_without_its_files_is_refused_before_any_job(tmp_path: Path) -> None:
    cell = {"dataset": "own", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    for layout, name in (("eraser", "train.jsonl"), ("hatexplain", "dataset.json")):
        source = {"name": "files", "path": str(tmp_path / "dataset.json"), "layout": layout}
        own = {"own": {"source": source}}
        study = Study.checked({"study": "own", "seeds": [1], "datasets": own, "grid": [cell]})
        with pytest.raises(InputError, match=f"has no {name}, expected the layout of {layout}"):
            check_files(Inputs(study))


# In the tables of a study


def test_scores_of_rationales_reach_cells_with_intervals_and_the_page(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    """The keyword is the rationale: attention finds it, permuted weights do not."""
    tables = []
    for seed in (1, 2):
        model = trained("mlp", "trained", seed)
        shares = model.keyword(planted).astype(float)
        _, pointwise = information(model.states, OPTIONS)
        run = dict(zip(RUN, ("own", "mlp", "additive", "softmax", "trained", seed), strict=True))
        texts, rows = by_text(model.states, pointwise, rationale=shares)
        tables.append(texts.assign(**run))
        assert "rationale~attention" in set(rows["pair"])
    assert {"rationale_auprc_attention", "rationale_iou_f1_lift_gain"} <= set(
        given_statistics(tables[0].columns)
    )
    cells = settle(tables, Statistics(level=0.95, bootstrap=200, seed=1))["cells"]
    found = cells.set_index("statistic")
    lift = found.loc["rationale_auprc_lift_attention"]
    assert lift["ci_low"] > 0.3
    assert found.loc["rationale_token_f1_attention", "estimate"] > 0.8
    assert abs(found.loc["rationale_auprc_lift_permuted", "estimate"]) < 0.15
    table = rationale_table(cells, 0.95)
    assert table is not None
    shown = table.frame.set_index("measure")
    assert shown.loc["attention", "AUPRC above chance"] == lift["estimate"]
    assert shown.loc["attention", "AUPRC above chance low"] == lift["ci_low"]


def test_strips_show_what_people_marked(tmp_path: Path) -> None:
    """In the first model's rows: the share of the annotators of each word."""
    cell, rationale, expected = FORMS["spans of three"]
    data = prepared(tmp_path, cell, rationale)
    offsets = np.arange(9) * 5
    rng = np.random.default_rng(0)
    arrays = {name: rng.random(40).astype(np.float32) for name in ("score", "attention")}
    arrays |= {"token_id": np.zeros(40, np.int32), "offsets": offsets}
    arrays |= {"logits": np.zeros((8, 2), np.float32), "label": np.zeros(8, np.int32)}
    write_states(tmp_path / "states.safetensors", arrays)
    place = {"text": np.repeat(np.arange(8), 5), "token": np.tile(np.arange(5), 8)}
    gain = {"attention": arrays["attention"], "linear_gain": rng.random(40)}
    pd.DataFrame(place | gain).to_parquet(tmp_path / "linear.parquet")
    pd.DataFrame(place | {"drawn": True, "gradient": 1.0}).to_parquet(tmp_path / "i.parquet")
    names = ("states.safetensors", "linear.parquet", "i.parquet")
    run = Run("own", "mlp", "additive", "softmax", "trained", 1)
    (shown, *_) = strips([Files(run, *(tmp_path / name for name in names))], data, 2, 1)
    row = shown.models[0].rows[-1]
    assert row.label == MARKED
    np.testing.assert_allclose(row.values, expected, rtol=1e-6)
    assert MARKED in svg(shown)


def test_a_lexicon_may_have_other_columns_and_another_middle() -> None:
    norms = pd.DataFrame({"Word": ["love", "table", "war"], "V.Mean.Sum": ["8.0", "5.2", "1.9"]})
    found = rated_words(norms, 2.0, "norms", word="Word", value="V.Mean.Sum", middle=5.0)
    assert found == {"love", "war"}
    with pytest.raises(InputError, match="expected 'word' among them"):
        rated_words(norms, 2.0, "norms")
