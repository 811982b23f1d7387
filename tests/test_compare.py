"""Studies side by side: known answers, and what is said of them."""

from figure_tables import simulated, write_study
from figure_words import check_words
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest

from attinfo.claims.across_studies import (
    NUMBERS,
    compare_cells,
    compare_claims,
    difference,
    read_studies,
    sentence,
)
from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.compare import main
from attinfo.figures.families.comparison import comparison
from attinfo.labels import on_data_sets

TABLES = simulated()
number = st.floats(-2, 2)
half = st.floats(0, 1)
interval = st.builds(lambda e, a, b: (e, e - a, e + b), number, half, half)


def table(*rows: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=NUMBERS)


def with_claim(claim: str, effect: float, half_width: float, verdict: str, **more):
    """The tables with another primary effect of one conclusion."""
    claims = TABLES.claims.copy()
    own = (claims["claim"] == claim) & (claims["role"] == "primary")
    ends = [effect, effect - half_width, effect + half_width]
    claims.loc[own, [*NUMBERS, "verdict"]] = [*ends, verdict]
    return TABLES._replace(claims=claims, **more)


def two(tmp_path, one, other) -> list[str]:
    return [
        str(write_study(tmp_path / name, tables, name))
        for name, tables in (("theirs", one), ("mine", other))
    ]


def primary(folders: list[str], claim: str) -> tuple[dict, dict]:
    claims = compare_claims(read_studies(folders))
    rows = claims[(claims["claim"] == claim) & (claims["role"] == "primary")]
    return tuple(rows.to_dict("records"))


@given(interval, interval)
def test_overlap_is_symmetric_and_differences_turn_round(one, other) -> None:
    there, back = difference(table(one), table(other)), difference(table(other), table(one))
    assert there["overlap"].iloc[0] == back["overlap"].iloc[0]
    for name, mirrored in (
        ("difference", "difference"),
        ("difference_low", "difference_high"),
        ("difference_high", "difference_low"),
    ):
        assert there[name].iloc[0] == pytest.approx(-back[mirrored].iloc[0])


@given(interval)
def test_a_study_is_no_further_from_itself_than_root_two_of_its_interval(one) -> None:
    found = difference(table(one), table(one)).iloc[0]
    assert found["difference"] == 0 and found["overlap"]
    estimate, low, high = one
    half_width = np.hypot(estimate - low, high - estimate)
    assert found["difference_high"] == pytest.approx(half_width)
    assert found["difference_low"] == pytest.approx(-half_width)


def test_what_is_not_known_is_not_compared() -> None:
    found = difference(table((0.1, np.nan, np.nan)), table((0.2, 0.1, 0.3))).iloc[0]
    assert found["difference"] == pytest.approx(-0.1)
    assert found["overlap"] is None and np.isnan(found["difference_low"])


def test_a_known_difference_is_printed(tmp_path) -> None:
    one = with_claim("ii", 0.30, 0.03, "supported")
    other = with_claim("ii", 0.10, 0.04, "supported")
    reference, row = primary(two(tmp_path, one, other), "ii")
    assert np.isnan(reference["difference"])
    assert row["difference"] == pytest.approx(-0.2)
    assert row["difference_low"] == pytest.approx(-0.25)  # 3, 4, 5
    assert row["difference_high"] == pytest.approx(-0.15)
    assert not row["overlap"]
    message = sentence(reference, row)
    assert message.startswith("Still supported in mine. The intervals do not overlap;")
    assert "mine − theirs: -0.200 [-0.250, -0.150]" in message


@pytest.mark.parametrize(
    ("was", "is_", "message"),
    [
        ("supported", "supported", "Still supported in mine."),
        ("contradicted", "contradicted", "Still contradicted in mine."),
        ("supported", "contradicted", "The other way round in mine: contradicted, supported in"),
        ("supported", "undetermined", "Undetermined in mine, supported in theirs."),
        ("undetermined", "supported", "Now supported in mine, undetermined in theirs."),
        ("undetermined", "undetermined", "Undetermined in both theirs and mine."),
    ],
)
def test_a_sentence_tells_whether_a_conclusion_holds(tmp_path, was, is_, message) -> None:
    pair = two(tmp_path, with_claim("v", 0.1, 0.05, was), with_claim("v", 0.1, 0.05, is_))
    assert sentence(*primary(pair, "v")).startswith(message)


def test_a_conclusion_without_runs_is_said_to_have_none(tmp_path) -> None:
    empty = with_claim("iv", np.nan, np.nan, "undetermined")
    empty.claims.loc[empty.claims["claim"] == "iv", "n"] = 0
    assert sentence(*primary(two(tmp_path, TABLES, empty), "iv")) == "mine has no runs to compare."
    assert sentence(*primary(two(tmp_path / "x", empty, TABLES), "iv")).startswith("theirs has no")


def test_cells_are_those_that_all_studies_have(tmp_path) -> None:
    other = simulated(("news", "films"), encoders=("mlp", "bilstm"), variants=(), random=3)
    cells = compare_cells(read_studies(two(tmp_path, TABLES, other)))
    assert set(cells["encoder"]) == {"mlp", "bilstm"} and set(cells["variant"]) == {"trained"}
    mine = cells[(cells["study"] == "mine") & (cells["statistic"] == "accuracy")].iloc[0]
    own = other.cells.query("statistic == 'accuracy'")
    for block in ("encoder", "attention", "normaliser"):
        own = own[own[block] == mine[block]]
    assert mine["datasets"] == 2 and mine["estimate"] == pytest.approx(own["estimate"].mean())
    halves = own["ci_high"] - own["estimate"]
    assert mine["ci_high"] - mine["estimate"] == pytest.approx(np.hypot(*halves) / 2)


def test_the_command_prints_and_writes(tmp_path, capsys) -> None:
    folders = two(tmp_path, TABLES, with_claim("iii", -0.4, 0.1, "contradicted"))
    main([*folders, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for conclusion in CONCLUSIONS.values():
        assert f"({conclusion.numeral}) " in printed
    assert "-0.400 [-0.500, -0.300]  contradicted, 3 seeds" in printed
    written = {path.name for path in (tmp_path / "out").iterdir()}
    endings = {"svg", "png", "csv", "rst"}
    assert written == {f"comparison.{e}" for e in endings} | {"comparison_cells.csv"}
    table = pd.read_csv(tmp_path / "out/comparison.csv")
    assert len(table) == 2 * len(TABLES.claims)
    assert "mine − theirs" in (tmp_path / "out/comparison.rst").read_text("utf-8")


@pytest.mark.parametrize("studies", [2, 5])
def test_the_figure_of_a_comparison_can_be_read(tmp_path, studies) -> None:
    folders = [
        write_study(tmp_path / f"study{i}", simulated(random=i), f"study {i}")
        for i in range(studies)
    ]
    claims = compare_claims(read_studies(folders))
    check_words(comparison(claims, 0.95).figure)


def test_three_studies_stand_beside_the_first(tmp_path, capsys) -> None:
    folders = [str(write_study(tmp_path / n, simulated(random=i), n)) for i, n in enumerate("abc")]
    main(folders)
    assert capsys.readouterr().out.count("− a:") == 2 * len(CONCLUSIONS)


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda f: ["nowhere", f[1]], "error: nowhere: no such folder, expected one of a study"),
        (lambda f: f[:1], "error: found 1 folder, expected two or more"),
        (lambda f: [f[0], f[0]], "theirs: is named twice"),
        (lambda f: [f[0], f"{f[0]}/.."], "has no study.json, expected the folder of a finished"),
    ],
)
def test_bad_folders_are_one_line_and_write_nothing(tmp_path, spoil, line) -> None:
    folders = spoil(two(tmp_path, TABLES, TABLES))
    with pytest.raises(SystemExit) as stop:
        main([*folders, "--out", str(tmp_path / "out")])
    assert line in str(stop.value) and "\n" not in str(stop.value)
    assert not (tmp_path / "out").exists()


def test_another_level_is_refused(tmp_path) -> None:
    folders = two(tmp_path, TABLES, TABLES._replace(level=0.9))
    with pytest.raises(SystemExit, match=r"intervals of level 0.9, expected 0.95 as in .*theirs"):
        main(folders)


def rows_of(path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True)


@pytest.mark.parametrize(
    ("name", "spoil", "line"),
    [
        ("claims.csv", lambda rows: ["{}"], "mine/claims.csv: has no column 'claim'"),
        ("cells.csv", lambda rows: [], "mine/cells.csv: cannot be read as a table: "),
        ("claims.csv", lambda rows: rows[:1], "mine/claims.csv: has no rows"),
        ("cells.csv", lambda rows: rows[:1], "mine/cells.csv: has no rows"),
        ("cells.csv", lambda rows: [*rows, rows[1]], "is a second row of dataset 'reviews', "),
        ("claims.csv", lambda rows: [*rows, rows[2]], "is a second row of claim 'i', role "),
        ("study.json", lambda rows: ["{}"], "mine/study.json: cannot be read: 'study'"),
        ("study.json", lambda rows: ["["], "mine/study.json: cannot be read: "),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path, capsys, name, spoil, line) -> None:
    folders = two(tmp_path, TABLES, TABLES)
    path = tmp_path / "mine" / name
    path.write_text("".join(spoil(rows_of(path))), "utf-8")
    with pytest.raises(SystemExit) as stop:
        main([*folders, "--out", str(tmp_path / "out")])
    assert line in str(stop.value) and "\n" not in str(stop.value)
    assert capsys.readouterr().out == "" and not (tmp_path / "out").exists()


def test_numbers_that_are_words_are_refused(tmp_path) -> None:
    folders = two(tmp_path, TABLES, TABLES)
    table = pd.read_csv(tmp_path / "mine/cells.csv").astype({"estimate": object})
    table.loc[0, "estimate"] = "much"
    table.to_csv(tmp_path / "mine/cells.csv", index=False)
    with pytest.raises(SystemExit, match="column 'estimate' has values that are not numbers"):
        main(folders)


@pytest.mark.parametrize("below", ["", "/folder"])
def test_results_are_not_written_over_a_file(tmp_path, capsys, below) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(SystemExit, match=r"--out .*: .*out is a file, expected a folder") as stop:
        main([*two(tmp_path, TABLES, TABLES), "--out", f"{tmp_path}/out{below}"])
    assert "\n" not in str(stop.value) and capsys.readouterr().out == ""
    assert (tmp_path / "out").read_text() == "mine"


def test_studies_of_one_name_are_labelled_by_their_folders(tmp_path) -> None:
    folders = [str(write_study(tmp_path / n, TABLES, "default")) for n in ("a", "b")]
    assert [study.name for study in read_studies(folders)] == folders


@pytest.mark.parametrize(
    ("count", "datasets", "words"),
    [
        (1, 1, "1 seed"),
        (5, 1, "5 seeds"),
        (15, 3, "5 seeds on each of 3 data sets"),
        (2, 2, "1 seed on each of 2 data sets"),
        (14, 3, "14 seeds in all on 3 data sets"),
    ],
)
def test_seeds_of_several_data_sets_are_counted_for_each(count, datasets, words) -> None:
    assert on_data_sets(count, "seed", datasets) == words
