"""The input of `estimate`: every container, missing values, and classes or numbers."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from samples import gaussian_classes
from scipy import sparse
import torch

from attinfo.blocks.estimators import CONTINUOUS
from attinfo.information import Estimate, estimate

HIDDEN, OUTPUT = gaussian_classes(200, 4)
MISSING = [3, 17, 150]


def refusal(hidden: Any = HIDDEN, output: Any = OUTPUT, **options: Any) -> str:
    """The one line of a refusal."""
    with pytest.raises(ValueError) as raised:
        estimate(hidden, output, "linear", permutations=0, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# Missing entries.


def holed(values: np.ndarray, hole: Any) -> list[Any]:
    """The values as a list, with holes in it."""
    found = values.tolist()
    for row in MISSING:
        found[row] = hole
    return found


def masked(values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(values, mask=np.isin(np.arange(len(values)), MISSING))


WORDS = np.array(["neg", "pos"])[OUTPUT]
OUTPUTS: dict[str, Callable[[], Any]] = {
    "list with None": lambda: holed(WORDS, None),
    "list with NaN": lambda: holed(WORDS, float("nan")),
    "list of numbers with None": lambda: holed(OUTPUT, None),
    "list with NA": lambda: holed(WORDS, pd.NA),
    "list with NaT": lambda: holed(WORDS, pd.NaT),
    "list with a missing decimal": lambda: holed(OUTPUT, Decimal("NaN")),
    "list with masked": lambda: holed(OUTPUT, np.ma.masked),
    "tuple with None": lambda: tuple(holed(WORDS, None)),
    "object array": lambda: np.array(holed(WORDS, None), dtype=object),
    "object array of numbers": lambda: np.array(holed(OUTPUT, np.nan), dtype=object),
    "masked array": lambda: masked(OUTPUT),
    "masked array of words": lambda: masked(WORDS),
    "series": lambda: pd.Series(holed(WORDS, None)),
    "series of str": lambda: pd.Series(holed(WORDS, None), dtype="str"),
    "nullable strings": lambda: pd.Series(holed(WORDS, pd.NA), dtype="string"),
    "nullable integers": lambda: pd.Series(holed(OUTPUT, pd.NA), dtype="Int64"),
    "nullable booleans": lambda: pd.Series(holed(OUTPUT == 1, pd.NA), dtype="boolean"),
    "nullable floats": lambda: pd.Series(holed(OUTPUT * 1.0, pd.NA), dtype="Float64"),
    "categories": lambda: pd.Series(holed(WORDS, None), dtype="category"),
    "categorical": lambda: pd.Categorical(holed(WORDS, None)),
    "index": lambda: pd.Index(holed(WORDS, None)),
    "column of a frame": lambda: pd.DataFrame({"y": holed(WORDS, None)}),
    "pyarrow words": lambda: pa.array(holed(WORDS, None)),
    "pyarrow numbers": lambda: pa.array(holed(OUTPUT, None)),
    "pyarrow chunks": lambda: pa.chunked_array([holed(WORDS, None)]),
    "pyarrow categories": lambda: pa.array(holed(WORDS, None)).dictionary_encode(),
    "series of pyarrow": lambda: pd.Series(holed(OUTPUT, None), dtype="int64[pyarrow]"),
    "dates": lambda: np.array(holed(np.zeros(200, int), "NaT"), dtype="datetime64[s]"),
    "floats": lambda: np.array(holed(OUTPUT * 1.0, np.nan)),
    "tensor": lambda: torch.tensor(holed(OUTPUT * 1.0, float("nan"))),
}


@pytest.mark.parametrize("kind", [None, "classes"])
@pytest.mark.parametrize("container", OUTPUTS)
def test_missing_outputs_are_refused_with_their_number_and_the_first(
    container: str, kind: Any
) -> None:
    message = refusal(output=OUTPUTS[container](), output_kind=kind)
    assert message.startswith("output has 3 ")
    assert "missing" in message or "NaN" in message
    assert "row 3:" in message or "[3" in message


STATES: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda h: h,
    "list": lambda h: h.tolist(),
    "list with None": lambda h: [[None if np.isnan(v) else v for v in row] for row in h],
    "object array": lambda h: np.where(np.isnan(h), None, h),
    "masked array": np.ma.masked_invalid,
    "list of masked arrays": lambda h: list(np.ma.masked_invalid(h)),
    "frame": pd.DataFrame,
    "nullable frame": lambda h: pd.DataFrame(h).astype("Float64"),
    "tensor": torch.from_numpy,
    "tensor of bfloat16": lambda h: torch.from_numpy(h).bfloat16(),
    "list of tensors": lambda h: list(torch.from_numpy(h)),
    "pyarrow table": lambda h: pa.table({str(i): column for i, column in enumerate(h.T)}),
}


@pytest.mark.parametrize("container", STATES)
def test_missing_states_are_refused_with_their_number_and_the_first(container: str) -> None:
    hidden = HIDDEN.copy()
    hidden[[3, 150], [1, 0]] = np.nan
    message = refusal(hidden=STATES[container](hidden))
    assert message.startswith("hidden has 2 ")
    assert "row 3:" in message or "[3, 1]" in message


@pytest.mark.parametrize("container", STATES)
def test_every_container_of_states_gives_the_same_estimate(container: str) -> None:
    hidden = np.round(8 * HIDDEN) / 8
    known = estimate(hidden, OUTPUT, "linear", permutations=2)
    found = estimate(STATES[container](hidden), OUTPUT, "linear", permutations=2)
    assert found.mi_nats == pytest.approx(known.mi_nats, abs=1e-6)


COMPLETE: dict[str, Callable[[], Any]] = {
    "names that look missing": lambda: np.array(["NA", "None"])[OUTPUT],
    "bytes": lambda: [b"neg" if y else b"pos" for y in OUTPUT],
    "intervals": lambda: pd.cut(pd.Series(OUTPUT), [-1, 0.5, 2]),
    "nullable integers": lambda: pd.Series(OUTPUT, dtype="Int64"),
    "pyarrow": lambda: pa.array(WORDS.tolist()),
    "pyarrow categories": lambda: pa.array(WORDS.tolist()).dictionary_encode(),
    "one column": lambda: OUTPUT[:, None],
    "unsigned": lambda: torch.from_numpy(OUTPUT.astype(np.uint32)),
    "objects": lambda: OUTPUT.astype(object),
}


@pytest.mark.parametrize("container", COMPLETE)
def test_labels_of_every_container_are_classes(container: str) -> None:
    known = estimate(HIDDEN, OUTPUT, "linear", permutations=2)
    found = estimate(HIDDEN, COMPLETE[container](), "linear", permutations=2)
    assert found.mi_nats == pytest.approx(known.mi_nats, abs=1e-3)
    assert found.output_kind == "classes"


# What cannot be used.

ODD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an empty output": ({"output": []}, ["output is empty"]),
    "an empty array": ({"output": np.zeros(0)}, ["output is empty"]),
    "no columns": ({"output": np.zeros((200, 0))}, ["output", "(200, 0)"]),
    "a sparse tensor": ({"hidden": torch.from_numpy(HIDDEN).to_sparse()}, ["hidden", "sparse"]),
    "a sparse output": ({"output": torch.from_numpy(OUTPUT).to_sparse()}, ["output", "sparse"]),
    "a tensor without values": ({"hidden": torch.empty(200, 4, device="meta")}, ["hidden", "meta"]),
    "a sparse matrix": ({"hidden": sparse.csr_matrix(HIDDEN)}, ["hidden", "sparse"]),
    "huge states": ({"hidden": 1e308 * (HIDDEN / np.abs(HIDDEN).max())}, ["hidden", "1e+308"]),
    "huge outputs": ({"output": 1e308 * (HIDDEN[:, 0] / 9)}, ["output", "e+30"]),
    "complex": ({"output": HIDDEN[:, 0] * 1j}, ["output", "complex"]),
    "dates": ({"output": np.zeros(200, "datetime64[s]")}, ["output", "datetime64"]),
    "lists": ({"output": pd.Series([["a"] * (1 + y) for y in OUTPUT])}, ["output", "list"]),
    "dictionaries": ({"output": [{"a": y} for y in OUTPUT]}, ["output", "dict"]),
    "a scalar": ({"output": 3}, ["output", "()"]),
    "a kind that is none": ({"output_kind": "floats"}, ["output_kind", "'floats'", "'continuous'"]),
    "labels as numbers": ({"output": WORDS, "output_kind": "continuous"}, ["output", "labels"]),
    "too few groups": ({"groups": np.arange(200) % 4}, ["groups", "4 distinct", "5 or more"]),
    "groups of another length": ({"groups": [1, 2]}, ["200 states", "groups 2"]),
    "missing groups": ({"groups": [None, *range(199)]}, ["groups has 1 missing", "row 0"]),
    "groups in a table": ({"groups": np.zeros((200, 2))}, ["groups", "(200, 2)"]),
    "NaN groups": ({"groups": np.where(OUTPUT == 1, np.nan, 1)}, ["groups", "NaN"]),
}


@pytest.mark.parametrize("wrong", ODD)
def test_what_cannot_be_used_is_refused_in_one_line(wrong: str) -> None:
    changes, expected = ODD[wrong]
    message = refusal(**changes)
    assert [words for words in expected if words not in message] == [], message


# Kinds of outputs.

MARGIN = 2 * HIDDEN[:, 0] + np.random.default_rng(0).normal(size=200)


def test_the_kind_of_the_output_is_inferred_and_reported() -> None:
    def kind(output: Any) -> str:
        return estimate(HIDDEN, output, "stack", permutations=0).output_kind

    assert kind(OUTPUT) == kind(WORDS) == kind(OUTPUT == 1) == "classes"
    assert kind(MARGIN) == kind(torch.from_numpy(MARGIN)[:, None]) == "continuous"


ROUNDED: dict[str, Callable[[np.ndarray], Any]] = {
    "rounded": lambda m: np.round(m, 1),
    "saturated": lambda m: np.clip(m, -1.5, 1.5),
    "bfloat16": lambda m: torch.from_numpy(m).bfloat16(),
    "whole numbers": lambda m: np.round(10 * m).astype(int),
    "objects": lambda m: np.round(m, 1).astype(object),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("form", ROUNDED)
def test_numbers_with_ties_are_continuous_when_they_are_said_to_be(form: str, name: str) -> None:
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(600, 4))
    margin = hidden[:, 0] + rng.normal(size=600)
    known = estimate(hidden, margin, name, permutations=2)
    found = estimate(hidden, ROUNDED[form](margin), name, permutations=2, output_kind="continuous")
    assert found.output_kind == "continuous" and found.h_output is None
    loose = name == "ksg" or form == "saturated"  # which does lose some information
    assert found.mi_nats == pytest.approx(known.mi_nats, abs=0.08 if loose else 0.04)


def test_floats_may_be_classes_when_they_are_said_to_be() -> None:
    def same(one: Estimate, other: Estimate) -> bool:
        return one.mi_nats == other.mi_nats and (one.pvi == other.pvi).all()

    known = estimate(HIDDEN, OUTPUT, "linear", permutations=2)
    floats = estimate(HIDDEN, OUTPUT * 0.5, "linear", permutations=2, output_kind="classes")
    assert same(known, floats)


def test_where_the_kind_cannot_be_inferred_the_argument_is_named() -> None:
    for output in (np.round(MARGIN), np.clip(MARGIN, -0.1, 0.1), torch.tensor(OUTPUT).bfloat16()):
        message = refusal(output=output)
        assert "output_kind='continuous'" in message and "output_kind='classes'" in message
    assert "output_kind='continuous'" in refusal(output=np.arange(200))


@given(
    values=st.lists(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-3, 3),
            st.floats(),
            st.text(max_size=2),
            st.binary(max_size=2),
            st.dates(),
            st.lists(st.integers(), max_size=2),
        ),
        min_size=60,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_list_is_estimated_or_refused_in_one_line(values: list[Any]) -> None:
    try:
        found = estimate(HIDDEN[:60], values, "linear", permutations=0)
    except ValueError as error:
        assert "\n" not in str(error) and str(error).startswith("output")
    else:
        assert np.isfinite(found.mi_nats) and None not in values
