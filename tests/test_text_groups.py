"""Data sets that name a column of groups: splits, folds and permutations keep groups whole."""

import csv
from pathlib import Path
import runpy
from types import SimpleNamespace
from typing import Any

from conftest import estimators
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from pydantic import ValidationError
import pytest
from test_data import PARTS, make, refusal
from test_units import OPTIONS, states_of
import torch

import attinfo
from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset
from attinfo.config.study import Study
from attinfo.data.groups import copies, groups_of_units, joined, long_enough
from attinfo.data.local_files import check_local_files
from attinfo.data.preflight import preflight
from attinfo.data.splits import complete, split
from attinfo.data.texts import Texts, read_arrow, read_groups, read_summary, read_texts
from attinfo.information import estimate
from attinfo.information.halves import halves
from attinfo.information.units import FOLDS, Unit, information, sample_of, units_of
from attinfo.runtime.errors import InputError
from attinfo.states.store import States

SCRIPTS = Path(attinfo.__file__).parents[1] / "scripts"
HEADER = ("text", "label", "author")


def write(path: Path, rows: list[list[str]], header: tuple[str, ...] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rows_of(groups: int, each: int, seed: int = 0) -> list[list[str]]:
    """Texts of one word that the group decides and filler; the label is noise, one for a group."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(groups) % 2)
    rows = [
        [f"name{g} " + " ".join(f"w{w}" for w in rng.integers(0, 30, 7)), str(labels[g]), f"a{g}"]
        for g in range(groups)
        for _ in range(each)
    ]
    return [rows[i] for i in rng.permutation(len(rows))]


# Splits.

sizes_of_groups = st.lists(st.integers(1, 9), min_size=6, max_size=60)


@given(
    sizes=sizes_of_groups,
    classes=st.integers(1, 4),
    train=st.floats(0.2, 0.8),
    dev=st.floats(0.05, 0.19),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_drawn_splits_cut_no_group(
    sizes: list[int], classes: int, train: float, dev: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(rng.permutation(len(sizes)), sizes))
    labels = rng.integers(0, classes, len(group))
    rows = split(labels, train, dev, seed, group)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(labels)))
    held = [set(group[rows[part]]) for part in PARTS]
    assert sum(map(len, held)) == len(sizes) == len(set.union(*held))
    again = split(labels, train, dev, seed, group)
    assert all((rows[part] == again[part]).all() for part in PARTS)


@given(
    sizes=st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=30), min_size=2, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_a_class_of_three_groups_is_in_every_split_and_has_about_its_share(
    sizes: list[list[int]], seed: int
) -> None:
    label_of = np.repeat(np.arange(len(sizes)), [len(own) for own in sizes])
    sizes[0][0] += 1  # else no group has two texts
    group = np.repeat(np.arange(len(label_of)), np.concatenate(sizes))
    labels = label_of[group]
    rows = split(labels, 0.6, 0.15, seed, group)
    for label, own in enumerate(sizes):
        for part, share in zip(PARTS, (0.6, 0.15, 0.25), strict=True):
            count = (labels[rows[part]] == label).sum()
            assert count > 0
            assert abs(count - share * sum(own)) <= 2 * max(own)


def test_the_draw_depends_on_the_seed() -> None:
    group, labels = np.repeat(np.arange(60), 3), np.repeat(np.arange(60) % 2, 3)
    drawn = [split(labels, 0.6, 0.2, seed, group)["test"].tolist() for seed in range(5)]
    assert len(set(map(tuple, drawn))) == 5


@given(labels=st.lists(st.integers(0, 2), min_size=20, max_size=80), seed=st.integers(0, 99))
@settings(max_examples=50)
def test_groups_of_one_text_are_as_no_groups(labels: list[int], seed: int) -> None:
    codes, group = np.array(labels), np.arange(len(labels)) * 7
    known, found = split(codes, 0.6, 0.2, seed), split(codes, 0.6, 0.2, seed, group)
    assert all((known[part] == found[part]).all() for part in PARTS)


def test_a_missing_split_is_drawn_from_whole_groups_of_the_training_split() -> None:
    group, labels = np.repeat(np.arange(40), 4), np.repeat(np.arange(40) % 2, 4)
    source = np.where(group < 30, "train", "test")
    rows = complete(source, labels, 0.7, 0.2, 1, group)
    assert set(group[rows["test"]]) == set(range(30, 40))
    train, dev = set(group[rows["train"]]), set(group[rows["dev"]])
    assert not train & dev and train | dev == set(range(30)) and len(dev) == 6


# Data sets.


def test_a_prepared_data_set_holds_the_group_of_each_text(tmp_path: Path) -> None:
    rows = rows_of(60, 3)
    folder = make(tmp_path, write(tmp_path / "t.csv", rows), group="author")
    author = {text: name for text, _, name in rows}
    found: dict[int, set[str]] = {}
    held = []
    for part in PARTS:
        table = read_arrow(folder, part)
        assert str(table.schema.field("group").type) == "int32"
        numbers = read_groups(folder, part)
        assert numbers is not None
        for text, number in zip(table["text"].to_pylist(), numbers, strict=True):
            found.setdefault(int(number), set()).add(author[text])
        held.append(set(numbers.tolist()))
    assert len(found) == 60 and all(len(names) == 1 for names in found.values())
    assert sum(map(len, held)) == 60
    summary = read_summary(folder)["groups"]
    assert summary["splits"] == dict(zip(PARTS, map(len, held), strict=True))
    assert set(summary["in_both"].values()) == {0}


def test_without_the_key_a_data_set_has_no_groups(tmp_path: Path) -> None:
    folder = make(tmp_path, write(tmp_path / "t.csv", rows_of(60, 3)))
    assert "group" not in read_arrow(folder, "test").column_names
    assert read_groups(folder, "test") is None and "groups" not in read_summary(folder)


def test_groups_in_two_given_splits_are_counted_and_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(60, 2)
    part = {f"a{g}": "train" if g < 40 else "dev" if g < 50 else "test" for g in range(60)}
    for g in (50, 51, 52):  # one of the two texts of each stands in the training split
        next(row for row in rows if row[2] == f"a{g}").append("train")
    given_rows = [row if len(row) == 4 else [*row, part[row[2]]] for row in rows]
    path = write(tmp_path / "t.csv", given_rows, (*HEADER, "split"))
    folder = make(tmp_path, path, group="author")
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"warning: {path}: column 'author': 3 of 10 groups of the test split stand in the train "
        "split too"
    )
    counts = read_summary(folder)["groups"]["in_both"]
    assert counts == {"train_dev": 0, "train_test": 3, "dev_test": 0}


def test_missing_groups_and_an_unknown_column_are_refused(tmp_path: Path) -> None:
    rows = rows_of(30, 2)
    rows[6][2], rows[9][2] = " ", ""
    path = write(tmp_path / "t.csv", rows)
    wrong = "column 'author' is empty in 2 of 60 rows (first: row 7), expected a group in each"
    assert refusal(tmp_path, path, group="author").endswith(wrong)
    near = "group: unknown column 'auther': did you mean 'author'? (known: author, label, text)"
    assert refusal(tmp_path, path, group="auther").endswith(near)
    source = {"name": "files", "path": str(path), "layout": "table"}
    source |= dict.fromkeys(("train", "dev", "test"))
    for name, expected in (("author", wrong), ("auther", near)):  # before any job starts
        options = Dataset(source={"name": "files", "path": str(path)}, group=name).model_dump()
        with pytest.raises(InputError) as raised:
            check_local_files("datasets.own.source", source, options)
        assert str(raised.value).endswith(expected)
    for column in ("text", "label"):
        with pytest.raises(ValidationError, match=f"the column of '{column}', expected another"):
            Dataset(source={"name": "files", "path": "t.csv"}, group=column)


def test_a_class_of_too_few_groups_for_the_splits_is_refused(tmp_path: Path) -> None:
    rows = [[f"a film {i}", str(i % 2), f"a{i % 4}"] for i in range(80)]
    message = refusal(tmp_path, write(tmp_path / "t.csv", rows), group="author")
    assert "has no text among the" in message and "no group of column 'author' is cut" in message


def test_the_key_of_a_data_set_changes_only_where_groups_are_named() -> None:
    def key(**changes: Any) -> str:
        dataset = {"source": {"name": "files", "path": "t.csv"}} | changes
        cell = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
        grid = [{"dataset": "own", **cell}]
        config = {"study": "s", "seeds": [1], "datasets": {"own": dataset}, "grid": grid}
        return Inputs(Study.checked(config)).data_key("own")

    assert key() == key(group=None) == "own-eb42271c"
    assert len({key(), key(group="author"), key(group="film")}) == 3


# Which texts belong together.


@given(
    tokens=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=1, max_size=30),
    groups=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(max_examples=150)
def test_texts_are_joined_by_chains_of_groups_and_copies(
    tokens: list[list[int]], groups: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, len(tokens))
    texts = np.flatnonzero(rng.random(len(tokens)) < 0.8)
    offsets = np.cumsum([0, *map(len, tokens)])
    found = joined(copies(np.concatenate(tokens), offsets), texts, group)
    expected = list(range(len(texts)))
    for _ in texts:  # the smallest number that a chain leads to
        for i, a in enumerate(texts):
            for j, b in enumerate(texts):
                if group[a] == group[b] or tokens[a] == tokens[b]:
                    expected[i] = expected[j] = min(expected[i], expected[j])
    order = {number: place for place, number in enumerate(dict.fromkeys(expected))}
    assert found.tolist() == [order[number] for number in expected]


def noise(seed: int, groups: int = 60, each: int = 4, d: int = 8) -> tuple[States, np.ndarray]:
    """Texts of four tokens; those of a group have other filler, nearly the same states, one label.

    The label has nothing to do with the states.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    n = len(group)
    hidden = rng.normal(size=(groups, 1, d))[group] + 0.1 * rng.normal(size=(n, 4, d))
    states = states_of(
        [4] * n,
        d=d,
        seed=seed,
        token_id=np.arange(4 * n, dtype=np.int32),
        hidden=hidden.reshape(-1, d).astype(np.float32),
        label=rng.integers(0, 2, groups)[group].astype(np.int32),
    )
    return states, group


@pytest.mark.parametrize(
    "estimator", ["linear", "knn", pytest.param("stack", marks=pytest.mark.slow)]
)
def test_information_of_groups_of_noise_stays_at_its_null(estimator: str) -> None:
    options = {
        **OPTIONS,
        "estimators": estimators(**{estimator: {}}),
        "output": "label",
        "words": False,
    }
    options |= {"positions": 2, "ranks": 1}
    with_groups, without = [], []
    for seed in range(4):
        states, group = noise(seed)
        for groups, above in ((group, with_groups), (None, without)):
            rows, _ = information(states, options, groups=groups)
            above += (~rows["flags"].str.contains("below_floor")).tolist()
    assert np.mean(with_groups) < 0.3
    # A linear probe recognises few of the copies.
    assert np.mean(without) > (0.9 if estimator != "linear" else np.mean(with_groups))


def test_a_unit_is_estimated_as_estimate_does_with_groups() -> None:
    states, group = noise(0)
    unit = next(units_of(states, 2, 1, 60))
    options = {**OPTIONS, "estimators": estimators(linear={}), "output": "label", "words": False}
    rows, _ = information(states, options, groups=group)
    row = rows[(rows["index"] == "position") & (rows["unit"] == 0)].iloc[0]
    assert states.hidden is not None
    known = estimate(
        states.hidden[unit.tokens], states.label, "linear", groups=group, seed=5, permutations=19
    )
    for name in ("mi_nats", "floor_mean", "floor_upper", "ci_low", "ci_high"):
        assert row[name] == pytest.approx(getattr(known, name), rel=1e-6)


def test_groups_and_copies_of_a_unit_are_whole_in_folds_and_permutations() -> None:
    states, group = noise(1)
    tokens = states.token_id.reshape(-1, 4).copy()
    tokens[4], tokens[9] = tokens[0], tokens[12]  # groups 0 and 1, 2 and 3 share a text
    states = states_of([4] * 240, d=8, token_id=tokens.ravel())
    expected = np.where(group < 2, 0, np.where(group < 4, 1, group - 2))
    for unit in units_of(states, 2, 1, 60):
        sample = sample_of(states, unit, OPTIONS, group)
        assert sample.group is not None and sample.group.tolist() == expected.tolist()
        for own in range(58):
            assert len(sample.fold[sample.group == own].unique()) == 1
        assert len(sample.fold.unique()) == FOLDS


@pytest.mark.parametrize("groups", [5, 8, 12])
def test_few_groups_are_enough(groups: int) -> None:
    for seed in range(3):
        states, group = noise(seed, groups, 120 // groups)
        options = {**OPTIONS, "output": "label", "positions": 1, "ranks": 1}
        states = states_of([4] * len(group), d=8, hidden=states.hidden, seed=seed)
        rows, _ = information(states, options, groups=group)
        assert np.isfinite(rows["mi_nats"]).all()
        known = rows[rows["estimator"] != "token_type"]
        assert known["half_1"].isna().all() or groups > FOLDS
    for unit in units_of(states, 1, 1, 60):
        for half in halves(sample_of(states, unit, options, group), 5):
            if half.group is not None and len(half.group.unique()) >= FOLDS:
                assert len(half.fold.unique()) == FOLDS


def test_a_half_without_enough_groups_has_no_estimate() -> None:
    states, _ = noise(0)
    group = np.repeat(np.arange(6), [190, 10, 10, 10, 10, 10])
    options = {**OPTIONS, "output": "label", "positions": 1, "ranks": 1}
    rows, _ = information(states, options, groups=group)
    assert np.isfinite(rows["mi_nats"]).all() and rows[["half_1", "half_2"]].isna().all(axis=None)


# Too few groups.


def test_fewer_groups_than_folds_are_refused() -> None:
    states, _ = noise(0)
    unit: Unit = next(units_of(states, 2, 1, 60))
    with pytest.raises(InputError, match=r"'position': the 240 texts are of 4 groups, expected 5"):
        sample_of(states, unit, OPTIONS, np.arange(240) % 4)
    assert torch.equal(
        sample_of(states, unit, OPTIONS, np.arange(240)).fold, sample_of(states, unit, OPTIONS).fold
    )


def test_the_groups_of_each_index_are_known_before_training() -> None:
    lengths = np.array([2] * 40 + [4] * 40 + [9] * 20)
    states = states_of(lengths.tolist(), token_id=np.arange(lengths.sum(), dtype=np.int32))
    texts = Texts(states.token_id.astype(np.int64), states.offsets, states.label.astype(np.int64))
    group = np.where(lengths < 9, np.arange(100) % 30, np.arange(100) % 4)
    found = groups_of_units(texts, group, {"position": 9, "rank": 3}, 20)
    assert found == {"instance": 30, "position": 4, "rank": 30}
    units, enough = long_enough(lengths, 9, 20)
    assert units == 9 and enough.sum() == 20
    summaries = {"own": {"splits": {"test": {"texts": 100}}}}
    with pytest.raises(InputError) as raised:
        preflight(summaries, 20, {}, groups={"own": found})
    assert str(raised.value) == (
        "datasets.own.group: the texts of the index 'position' in the test split are of 4 groups, "
        "expected 5 or more, one for each fold (texts of the same tokens are of one group)"
    )
    assert preflight(summaries, 20, {}, groups={"own": {"position": 5}})["test_texts"] == {
        "own": 100
    }


def test_the_script_of_preflight_refuses_a_data_set_of_few_groups(tmp_path: Path) -> None:
    rows = [[f"{row[0]} x{i}", row[1], f"a{i % 9}"] for i, row in enumerate(rows_of(100, 3))]
    folder = make(tmp_path, write(tmp_path / "t.csv", rows), group="author")
    assert len(read_texts(folder, "test")) > 50
    options: dict[str, Any] = {"datasets": ["own"], "min_texts": 50, "packages": {}}
    options |= {"embeddings": [], "counts": {"position": 2, "rank": 2}}
    job = SimpleNamespace(
        input=SimpleNamespace(data=[str(folder)], vectors=[]),
        output=SimpleNamespace(checked=str(tmp_path / "preflight.json")),
        params=SimpleNamespace(options=options),
        log=[str(tmp_path / "preflight.log")],
    )
    with pytest.raises(SystemExit, match=r"error: datasets\.own\.group: .* of 2 groups, expected"):
        runpy.run_path(str(SCRIPTS / "preflight.py"), init_globals={"snakemake": job})
    assert not (tmp_path / "preflight.json").exists()
