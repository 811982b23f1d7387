"""Whether the output is a function of the state. If so, information is H(output), or infinite."""

import numpy as np
from torch import Tensor

from attinfo.information.sample import Sample

TEXTS_PER_DIMENSION = 10  # with fewer, hyperplanes separate what has nothing to do with them
MOST_NUMBERS = 2**24  # in the linear programme; a larger one is not asked
LEFT_OVER = 1e-6  # share of the variance that a linear function of the state may leave


def separable(sample: Sample) -> bool:
    """Whether scores that are linear in the state give every text its class without an error.

    That is so for the last state before a linear output layer. With many texts a dimension,
    classes at random are not separable (Cover 1965), so that no error means a function. A
    nonlinear function is not looked for.
    """
    rows = sample.text.argsort() if sample.reference is None else sample.reference
    states = _with_ones(sample.hidden[rows])
    output = sample.output[:, 0].cpu().numpy()
    return _enough(states) and _separated(states, output)


def linear_in(states: Tensor, values: Tensor) -> bool:
    """Whether values [n, c] are linear in the states [n, d] but for rounding."""
    design, target = _with_ones(states), values.cpu().numpy()
    if not _enough(design):
        return False
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    rest = ((target - design @ coefficients) ** 2).sum(0)
    return bool((rest <= LEFT_OVER * ((target - target.mean(0)) ** 2).sum(0)).all())


def _with_ones(states: Tensor) -> np.ndarray:
    """[n, d + 1] columns about zero and of unit size, and a constant.

    No column is cut or left out, as for a probe: a function of the states must stay one.
    """
    scaled = states.double().cpu().numpy()
    scaled = scaled / 2 - (scaled / 2).mean(0)
    size = np.abs(scaled).max(0)
    return np.column_stack([scaled / np.where(size > 0, size, 1), np.ones(len(scaled))])


def _enough(states: np.ndarray) -> bool:
    return len(states) >= TEXTS_PER_DIMENSION * states.shape[1]


def _separated(states: np.ndarray, output: np.ndarray) -> bool:
    """Whether the score of each state's own class can be above all others: linear programming.

    Scores are linear in states [n, d + 1] with a last column of ones.
    """
    from scipy.optimize import linprog  # hardly ever needed, and slow to import

    n, d = states.shape
    classes = int(output.max()) + 1
    if n * d * classes * (classes - 1) > MOST_NUMBERS:
        return False
    above = []
    for rival in range(1, classes):
        # (score of own class) - (score of another) >= 1
        row = np.zeros((n, classes, d))
        row[np.arange(n), output] = states
        row[np.arange(n), (output + rival) % classes] -= states
        above.append(row.reshape(n, -1)[:, d:])  # the first class scores 0
    constraints = np.concatenate(above)
    found = linprog(
        np.zeros(constraints.shape[1]),
        A_ub=-constraints,
        b_ub=-np.ones(len(constraints)),
        bounds=(None, None),
        method="highs",
    )
    return found.status == 0
