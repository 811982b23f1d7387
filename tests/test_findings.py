"""Findings of a study: collected as they stand, numbers of their tables, and reruns compared."""

from collections.abc import Callable
import json
import lzma
from math import log10
from pathlib import Path
import re
import shutil
from statistics import mean, stdev

from figure_tables import simulated
from figure_words import check_words
from finished_study import COMMIT, DATASETS, JOBS, Finished, finished_study
import numpy as np
import pandas as pd
from project import ROOT
import pytest
from scipy.stats import t as student
from test_docs import DOCS, tool
import yaml

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.compare import main as compare
from attinfo.figures.style import applied
from attinfo.keys import RUN
from attinfo.runtime.errors import InputError

collecting, checking = tool("collect_findings"), tool("check_findings")
findings_numbers, pictures = tool("findings.numbers"), tool("findings.pictures")
prose = tool("prose.pages")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return finished_study(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def collected(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The findings, collected once; tests leave them as they are."""
    made: Path = collecting.collect(finished.folder, tmp_path_factory.mktemp("found") / "several")
    return made


@pytest.fixture(scope="module")
def numbers(collected: Path) -> dict:
    found: dict = findings_numbers.numbers(collected)
    return found


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collecting without pictures, which take most of the time."""
    monkeypatch.setattr(collecting, "draw", lambda folder: None)


# Collecting


def lines_of(path: Path) -> list[bytes]:
    return (lzma.open if path.suffix == ".xz" else Path.open)(path, "rb").read().splitlines(True)


def test_tables_are_those_of_the_study_byte_for_byte(finished: Finished, collected: Path) -> None:
    for name in collecting.PLAIN:
        assert lines_of(collected / f"{name}.csv") == lines_of(finished.folder / f"{name}.csv")
    for name in set(collecting.COMPRESSED) - {"agreement"}:
        assert lines_of(collected / f"{name}.csv.xz") == lines_of(finished.folder / f"{name}.csv")


def test_agreement_has_the_rows_of_attention_and_of_repeats(
    finished: Finished, collected: Path
) -> None:
    kept, every = collected / "agreement.csv.xz", finished.folder / "agreement.csv"
    table = pd.read_csv(every)
    tau = table["pair"].str.startswith("attention~") & (table["statistic"] == "kendall_b")
    repeats = table["statistic"].isin(["reliability", "between_seeds"])
    header, *lines = lines_of(every)
    wanted = [line for line, own in zip(lines, tau | repeats, strict=True) if own]
    assert lines_of(kept) == [header, *wanted] and 0 < len(wanted) < len(lines)


def test_the_record_has_the_commit_and_the_cost_by_data_set_and_by_stage(collected: Path) -> None:
    record = json.loads((collected / "run.json").read_text("utf-8"))
    assert record["commits"] == {COMMIT: record["models"]}
    assert record["command"] == "snakemake --cores all --configfile studies/several.yaml"
    assert record["jobs"] == len(JOBS)
    assert record["seconds"] == pytest.approx(sum(job[2] for job in JOBS))
    assert record["gigabytes"] == 2.4
    own = {row["dataset"]: row for row in record["datasets"]}
    assert set(own) == {*DATASETS, "all"} and sum(row["runs"] for row in own.values()) == 210
    assert own["imdb"]["seconds"] == pytest.approx(111) and own["imdb"]["jobs"] == 2
    assert own["imdb"]["stages"][0] == {
        "stage": "information",
        "jobs": 1,
        "seconds": 100.0,
        "gigabytes": 2.4,
    }
    assert {row["stage"]: row["jobs"] for row in record["stages"]}["train"] == len(DATASETS)


def test_no_file_of_the_findings_names_a_path_of_the_machine(
    finished: Finished, collected: Path
) -> None:
    for path in collected.rglob("*"):
        if path.suffix in (".json", ".md", ".rst", ".yaml"):
            assert str(finished.folder.parents[2]) not in path.read_text("utf-8"), path


def test_the_readme_links_every_table_and_counts_its_rows(collected: Path) -> None:
    text = (collected / "README.md").read_text("utf-8")
    for name in re.findall(r"\]\(([^)]+)\)", text):
        assert (collected / name).is_file(), name
    for path in (path for path in collected.iterdir() if ".csv" in path.name):
        count = len(pd.read_csv(path))
        assert f"| [{path.name}]({path.name}) | {count:,} |" in text
    assert "report page" not in text and (collected / "report.html").is_file()


def test_a_large_page_is_left_out_and_named(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> None:
    monkeypatch.setattr(collecting, "MOST_PAGE", 1000)
    made = collecting.collect(finished.folder, tmp_path / "several")
    assert not (made / "report.html").exists()
    assert "the report page" in (made / "README.md").read_text("utf-8")
    assert "the report page" in json.loads((made / "run.json").read_text("utf-8"))["left_out"][-1]


def test_findings_that_are_too_large_are_refused(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> None:
    monkeypatch.setattr(collecting, "MOST", 100_000)
    with pytest.raises(InputError, match=r"^.*: its findings take [\d.]+ MB, expected at most"):
        collecting.collect(finished.folder, tmp_path / "several")
    assert list(tmp_path.iterdir()) == []


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def with_a_run_less(folder: Path) -> None:
    pd.read_csv(folder / "runs.csv").iloc[1:].to_csv(folder / "runs.csv", index=False)


def with_an_unknown_key(folder: Path) -> None:
    with (folder.parents[1] / "studies/several.yaml").open("a", encoding="utf-8") as file:
        file.write("sedes: [1]\n")


def of_another_name(folder: Path) -> None:
    (folder / "study.json").write_text('{"study": "other"}', "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("claims.csv"), "has no claims.csv, expected the folder of a finished study"),
        (without("report.html"), "has no report.html, expected the folder of a finished study"),
        (with_a_run_less, "has 209 runs and lacks 1 of those of several.yaml, expected all 210"),
        (with_an_unknown_key, "runs cannot be listed: attinfo.runtime.errors.InputError: config: "),
        (of_another_name, "no config has 'study: other', expected one in studies/"),
        (without("logs/claims/claims.log"), "no CPU time found, expected the log of a finished"),
        (lambda folder: shutil.rmtree(folder / "runs"), "has no runs/…/run.json, expected one"),
    ],
)
def test_what_is_no_finished_study_is_refused_and_leaves_what_was_there(
    finished: Finished,
    tmp_path: Path,
    undrawn: None,
    change: Callable[[Path], None],
    message: str,
) -> None:
    shutil.copytree(finished.folder.parents[1], tmp_path / "clone")
    folder, made = tmp_path / "clone/results/several", tmp_path / "found/several"
    made.mkdir(parents=True)
    (made / "old.csv").touch()
    change(folder)
    with pytest.raises(InputError) as error:
        collecting.collect(folder, made)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert [path.name for path in made.parent.rglob("*")] == ["several", "old.csv"]


# Numbers


def test_the_conclusions_are_the_rows_of_the_tables(finished: Finished, numbers: dict) -> None:
    primary = finished.claims[finished.claims["role"] == "primary"]
    across = pd.read_csv(finished.folder / "across.csv").query("role == 'primary'")
    moderators = pd.read_csv(finished.folder / "moderators.csv").query("role == 'primary'")
    assert [own["claim"] for own in numbers["conclusions"]] == ["i", "ii", "iii", "iv", "v"]
    for found in numbers["conclusions"]:
        rows = primary[primary["claim"] == found["claim"]].set_index("dataset")
        assert found["estimate"] == pytest.approx(rows.loc["all", "estimate"], abs=1e-6)
        assert (found["verdict"], found["p"]) == tuple(rows.loc["all", ["verdict", "p_holm"]])
        assert found["robust"] == 0.75
        assert found["hangs_on"] == ("index: rank" if found["claim"] == "iii" else "")
        each = rows.drop("all")["estimate"].sort_values(ascending=False)
        assert [own["dataset"] for own in found["each"]] == list(each.index)
        assert [own["estimate"] for own in found["each"]] == pytest.approx(list(each), abs=1e-6)
        sign = np.sign(rows.loc["all", "estimate"])
        assert found["same_sign"] == (np.sign(each) == sign).sum() and found["data_sets"] == 5
        (mean_row,) = across[across["claim"] == found["claim"]].to_dict("records")
        for name in ("estimate", "new_low", "new_high", "i2", "positive"):
            assert found["across"][name] == pytest.approx(mean_row[name], abs=1e-6)
        own = moderators[moderators["claim"] == found["claim"]]
        assert abs(found["moderator"]["rho"]) == pytest.approx(own["rho"].abs().max(), abs=1e-6)


def by_hand(values: list[float]) -> tuple[float, float, float]:
    """Mean and t interval, from the formula."""
    half = student.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return mean(values), mean(values) - half, mean(values) + half


def ends(row: dict) -> tuple[float, float, float]:
    return row["estimate"], row["ci_low"], row["ci_high"]


def test_blocks_have_means_over_data_sets_with_t_intervals(
    finished: Finished, numbers: dict
) -> None:
    cells = finished.cells
    assert len(numbers["blocks"]) == 18
    for found in numbers["blocks"]:
        own = cells[(cells["variant"] == "trained") & (cells["statistic"] == "tau_gain")]
        for kind in ("encoder", "attention", "normaliser"):
            own = own[own[kind] == found[kind]]
        assert ends(found["tau_gain"]) == pytest.approx(by_hand(list(own["estimate"])), abs=1e-6)
        assert found["tau_gain"]["data_sets"] == 5


def test_a_version_is_compared_with_its_block_in_the_same_cells(
    finished: Finished, numbers: dict
) -> None:
    cells = finished.cells[finished.cells["variant"] == "trained"].set_index(
        ["statistic", "dataset", "encoder", "attention", "normaliser"]
    )["estimate"]
    found = {own["version"]: own for own in numbers["versions"]}
    assert set(found) == {"bilstm_random", "scaled_dot_small"}
    steps = [
        mean(
            cells["accuracy", name, "bilstm", attention, normaliser]
            - cells["accuracy", name, "bilstm_random", attention, normaliser]
            for attention in ("additive", "scaled_dot", "scaled_dot_small")
            for normaliser in ("softmax", "gumbel_softmax@0.5")
        )
        for name in DATASETS
    ]
    own = found["bilstm_random"]["accuracy"]
    assert ends(own) == pytest.approx(by_hand(steps), abs=1e-6)
    assert own["positive"] == sum(step > 0 for step in steps)


def test_gaps_are_where_the_curve_reaches_a_share(numbers: dict) -> None:
    # The curve of every cell: 0.5 + 0.03 b at gaps of 10^(-3 + b / 4).
    for found in numbers["gaps"]["all"]["reached"]:
        gap = 10 ** (-3 + (found["share"] - 0.5) / 0.12)
        if found["share"] > 0.77:
            assert found["reach"] == 0 and found["median"] is None
            assert set(found["each"].values()) == {None}
        else:
            assert found["reach"] == found["data_sets"] == 5
            assert log10(found["median"]) == pytest.approx(log10(gap), abs=1e-3)


def test_versions_of_blocks_are_not_in_the_gaps(finished: Finished, numbers: dict) -> None:
    assert [(own["encoder"], own["attention"]) for own in numbers["gaps"]["blocks"]] == [
        (encoder, attention)
        for encoder in ("bilstm", "mlp")
        for attention in ("additive", "scaled_dot")
    ]
    cells = finished.cells.query(
        "variant == 'trained' and normaliser == 'softmax' and encoder != 'bilstm_random' and "
        "attention != 'scaled_dot_small' and statistic == 'concordance_absolute_3'"
    )
    values = [mean(own["estimate"]) for _, own in cells.groupby("dataset")]
    last = numbers["gaps"]["all"]["bins"][-1]
    assert ends(last) == pytest.approx(by_hand(values), abs=1e-6)
    assert (last["from"], last["to"]) == (0.1, 1.0)


@pytest.mark.parametrize(
    ("shares", "gap"),
    [
        ([0.5, 0.6, 0.7], 0.1),  # on a point
        ([0.5, 0.5, 0.7], 10**-0.5),  # halfway between two, in the logarithm
        ([0.7, 0.5, 0.7], 10**-0.5),  # not where it is reached and lost again
        ([0.65, 0.7, 0.8], 0.01),  # everywhere
        ([0.5, 0.7, 0.59], None),  # not at the largest gaps
        ([], None),
    ],
)
def test_a_share_is_reached_from_which_gap_on(shares: list[float], gap: float | None) -> None:
    found = findings_numbers.gap_that_reaches(0.6, [0.01, 0.1, 1.0][: len(shares)], shares)
    assert found is gap if gap is None else found == pytest.approx(gap, rel=1e-4)


def test_runs_that_were_trained_enough_are_counted(numbers: dict) -> None:
    training = numbers["training"]
    assert (training["runs"], training["enough"], training["epochs"]) == (210, 105, 9)
    assert {own["dataset"]: own["enough"] for own in training["dataset"]} == dict.fromkeys(
        DATASETS, 21
    )


def test_one_data_set_has_no_interval_over_data_sets() -> None:
    found = findings_numbers.over_data_sets(pd.Series([0.4, np.nan]), 0.95)
    assert found == {"data_sets": 1, "estimate": 0.4, "ci_low": None, "ci_high": None}
    assert prose.interval(found) == "+0.400"
    nothing = findings_numbers.over_data_sets(pd.Series([np.nan]), 0.95)
    assert prose.interval(nothing) == "–"


# The page


def test_the_page_is_filled_and_its_pictures_and_links_are_there(
    collected: Path, numbers: dict
) -> None:
    frame = DOCS / "tools/pages/findings.md"
    text = prose.rendered(frame, {"findings": numbers})
    blocks = [own.split("-->\n")[1] for own in text.split("<!-- end of numbers -->")[:-1]]
    assert len(blocks) == 11 and all(blocks)
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text)
    words = " ".join(text.split())
    for found in numbers["conclusions"]:
        for own in (found, found["across"], *found["each"]):
            assert prose.interval(own) in words
        of = f"{found['same_sign']} of {found['data_sets']} data sets"
        assert f"**{found['verdict']}**. It has this sign on {of}." in words
    for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", text):
        own = re.sub(r"^findings/(several|paper)/", f"{collected}/", link)
        assert (DOCS / own).exists(), link
    assert "not reached" in text


def test_the_page_and_the_blocks_are_absent_without_findings() -> None:
    if not (DOCS / "findings/paper").is_dir():
        assert not (DOCS / "findings.md").exists()
    assert prose.template("findings_cost", {"findings": None}) == ""


def test_the_table_of_cost_has_each_data_set(numbers: dict) -> None:
    text = prose.template("findings_cost", {"findings": numbers})
    assert "| `imdb` | 42 | 2.6 | 2.4 GB | information |" in text
    assert all(f"| `{name}` | 42 |" in text for name in DATASETS) and "`all`" not in text


# Pictures

ELEVEN = [*yaml.safe_load((ROOT / "studies/paper.yaml").read_text("utf-8"))["datasets"]]


def test_words_in_pictures_of_eleven_data_sets_can_be_read() -> None:
    assert len(ELEVEN) == 11
    tables = simulated(ELEVEN, normalisers=("softmax",), variants=(), seeds=2)
    with applied():
        drawn = dict(pictures.drawings(tables, {}))
    assert len(drawn) == 12
    for name, drawing in drawn.items():
        if not name.startswith("curve"):  # the tests of figures check those
            check_words(drawing.figure)


def test_the_picture_of_gaps_has_the_means_of_registered_blocks(
    finished: Finished, collected: Path
) -> None:
    drawn = pd.read_csv(collected / "figures/gaps.csv").set_index(
        ["dataset", "attention", "decile"]
    )
    assert set(drawn.index.unique("attention")) == {"additive", "scaled_dot"}
    cells = finished.cells.query(
        "variant == 'trained' and normaliser == 'softmax' and encoder in ['bilstm', 'mlp']"
    )
    own = cells.query("dataset == 'trec' and attention == 'additive'")
    values = own[own["statistic"] == "concordance_study_4"]["estimate"]
    assert len(values) == 2
    assert drawn.loc[("trec", "additive", 5), "share"] == pytest.approx(values.mean())
    assert drawn.loc[("trec", "additive", 5), "gap"] == pytest.approx(0.01)


# Comparing


def test_the_findings_are_compared_like_any_study(
    finished: Finished, collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare([str(collected), str(finished.folder)])
    printed = capsys.readouterr().out
    differences = re.findall(r"The intervals overlap; .*: ([+-]\d\.\d+) \[", printed)
    assert differences == ["+0.000"] * len(CONCLUSIONS)
    assert set(re.findall(r"in (\d+) of \d+ cells", printed)) == {"0"}


@pytest.mark.parametrize("content", [b"no xz", lzma.compress(b"dataset,encoder")[:-9]])
def test_a_compressed_table_that_is_broken_is_refused(
    finished: Finished, collected: Path, tmp_path: Path, content: bytes
) -> None:
    shutil.copytree(collected, tmp_path / "broken")
    (tmp_path / "broken/cells.csv.xz").write_bytes(content)
    with pytest.raises(SystemExit, match=r"^error: .*cells.csv.xz: cannot be read as a table: "):
        compare([str(tmp_path / "broken"), str(finished.folder)])


def part_of(finished: Finished, folder: Path, query: str) -> Path:
    """A rerun of a part: rows of the study, and other values where other runs count."""
    folder.mkdir()
    kept = finished.runs.query(query)[RUN].astype(str).agg("/".join, axis=1)
    for name in ("runs", "training", "agreement", "calibration", "cells"):
        table = pd.read_csv(finished.folder / f"{name}.csv", dtype=str)
        if "seed" in table:
            own = table[RUN].agg(lambda row: "/".join(map(str, row)), axis=1)
            table = table[own.str.removesuffix(".0").isin(set(kept))]
        else:
            table = table[table["dataset"].isin(finished.runs.query(query)["dataset"])]
        for column in table.columns:
            if column.startswith(checking.SHARED):
                table = table.assign(**{column: "9.75"})
        if name == "cells":
            table = table.assign(estimate="9.75")
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_one_seed_of_one_data_set_agrees_though_shared_bins_differ(
    finished: Finished, collected: Path, tmp_path: Path
) -> None:
    part = part_of(finished, tmp_path / "part", "dataset == 'trec' and seed == 2")
    found = {own.name: own for own in checking.check(part, collected)}
    assert set(found) == {"runs", "training", "agreement", "calibration", "cells"}
    assert not any(own.differences for own in found.values())
    assert found["runs"].compared == 21 and found["runs"].rows == 210
    assert all(name.startswith(checking.SHARED) for name in found["runs"].columns)
    assert found["cells"].compared == 0 < found["calibration"].compared
    assert found["agreement"].compared == 3 * 21


def test_a_changed_value_is_found_and_named(
    finished: Finished, collected: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = part_of(finished, tmp_path / "part", "dataset == 'trec' and seed == 2")
    runs = pd.read_csv(part / "runs.csv", dtype=str)
    before = runs.loc[3, "tau_gain"]
    runs.loc[3, "tau_gain"] = str(np.nextafter(float(before), 1))  # the last digit
    runs.to_csv(part / "runs.csv", index=False)
    with pytest.raises(SystemExit, match="error: some rows differ"):
        checking.main([str(part), "--findings", str(collected)])
    printed = capsys.readouterr().out
    assert "runs: 21 of 210 rows compared, 20 agree" in printed
    run = "/".join(runs.loc[3, RUN])
    assert f"{run}, tau_gain: {before} here, {runs.loc[3, 'tau_gain']} in the rerun" in printed


def test_all_tables_are_compared_when_all_runs_are_there(
    finished: Finished, collected: Path
) -> None:
    found = checking.check(finished.folder, collected)
    assert [own.name for own in found] == [table.name for table in checking.TABLES]
    assert all(own.compared == own.rows > 0 and not own.differences for own in found)
    assert not any(own.columns for own in found)


def test_all_seeds_of_a_data_set_compare_what_they_share(
    finished: Finished, collected: Path, tmp_path: Path
) -> None:
    part = part_of(finished, tmp_path / "part", "dataset == 'trec'")
    found = {own.name: own for own in checking.check(part, collected)}
    assert {one.column.rstrip("0123456789") for one in found["runs"].differences} <= {
        *checking.SHARED
    }
    assert found["cells"].compared > 0 and found["cells"].differences


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("0.5", "0.50"), ("", ""), ("a", "a")])
def test_equal_values_are_the_same(one: str, other: str) -> None:
    assert checking.same(one, other)


@pytest.mark.parametrize(("one", "other"), [("1", "2"), ("", "0"), ("a", "b"), ("0.1", "a")])
def test_other_values_are_not_the_same(one: str, other: str) -> None:
    assert not checking.same(one, other)


def test_a_rerun_of_another_study_is_refused(
    finished: Finished, collected: Path, tmp_path: Path
) -> None:
    part = part_of(finished, tmp_path / "part", "dataset == 'trec' and seed == 2")
    runs = pd.read_csv(part / "runs.csv").assign(dataset="films")
    runs.to_csv(part / "runs.csv", index=False)
    with pytest.raises(InputError, match=r"^.*part: has no run of .*, expected one or more$"):
        checking.check(part, collected)
