"""The initial scale of every scorer: how large its first scores are, by each rule."""

import math
import re
from typing import Any

from conftest import VARIANTS, architecture_of, chosen
import numpy as np
import pytest
from scipy.stats import kstest
import torch
from torch import Tensor, nn

from attinfo.blocks.scorers import SCORERS
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.models.classifier import Classifier
from attinfo.runtime.errors import InputError

DOTS = ("dot", "scaled_dot", "multiplicative")
# Every scorer, and those of other sizes or with a query that still have a vector to scale.
VERSIONS = [
    *((name, {}) for name in SCORERS),
    ("additive", {"query": "last"}),
    ("deep", {"layers": 4, "hidden": 5}),
]


def scorer_of(name: str, width: int, seed: int = 1, **options: Any) -> nn.Module:
    block = chosen("attention", name, **options)
    torch.manual_seed(seed)
    scorer: nn.Module = block.load()(width, **block.options)
    return scorer


def is_scaled(name: str, weights: Tensor) -> bool:
    """Whether a parameter is the vector that the scores are linear in."""
    return name == "query" or weights.shape[0] == 1


def vector_of(scorer: nn.Module) -> np.ndarray:
    (found,) = (p for name, p in scorer.named_parameters() if is_scaled(name, p))
    return found.detach().numpy().ravel()


def spread(scorer: nn.Module, width: int) -> float:
    """The standard deviation of scores within texts of independent standard normal states."""
    states = torch.randn(200, 100, width, generator=torch.Generator().manual_seed(9))
    with torch.inference_mode():
        scores = scorer(states, torch.full((200,), 100))
    return float(scores.var(dim=1).mean().sqrt())


@pytest.mark.parametrize("width", [4, 128])
@pytest.mark.parametrize(("name", "options"), VERSIONS)
def test_first_scores_have_standard_deviation_one_whatever_the_scorer_and_its_sizes(
    name: str, options: dict[str, Any], width: int
) -> None:
    assert spread(scorer_of(name, width, **options), width) == pytest.approx(1, rel=0.06)


@pytest.mark.parametrize("name", DOTS)
def test_unit_gives_the_product_with_the_query_the_length_that_theory_says(name: str) -> None:
    width = 64
    scorer = scorer_of(name, width, init="unit")
    states = torch.eye(width)[None]  # the scores of unit vectors are the coefficients of the score
    with torch.inference_mode():
        coefficients = scorer(states, torch.tensor([width]))
    assert float(coefficients.norm()) == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(
    ("name", "linear", "normal"),
    [("dot", 1 / math.sqrt(3), 10.0), ("scaled_dot", 1 / math.sqrt(300), 1.0)],
)
def test_the_other_rules_leave_first_scores_as_large_as_theory_says(
    name: str, linear: float, normal: float
) -> None:
    for init, expected in {"linear": linear, "normal": normal}.items():
        squares = [spread(scorer_of(name, 100, seed, init=init), 100) ** 2 for seed in range(20)]
        assert math.sqrt(np.mean(squares)) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("name", "options"), VERSIONS)
def test_the_vector_is_drawn_from_the_distribution_of_its_rule(
    name: str, options: dict[str, Any]
) -> None:
    drawn = {
        init: np.array(
            [vector_of(scorer_of(name, 40, seed, init=init, **options)) for seed in range(60)]
        )
        for init in ("unit", "linear", "normal")
    }
    bound = 1 / math.sqrt(drawn["linear"].shape[1])
    assert kstest(drawn["linear"].ravel(), "uniform", (-bound, 2 * bound)).pvalue > 0.001
    assert kstest(drawn["normal"].ravel(), "norm").pvalue > 0.001
    for one, other in zip(drawn["linear"], drawn["unit"], strict=True):
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine == pytest.approx(1, abs=1e-5)  # `unit` changes the length alone


@pytest.mark.parametrize(("name", "options"), VERSIONS)
def test_the_rule_changes_the_vector_alone(name: str, options: dict[str, Any]) -> None:
    models = []
    for init in ("unit", "linear", "normal"):
        attention = chosen("attention", name, init=init, **options)
        architecture = architecture_of(changes={"attention": attention})
        models.append(Classifier(30, 2, architecture, VARIANTS["trained"], seed=3).state_dict())
    first, *others = models
    for other in others:
        changed = [key for key in first if not torch.equal(first[key], other[key])]
        (key,) = changed
        assert key.startswith("scorer.")
        assert is_scaled(key.removeprefix("scorer."), first[key])


@pytest.mark.parametrize("name", DOTS)
def test_without_a_learned_query_there_is_nothing_to_scale(name: str) -> None:
    one, other = (scorer_of(name, 16, query="last", init=init) for init in ("unit", "normal"))
    for key, weights in one.state_dict().items():
        assert torch.equal(weights, other.state_dict()[key])


def study_of(**attentions: dict[str, Any]) -> Study:
    grid = {"dataset": "mine", "encoder": "mlp", "normaliser": "softmax"}
    return Study.checked(
        {
            "study": "tests",
            "seeds": [1],
            "datasets": {"mine": {"source": {"name": "files", "path": "mine.csv"}}},
            "attentions": attentions,
            "grid": [grid | {"attention": [*attentions]}],
        }
    )


@pytest.mark.parametrize("name", SCORERS)
def test_a_study_may_name_two_initial_scales_of_one_scorer(name: str) -> None:
    study = study_of(**{name: {}, "wide": {"name": name, "init": "normal"}})
    assert {run.attention for run in study.runs} == {name, "wide"}
    inits = {}
    for own in (name, "wide"):
        attention = StageOptions(study).model("mine", "mlp", own, "softmax")["attention"]
        assert attention["name"] == name
        inits[own] = attention["options"]["init"]
    assert inits == {name: "unit", "wide": "normal"}


def test_a_rule_that_is_none_ends_in_one_line() -> None:
    with pytest.raises(InputError, match=re.escape("init")) as caught:
        study_of(deep={"init": "small"})
    line = str(caught.value)
    assert "'small'" in line and "'unit'" in line and "\n" not in line
