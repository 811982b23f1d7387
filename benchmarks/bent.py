"""Tasks of known information with a curved class boundary in a few directions of a wide state.

A state is a random rotation of normal coordinates. Two or three coordinates decide the class. The
other coordinates together have ten times the variance of three deciding coordinates, spread over
about sixteen directions. The mutual information of state and class is an integral over the deciding
coordinates, computed by Gauss-Hermite quadrature.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, log_expit

from attinfo.information.tasks import Task, spectrum
from attinfo.runtime.seeds import seed_of

INFORMATION = 0.46  # nats; two equally frequent classes have an entropy of 0.69
NUISANCE, RANK = 10.0, 16.0  # variance relative to the deciding coordinates; effective rank
NODES = 40  # quadrature points in each direction

Logit = Callable[[np.ndarray], np.ndarray]  # [n, 3] -> [n]
BENT: dict[str, Logit] = {
    "bowl": lambda z: z[:, 0] + 0.7 * (z[:, 1] ** 2 - 1),
    "saddle": lambda z: z[:, 0] + z[:, 1] * z[:, 2],
    "wave": lambda z: z[:, 0] - np.sin(2 * z[:, 1]),
    "ring": lambda z: z[:, 0] ** 2 + z[:, 1] ** 2 - 2,
}


def _pointwise(logit: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Share of class 1, and [2, n] log p(y | z) - log p(y), of [n] logits with [n] weights."""
    share = float(weight @ expit(logit))
    return share, np.stack([log_expit(-logit) - np.log1p(-share), log_expit(logit) - np.log(share)])


def _information(logit: np.ndarray, weight: np.ndarray) -> float:
    """Mutual information of z and y in nats, of [n] logits with [n] weights."""
    _, pointwise = _pointwise(logit, weight)
    return float(weight @ (expit(-logit) * pointwise[0] + expit(logit) * pointwise[1]))


def _quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Points [m, 3] and weights [m] for integrals over a standard normal."""
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    points = np.stack(np.meshgrid(node, node, node), -1).reshape(-1, 3)
    return points, np.einsum("i,j,k->ijk", *3 * [weight / weight.sum()]).ravel()


def bent(name: str, texts: int, width: int, seed: int, information: float = INFORMATION) -> Task:
    """Two classes with the logit `BENT[name]`, scaled to have the mutual information asked for.

    Args:
        name: a key of BENT.
        texts: number of states.
        width: number of columns of a state, at least 4.
        seed: seed of the random draw.
        information: mutual information in nats.

    Raises:
        KeyError: `name` is not in BENT.
        ValueError: no scale of the logit has so much information.
    """
    points, weight = _quadrature()
    across = BENT[name](points)
    strength = brentq(lambda s: _information(s * across, weight) - information, 0.01, 100)
    share, _ = _pointwise(strength * across, weight)
    rng = np.random.default_rng(seed_of("bent", name, seed))
    latent = rng.normal(size=(texts, 3))
    logit = strength * BENT[name](latent)
    output = (rng.random(texts) < expit(logit)).astype(np.int64)
    variance = spectrum(width - 3, RANK)
    others = rng.normal(size=(texts, width - 3)) * np.sqrt(3 * NUISANCE * variance / variance.sum())
    rotation, _ = np.linalg.qr(rng.normal(size=(width, width)))
    hidden = (np.concatenate([latent, others], 1) @ rotation).astype(np.float32)
    own = np.stack([log_expit(-logit) - np.log1p(-share), log_expit(logit) - np.log(share)])
    gain = expit(-logit) * own[0] + expit(logit) * own[1]
    pointwise = own[output, np.arange(texts)]
    return Task(hidden, output, pointwise, gain, _information(strength * across, weight))


def bowl(texts: int, width: int, _c: int, _r: float, target: float, seed: int) -> Task:
    """The task `bowl` of `bent`, with the arguments that `calibrate` passes."""
    return bent("bowl", texts, width, seed, target)


def saddle(texts: int, width: int, _c: int, _r: float, target: float, seed: int) -> Task:
    """The task `saddle` of `bent`, with the arguments that `calibrate` passes."""
    return bent("saddle", texts, width, seed, target)


def wave(texts: int, width: int, _c: int, _r: float, target: float, seed: int) -> Task:
    """The task `wave` of `bent`, with the arguments that `calibrate` passes."""
    return bent("wave", texts, width, seed, target)


def ring(texts: int, width: int, _c: int, _r: float, target: float, seed: int) -> Task:
    """The task `ring` of `bent`, with the arguments that `calibrate` passes."""
    return bent("ring", texts, width, seed, target)
