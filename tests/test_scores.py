"""Scores from elsewhere: aligned with the tokens, refused where they do not fit, written again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Planted, Trained, chosen
import numpy as np
import pandas as pd
import pytest
from test_units import OPTIONS

from attinfo.agreement.tables import by_text
from attinfo.claims.given_statistics import given_statistics
from attinfo.config.inputs import Inputs
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.data.scores import Places, Scores, read_each
from attinfo.explain.export import Files, write_scores
from attinfo.explain.importance import importance
from attinfo.explain.seconds import seconds_table
from attinfo.information.units import information
from attinfo.report.tables.methods import method_table, seconds_of
from attinfo.runtime.errors import InputError
from attinfo.states.store import write_states

RUN = "own/mlp/additive/softmax/trained/1"
PLACES = Places(
    ["a bc, def", "one two"],
    np.array([0, 2, 4, 6, 0, 4]),
    np.array([1, 4, 5, 9, 3, 7]),
    np.array([0, 4, 6]),
)
FIRST = {"text": 0, "token": [0, 1, 2, 3], "name": "shap", "value": [0.5, -1.0, 0.0, 2.0]}
SPANS = {"text": 0, "start": [2, 6], "end": [4, 8], "name": "marked", "value": [1.0, 0.5]}


def scores(folder: Path, given: Any, **changes: Any) -> Scores:
    """The scores of a table of which some columns are changed."""
    path = folder / "own.csv"
    (pd.DataFrame(given) if isinstance(given, dict) else given).assign(**changes).to_csv(path)
    return Scores(path, PLACES, [RUN])


def test_each_score_is_that_of_its_token_and_other_texts_have_none(tmp_path: Path) -> None:
    shuffled = pd.DataFrame(FIRST).sample(frac=1, random_state=1)
    found = scores(tmp_path, shuffled).of(RUN)
    assert list(found) == ["scores:shap"]
    np.testing.assert_array_equal(found["scores:shap"], [0.5, -1, 0, 2, np.nan, np.nan])


def test_a_span_gives_its_score_to_its_tokens_and_others_have_zero(tmp_path: Path) -> None:
    found = scores(tmp_path, SPANS).of(RUN)["scores:marked"]
    np.testing.assert_array_equal(found, [0, 1, 0, 0.5, np.nan, np.nan])


def test_scores_of_parts_of_a_token_add_up(tmp_path: Path) -> None:
    parts = {"text": 0, "start": [6, 7], "end": [7, 9], "name": "shap", "value": [0.25, 0.5]}
    assert scores(tmp_path, parts).of(RUN)["scores:shap"][3] == 0.75


def test_a_run_takes_its_own_scores_those_of_its_cell_and_those_of_texts(tmp_path: Path) -> None:
    table = pd.concat(
        pd.DataFrame(FIRST).assign(name=name, run=run)
        for name, run in (("a", RUN), ("b", RUN.rpartition("/")[0]), ("c", ""))
    )
    table.to_csv(tmp_path / "all.csv")
    found = Scores(tmp_path / "all.csv", PLACES)
    assert list(found.of(RUN)) == ["scores:a", "scores:b", "scores:c"]
    assert list(found.of(RUN.replace("/1", "/2"))) == ["scores:b", "scores:c"]
    assert list(found.of(RUN.replace("mlp", "cnn"))) == ["scores:c"]


def test_seconds_are_those_of_the_table(tmp_path: Path) -> None:
    assert scores(tmp_path, FIRST, seconds=2.5).seconds(RUN) == {"scores:shap": 2.5}
    assert scores(tmp_path, FIRST).seconds(RUN) == {}


BAD = {  # what is wrong: the table, its changes, the message
    "no column of values": (FIRST, {"value": None}, r"row 1: value is '.*', expected a number"),
    "NaN score": (FIRST, {"value": [1, np.nan, 2, 3]}, "row 2: value is '', expected a number"),
    "infinite score": (FIRST, {"value": [1, 2, np.inf, 3]}, "row 3: value is 'inf'"),
    "score in words": (FIRST, {"value": ["1", "high", "2", "3"]}, "row 2: value is 'high'"),
    "text not in the split": (FIRST, {"text": [0, 0, 0, 7]}, "row 4: text is 7, expected 0 to 1"),
    "text by name": (FIRST, {"text": "first"}, "row 1: text is 'first', expected a whole number"),
    "token outside the text": (
        FIRST,
        {"token": [0, 1, 2, 4]},
        "row 4: token is 4, expected 0 to 3, the tokens of text 0",
    ),
    "half a token": (FIRST, {"token": [0, 1, 2, 2.5]}, "row 4: token is '2.5'"),
    "token twice": (
        FIRST,
        {"token": [0, 1, 2, 2]},
        "row 4: a second value of 'shap' for token 2 of text 0, expected one",
    ),
    "another word": (
        FIRST,
        {"word": ["a", "bc", ";", "def"]},
        "row 3: word is ';', expected ',', token 2 of text 0",
    ),
    "a token left out": (
        {**FIRST, "token": [0, 1, 2], "value": [1, 2, 3]},
        {},
        "row 1: 'shap' has values for 3 tokens of text 0, expected one for each of its 4 tokens",
    ),
    "unknown run": (FIRST, {"run": RUN.replace("mlp", "mpl")}, f"row 1: unknown run .*'{RUN}'"),
    "no name": (FIRST, {"name": ""}, "row 1: name is 'nan', expected a letter|row 1: name is ''"),
    "negative seconds": (FIRST, {"seconds": -1}, "row 1: seconds is '-1', expected 0 or more"),
    "span outside the text": (
        SPANS,
        {"end": [4, 10]},
        "row 2: the span is 6 to 10, expected start < end <= 9, in text 0",
    ),
    "empty span": (SPANS, {"end": [2, 8]}, "row 1: the span is 2 to 2"),
    "span without a token": (
        SPANS,
        {"start": [1, 6], "end": [2, 8]},
        "row 1: the span 1 to 2 of text 0 holds no token, expected one or more",
    ),
    "overlapping spans": (
        SPANS,
        {"start": [2, 3]},
        "row 2: the span 3 to 8 of text 0 overlaps another of 'marked', expected spans apart",
    ),
    "token and span": (FIRST, {"start": 0, "end": 1}, "expected either 'token', or 'start' and"),
    "start alone": (SPANS, {}, "expected either 'token', or 'start' and 'end'"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_row_that_does_not_fit_is_named(wrong: str, tmp_path: Path) -> None:
    given, changes, message = BAD[wrong]
    table = pd.DataFrame(given)
    if wrong == "start alone":
        table = table.drop(columns="end")
    if wrong == "no name":
        message = "row 1: name is"
    with pytest.raises(InputError, match=message) as error:
        scores(tmp_path, table, **changes)
    assert "\n" not in str(error.value)
    assert str(tmp_path / "own.csv") in str(error.value)


def test_missing_columns_and_empty_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown column 'value'"):
        scores(tmp_path, pd.DataFrame(FIRST).drop(columns="value"))
    with pytest.raises(InputError, match="the table has no row"):
        scores(tmp_path, pd.DataFrame(FIRST)[:0])
    with pytest.raises(InputError, match="found nothing there"):
        Scores(tmp_path / "none.csv", PLACES)


def test_a_missing_table_is_refused_before_any_job(tmp_path: Path) -> None:
    raw = tmp_path / "own.csv"
    raw.write_text("text,label\n" + "good one,1\nbad one,0\n" * 20)
    source = {"name": "files", "path": str(raw)}
    cell = {"dataset": "own", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    for name, message in (("none.csv", "found nothing there"), ("x.xlsx", "unknown ending")):
        (tmp_path / "x.xlsx").touch()
        study = Study.checked(
            {
                "study": "own",
                "seeds": [1],
                "datasets": {"own": {"source": source, "scores": str(tmp_path / name)}},
                "grid": [cell],
            }
        )
        with pytest.raises(InputError, match=f"config: datasets.own.scores: .*{message}"):
            check_files(Inputs(study))


@pytest.fixture
def written(
    planted: Planted, trained: Callable[..., Trained], tmp_path: Path
) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """The exported scores of a run, and the tables that they were made of."""
    model = trained()
    texts, folder = planted.texts("test"), tmp_path / "run"
    folder.mkdir()
    write_states(
        folder / "states.safetensors",
        {k: v for k, v in vars(model.states).items() if v is not None},
    )
    seconds: dict[str, float] = {}
    measures = [chosen("importance measure", name) for name in ("gradient", "leave_one_out")]
    drawn = np.arange(0, len(texts), 2)
    table = importance(
        model.model, texts, model.states, 1, measures, ["leave_one_out"], drawn, seconds
    )
    _, pointwise = information(model.states, OPTIONS)
    table.to_parquet(folder / "importance.parquet", index=False)
    pointwise.to_parquet(folder / "linear.parquet", index=False)
    seconds_table(seconds, table, model.states.offsets).to_csv(folder / "seconds.csv", index=False)
    names = ("states.safetensors", "importance.parquet", "seconds.csv")
    files = Files(RUN, *(folder / name for name in names), [folder / "linear.parquet"])
    write_scores(tmp_path / "scores.parquet", [files], planted.folder)
    return tmp_path / "scores.parquet", table, pointwise


def test_exported_scores_read_back_are_the_same_to_the_last_digit(
    written: tuple[Path, pd.DataFrame, pd.DataFrame], planted: Planted
) -> None:
    path, table, pointwise = written
    csv = path.with_suffix(".csv")
    pd.read_parquet(path).to_csv(csv, index=False)
    for file in (path, csv):
        found = Scores(file, Places.of(planted.folder), [RUN]).of(RUN)
        assert {"scores:gradient", "scores:leave_one_out", "scores:linear_gain"} <= set(found)
        for name in ("gradient", "leave_one_out"):
            np.testing.assert_array_equal(found[f"scores:{name}"], table[name].to_numpy("f8"))
        for name in ("attention", "linear_gain", "linear_pvi"):
            np.testing.assert_array_equal(found[f"scores:{name}"], pointwise[name].to_numpy("f8"))


def test_scores_are_measures_like_our_own(
    written: tuple[Path, pd.DataFrame, pd.DataFrame],
    planted: Planted,
    trained: Callable[..., Trained],
) -> None:
    """Read back, a measure agrees with attention as it did, and fully with itself."""
    path, table, pointwise = written
    own = table.assign(**Scores(path, Places.of(planted.folder)).of(RUN))
    own = own[[c for c in own if not c.startswith("scores:") or c == "scores:gradient"]]
    rated = np.zeros(len(own), bool)
    rated[trained().keyword(planted)] = True
    texts, rows = by_text(
        trained().states, pointwise, importance=own, rated=rated, signed=("gradient",)
    )
    for kind in ("tau", "ap_lift", "auc"):
        np.testing.assert_array_equal(texts[f"{kind}:scores:gradient"], texts[f"{kind}:gradient"])
    both = texts["tau:gradient~scores:gradient"].dropna()
    np.testing.assert_allclose(both, 1, atol=1e-12)
    assert "attention~scores:gradient" in set(rows["pair"])
    statistics = given_statistics(texts.columns)
    assert {"tau_scores:gradient", "plausibility_scores:gradient"} <= set(statistics)


def test_the_study_says_which_measures_a_table_brings(
    written: tuple[Path, pd.DataFrame, pd.DataFrame], planted: Planted
) -> None:
    found = read_each({"own": str(planted.folder)}, {"own": str(written[0])}, [RUN])
    assert found["own"][0] == "attention"


def test_the_table_of_methods_has_quality_and_seconds_of_each(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("measure,seconds,texts\ngradient,2,500\nscores:shap,30,100\n")
    (tmp_path / "b.csv").write_text("measure,seconds,texts\ngradient,4,500\n")
    seconds = seconds_of([tmp_path / "a.csv", tmp_path / "b.csv"], {"linear_gain": 7.0})
    cells = pd.DataFrame(
        {
            "variant": "trained",
            "statistic": ["tau_gain", "tau_gradient", "tau_scores:shap"],
            "estimate": [0.1, 0.2, 0.3],
        }
    )
    erased = pd.DataFrame(
        {
            "variant": "trained",
            "ordering": ["attention", "gradient"],
            "kind": "comprehensiveness",
            "aopc": [0.2, 0.4],
            "naopc": [0.5, 0.9],
        }
    )
    table = method_table(cells, erased, seconds)
    assert table is not None
    frame = table.frame.set_index("measure")
    cost = frame["seconds per 1,000 texts"]
    assert cost["gradient × input"] == pytest.approx(6)  # the mean of 4 and 8
    assert cost["shap (given)"] == pytest.approx(300)
    assert cost["gain"] == 7
    assert cost["attention"] == 0
    assert frame["τ-b with attention"]["shap (given)"] == 0.3
    assert frame["comprehensiveness"]["gradient × input"] == 0.9
