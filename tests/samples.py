"""Samples of known information, for the tests of the estimators."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
import torch

from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.estimators.linear import linear_probe
from attinfo.information.estimators.stack import stack
from attinfo.information.sample import Measured, Sample, folds, with_permutations

Estimator = Callable[[Sample], Measured]
STUDIED: dict[str, Estimator] = {
    "linear": linear_probe,
    "knn": nearest_neighbours,
    "stack": stack,
}
every_estimator = pytest.mark.parametrize("estimator", STUDIED.values(), ids=STUDIED)
# For tests of many estimates, which take the stack a minute.
every_estimator_often = pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(found, id=name, marks=[pytest.mark.slow] if name == "stack" else [])
        for name, found in STUDIED.items()
    ],
)
every_probe = pytest.mark.parametrize("estimator", [linear_probe, stack], ids=["linear", "stack"])


def tokens_of(
    hidden: np.ndarray,
    text: np.ndarray,
    output: np.ndarray,
    reference: np.ndarray | None = None,
    permutations: int = 1,
    seed: int = 0,
) -> Sample:
    """Any number of states a text."""
    classes = torch.from_numpy(np.asarray(output)).long()
    return Sample(
        hidden=torch.from_numpy(np.asarray(hidden, dtype=np.float32)),
        text=torch.from_numpy(text),
        output=with_permutations(classes, permutations, seed),
        classes=int(classes.max()) + 1,
        fold=folds(classes, 5, seed),
        reference=None if reference is None else torch.from_numpy(reference),
    )


def sample_of(
    hidden: np.ndarray, output: np.ndarray, permutations: int = 1, seed: int = 0
) -> Sample:
    """One state a text."""
    text = np.arange(len(hidden))
    return tokens_of(hidden, text, output, permutations=permutations, seed=seed)


def uneven_tokens(
    texts: int, tokens: int, d: int, permutations: int = 1, seed: int = 0, classes: int = 2
) -> Sample:
    """Texts with one or more states that depend on the output, and a reference state for each."""
    rng = np.random.default_rng(seed)
    output = rng.permutation(np.arange(texts) % classes)
    text = np.sort(np.append(np.arange(texts), rng.integers(0, texts, tokens - texts)))
    hidden = rng.normal(size=(tokens, d)) + output[text, None]
    reference = np.array([rng.choice(np.flatnonzero(text == t)) for t in range(texts)])
    return tokens_of(hidden, text, output, reference, permutations, seed)


def gaussian_classes(
    n: int, d: int, shift: float = 1.5, share: float = 0.5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two normal classes whose means differ by `shift` along some direction."""
    rng = np.random.default_rng(seed)
    output = rng.permutation((np.arange(n) < share * n).astype(np.int64))
    direction = rng.normal(size=d)
    direction /= np.linalg.norm(direction)
    return rng.normal(size=(n, d)) + shift * output[:, None] * direction, output


def gaussian_information(shift: float, share: float = 0.5) -> float:
    """I(H; Y) of `gaussian_classes`, integrated along the one direction that matters."""

    def integrand(x: float) -> float:
        zero, one = (1 - share) * norm.pdf(x), share * norm.pdf(x, shift)
        total = zero + one
        return sum(
            p * np.log(p / total / prior) for p, prior in ((zero, 1 - share), (one, share)) if p > 0
        )

    return quad(integrand, -12, 12 + shift, limit=200)[0]
