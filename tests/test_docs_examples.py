"""The worked examples of the pages: each runs, and does what the page says."""

import ast
from collections.abc import Callable
import importlib
import inspect
import math
from pathlib import Path
import re
import runpy
from typing import Any

import numpy as np
import pandas as pd
from project import ROOT
import pytest
import torch

from attinfo.claims.effects import effects_of
from attinfo.claims.sampled import Sampled, describe_runs
from attinfo.figures.drawing import Missing
from attinfo.figures.tables import Tables
from attinfo.information.sample import Sample, folds, with_permutations
from attinfo.runtime.errors import InputError
from attinfo.states.store import States

EXAMPLES = ROOT / "docs/examples"
KINDS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
Example = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def example() -> Example:
    """The names that an example defines."""
    return lambda kind: runpy.run_path(str(EXAMPLES / f"{kind}.py"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_runs_as_a_script(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / f"{kind}.py"), run_name="__main__")
    assert capsys.readouterr().out


def test_the_page_shows_every_example_with_its_registration() -> None:
    text = (ROOT / "docs/extending.md").read_text("utf-8")
    for kind in KINDS:
        assert f'--8<-- "examples/{kind}.py"' in text
        assert f'--8<-- "examples/registration/{kind}.py"' in text


def test_there_is_an_example_of_each_kind_of_block() -> None:
    assert KINDS == [
        "claim",
        "encoder",
        "estimator",
        "figure",
        "measure",
        "normaliser",
        "scorer",
        "source",
        "statistic",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_registration_names_what_its_example_defines(kind: str, example: Example) -> None:
    tree = ast.parse((EXAMPLES / f"registration/{kind}.py").read_text("utf-8"))
    paths = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    names = [str(path).partition(":")[2] for path in paths if str(path).startswith("attinfo.")]
    for node in ast.walk(tree):  # where the registration holds the thing itself
        if isinstance(node, ast.ImportFrom) and not _exists(str(node.module)):
            names += [alias.name for alias in node.names]
    assert names
    assert set(names) <= set(example(kind))


def _exists(module: str) -> bool:
    path = ROOT.joinpath("workflow", *module.split("."))
    return (
        path.with_suffix(".py").is_file()
        or module.startswith("attinfo.blocks")
        or (not module.startswith("attinfo"))
    )


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("claim", "figure", "statistic")])
def test_a_registration_has_the_options_of_its_example(kind: str, example: Example) -> None:
    pytest.importorskip("attinfo.blocks.block")
    block = runpy.run_path(str(EXAMPLES / f"registration/{kind}.py"))["BLOCK"]
    function = example(kind)[block.path.partition(":")[2]]
    parameters = inspect.signature(function).parameters.values()
    own = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(block.fields) == set(own)
    for name, default in own.items():
        if default is not inspect.Parameter.empty:
            assert block.fields[name].default == default
    assert importlib.import_module("attinfo.blocks.block").Block in type(block).__mro__


WIDER = {  # page: what its Python prints, begins with or holds
    "scores": "{'scores:reader': array([0., 1., 0.])}",
    "rationales": "[0.5] [0.4]",
    "two_texts": "0.368",
}


@pytest.fixture
def printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Run the Python of a page in an empty folder, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(page: str) -> str:
        text = (ROOT / f"docs/{page}.md").read_text("utf-8")
        (body,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        exec(body, {})
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("page", WIDER)
def test_the_example_of_a_page_prints_what_it_says(
    page: str, printed: Callable[[str], str]
) -> None:
    assert WIDER[page] in printed(page)


def test_the_example_of_numbers_comes_near_the_closed_form(printed: Callable[[str], str]) -> None:
    found, floor = map(float, printed("outputs").split())
    assert found == pytest.approx(math.log(2) / 2, abs=0.05)
    assert floor < 0.05


def test_the_scorer_scores_each_state_by_itself(example: Example) -> None:
    torch.manual_seed(1)
    scorer, states = example("scorer")["Gated"](width=6), torch.randn(2, 4, 6)
    scores = scorer(states, torch.tensor([4, 4]))
    assert scores.shape == (2, 4)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(scorer(states[:, order], torch.tensor([4, 4])), scores[:, order])


def test_padding_does_not_change_the_states_of_the_encoder(example: Example) -> None:
    torch.manual_seed(1)
    encoder, words = example("encoder")["Bigram"](inputs=5, width=8), torch.randn(1, 3, 5)
    padded = torch.cat([words, torch.full((1, 2, 5), 7.0)], 1)
    states = encoder(words, torch.tensor([3]))
    torch.testing.assert_close(encoder(padded, torch.tensor([3]))[:, :3], states)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_weights_of_the_normaliser_sum_to_one_and_spare_padding(
    temperature: float, example: Example
) -> None:
    scores = torch.randn(3, 5).masked_fill(torch.arange(5) >= 4, -torch.inf)
    weights = example("normaliser")["softplus"](scores, temperature, None)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert (weights[:, 4] == 0).all()
    assert (weights.argsort(1) == scores.argsort(1)).all()


def test_the_estimator_finds_the_information_of_two_normal_classes(example: Example) -> None:
    torch.manual_seed(2)
    n, apart = 6000, 2.0
    output = torch.arange(n) % 2
    hidden = torch.randn(n, 3)
    hidden[:, 0] += apart * output
    sample = Sample(
        hidden, torch.arange(n), with_permutations(output, 19, 1), 2, folds(output, 5, 1)
    )
    found = example("estimator")["spheres"](sample)
    x = np.linspace(-8, 10, 4001)
    density = np.exp(-((x[:, None] - [0, apart]) ** 2) / 2) / np.sqrt(2 * np.pi)
    ratio = np.log(density) - np.log(density.mean(1, keepdims=True))
    truth = np.trapezoid((density * ratio).mean(1), x)
    assert abs(float(found.pvi.mean()) - truth) < 0.02
    assert found.null.abs().max() < 0.01
    assert (found.gain >= 0).all()


def test_the_source_reads_a_file_for_each_class(tmp_path: Path, example: Example) -> None:
    lines = example("source")["lines"]
    (tmp_path / "good.txt").write_text("one\n\ntwo\n", "utf-8")
    (tmp_path / "bad.txt").write_text("three\n", "utf-8")
    table = lines(folder=str(tmp_path))
    assert set(zip(table["text"], table["label"], strict=True)) == {
        ("one", "good"),
        ("two", "good"),
        ("three", "bad"),
    }
    with pytest.raises(InputError, match="folder"):
        lines(folder=str(tmp_path / "nowhere"))


def test_the_measure_sums_to_zero_in_each_text(example: Example) -> None:
    weights = np.array([0.6, 0.3, 0.1, 1.0], np.float32)
    states = States(
        None, weights, weights, np.arange(4), np.array([0, 3, 4]), np.zeros((2, 2)), np.zeros(2)
    )
    found = example("measure")["above_uniform"](None, None, states, 1)
    np.testing.assert_allclose(np.add.reduceat(found, [0, 3]), 0, atol=1e-6)
    assert found[0] > 0 > found[2]


def test_the_statistic_is_the_difference_of_two_means(example: Example) -> None:
    rng = np.random.default_rng(0)
    texts = pd.DataFrame(
        {
            "predicted": rng.integers(2, size=50),
            "entropy_ratio": rng.random(50),
            "entropy_ratio_at:0.5": rng.random(50),
        }
    )
    run = ("d", "e", "a", "softmax", "trained", 1)
    found = Sampled({run: texts}, repeats=10, seed=1).draw(example("statistic")["TEMPERING"])
    means = texts.mean()
    expected = means["entropy_ratio"] - means["entropy_ratio_at:0.5"]
    assert found[0, 0] == pytest.approx(expected)


def test_the_claim_compares_a_bilstm_with_a_cnn_in_each_seed(example: Example) -> None:
    rows = [
        ("d", encoder, "additive", "softmax", variant, seed)
        for seed in (1, 2)
        for encoder, variant in (("bilstm", "trained"), ("cnn", "trained"), ("cnn", "permuted"))
    ]
    names = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
    runs = describe_runs(pd.DataFrame(rows, columns=names))
    draws = {"information_instance": np.array([[0.6, 0.4, 9.0, 0.5, 0.6, 9.0]])}
    found = effects_of(example("claim")["RECURRENT"], runs, draws)
    np.testing.assert_allclose(found.values, [[0.2, -0.1]])


def test_the_figure_has_the_means_of_trained_models_and_says_when_there_are_none(
    example: Example,
) -> None:
    draw = example("figure")["accuracy_by_encoder"]
    runs = pd.DataFrame(
        {
            "encoder": ["cnn", "cnn", "mlp"],
            "variant": ["trained", "trained", "uniform"],
            "accuracy": [0.7, 0.8, 0.9],
        }
    )
    empty = Tables(**dict.fromkeys(Tables._fields[:-2], pd.DataFrame()))
    drawing = draw(empty._replace(runs=runs))
    assert drawing.data.to_dict("list") == {"encoder": ["cnn"], "accuracy": [0.75]}
    assert "0.750" in drawing.caption
    with pytest.raises(Missing):
        draw(empty._replace(runs=runs[runs["variant"] == "uniform"]))
