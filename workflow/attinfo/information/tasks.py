"""Tasks of known information: states and outputs drawn from models whose posterior is known.

To add one: a function `(texts, width, classes, rank, target, seed) -> Task`, described in
`attinfo.blocks.tasks`. The states are a one-to-one function of a latent variable, or of a latent
variable and independent noise. So I(H; Y) equals the information between latent variable and
output.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from attinfo.runtime.seeds import seed_of

MONTE_CARLO = 20_000  # latent points over which the true information is averaged


@dataclass(frozen=True)
class Task:
    """A sample and its truth.

    Attributes:
        hidden: [n, width] float32 states.
        output: [n] int64 classes.
        pointwise: [n] log p(y | h) - log p(y) at the realised output, in nats: the true `pvi`.
        gain: [n] KL(p(y | h) || p(y)), in nats.
        information: I(H; Y) in nats, of the model that the sample is drawn from.
    """

    hidden: np.ndarray
    output: np.ndarray
    pointwise: np.ndarray
    gain: np.ndarray
    information: float


Posterior = Callable[[np.ndarray, float], np.ndarray]  # latent [n, k], strength -> [n, C]


def _softmax(log: np.ndarray) -> np.ndarray:
    """[C, ...] from logarithms. (Sums over few classes are fast where these come first.)"""
    odds = np.exp(log - log.max(0))
    return odds / odds.sum(0)


def _gain(posterior: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """[n] KL(p(y | z) || p(y)) of posteriors [n, C]."""
    return (posterior * np.log((posterior + 1e-300) / prior)).sum(1)


def _information(posterior: np.ndarray) -> float:
    """Mean of KL(p(y | z) || p(y)), p(y) the mean posterior."""
    return float(_gain(posterior, posterior.mean(0)).mean())


def _strength_for(target: float, information_at: Callable[[float], float], most: float) -> float:
    """The strength at which a task holds `target` nats; the most it can where that is less."""
    if target <= 0:
        return 0.0
    if information_at(most) <= target:
        return most
    return float(brentq(lambda strength: information_at(strength) - target, 0, most, xtol=1e-6))


def _draw(posterior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[n] a class from each row of [n, C]."""
    below = posterior.cumsum(1) < rng.random((len(posterior), 1))
    return np.minimum(below.sum(1), posterior.shape[1] - 1)


def _task(
    hidden: np.ndarray,
    output: np.ndarray,
    posterior: np.ndarray,
    prior: np.ndarray,
    information: float,
) -> Task:
    """A task from the true posterior [n, C] of each state and the shares [C] of the classes."""
    own = posterior[np.arange(len(output)), output]
    pointwise = np.log(own + 1e-300) - np.log(prior[output])
    return Task(hidden, output, pointwise, _gain(posterior, prior), information)


def spectrum(width: int, rank: float) -> np.ndarray:
    """[width] variances i^-a, with a such that (sum)^2 / sum of squares is `rank`."""
    place = np.arange(1, width + 1, dtype=np.float64)

    def excess(power: float) -> float:
        variances = place**-power
        return variances.sum() ** 2 / (variances**2).sum() - rank

    if rank >= width:
        return np.ones(width)
    return place ** -brentq(excess, 0, 10)


def _rotated(hidden: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.normal(size=(hidden.shape[1], hidden.shape[1])))
    return (hidden @ rotation).astype(np.float32)


def _normal_classes(
    texts: int,
    prior: np.ndarray,
    width: int,
    rank: float,
    target: float,
    rng: np.random.Generator,
    place: Callable[[int], np.ndarray],
) -> Task:
    """Normal classes of one covariance; their means differ along some principal components.

    `place(k)` chooses the components that hold the k-dimensional difference of the means.
    """
    classes = len(prior)
    spread = min(classes - 1, width)
    components = place(spread)
    directions, _ = np.linalg.qr(rng.normal(size=(len(components), spread)))
    corners = np.eye(classes) - prior  # class means are about 0
    means = np.linalg.svd(corners)[0][:, :spread] * np.linalg.svd(corners)[1][:spread]

    def posterior_at(latent: np.ndarray, strength: float) -> np.ndarray:
        centres = strength * means
        level = np.log(prior) - (centres**2).sum(1) / 2
        return _softmax(centres @ latent.T + level[:, None]).T

    many = rng.normal(size=(MONTE_CARLO, spread))
    owner = rng.choice(classes, MONTE_CARLO, p=prior)

    def information_at(strength: float) -> float:
        posterior = posterior_at(many + strength * means[owner], strength)
        return float(_gain(posterior, prior).mean())

    strength = _strength_for(target, information_at, 50.0)
    output = rng.choice(classes, texts, p=prior)
    latent = rng.normal(size=(texts, spread)) + strength * means[output]
    whitened = rng.normal(size=(texts, width))
    own = whitened[:, components]
    own += (latent - own @ directions) @ directions.T
    whitened[:, components] = own
    hidden = _rotated(whitened * np.sqrt(spectrum(width, rank)), rng)
    posterior = posterior_at(latent, strength)
    return _task(hidden, output, posterior, prior, information_at(strength))


def _leading(width: int, rank: float) -> Callable[[int], np.ndarray]:
    """The components of most variance: as many as the effective rank, and those needed."""
    return lambda k: np.arange(min(width, max(k, int(np.ceil(rank)))))


def _equal(classes: int) -> np.ndarray:
    return np.full(classes, 1 / classes)


def gaussian(texts: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task:
    """Normal classes that differ along the components of most variance."""
    rng = np.random.default_rng(seed_of("gaussian", seed))
    place = _leading(width, rank)
    return _normal_classes(texts, _equal(classes), width, rank, target, rng, place)


def low_variance(
    texts: int, width: int, classes: int, rank: float, target: float, seed: int
) -> Task:
    """Normal classes that differ along the quarter of components with least variance."""
    rng = np.random.default_rng(seed_of("low variance", seed))

    def place(k: int) -> np.ndarray:
        return np.arange(width - max(k, width // 4), width)

    return _normal_classes(texts, _equal(classes), width, rank, target, rng, place)


def imbalanced(texts: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task:
    """Normal classes, each four times as frequent as the next."""
    rng = np.random.default_rng(seed_of("imbalanced", seed))
    prior = np.maximum(0.25 ** np.arange(classes), 0.02)
    place = _leading(width, rank)
    return _normal_classes(texts, prior / prior.sum(), width, rank, target, rng, place)


def ten_classes(
    texts: int, width: int, classes: int, rank: float, target: float, seed: int
) -> Task:
    """Ten normal classes that differ along the components of most variance."""
    rng = np.random.default_rng(seed_of("ten classes", seed))
    return _normal_classes(texts, _equal(10), width, rank, target, rng, _leading(width, rank))


def _through_network(latent: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random two-layer tanh network, one-to-one for all but exceptional weights."""
    for size in (width, width):
        weights = rng.normal(size=(latent.shape[1], size)) / np.sqrt(latent.shape[1])
        latent = np.tanh(latent @ weights + 0.2 * rng.normal(size=size))
    return latent.astype(np.float32)


def _nonlinear(
    latent_of: Callable[[int, float, np.random.Generator], np.ndarray],
    posterior_at: Posterior,
    most: float,
    texts: int,
    width: int,
    rank: float,
    target: float,
    rng: np.random.Generator,
) -> Task:
    """Two latent features decide the output, the others do not; all go through a network."""
    stream = int(rng.integers(2**32))

    def posterior_of_many(strength: float) -> np.ndarray:
        many = latent_of(MONTE_CARLO, strength, np.random.default_rng(stream))
        return posterior_at(many, strength)

    strength = _strength_for(target, lambda s: _information(posterior_of_many(s)), most)
    latent = latent_of(texts, strength, rng)
    posterior, known = posterior_at(latent, strength), posterior_of_many(strength)
    output = _draw(posterior, rng)
    others = rng.normal(size=(texts, max(1, round(rank)) - 1))
    scaled = latent / latent.std(0)
    hidden = _through_network(np.concatenate([scaled, others], 1), width, rng)
    return _task(hidden, output, posterior, known.mean(0), _information(known))


def xor(texts: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task:
    """A grid of normal clouds, the output the sum of row and column modulo C: XOR for two."""
    rng = np.random.default_rng(seed_of("xor", seed))
    levels = np.arange(classes) - (classes - 1) / 2

    def joint_at(latent: np.ndarray, strength: float) -> np.ndarray:
        """[C, 2, n] probability of the level that each feature comes from."""
        return _softmax(-((latent.T - strength * levels[:, None, None]) ** 2) / 2)

    def posterior_at(latent: np.ndarray, strength: float) -> np.ndarray:
        one, other = joint_at(latent, strength).swapaxes(0, 1)
        turns = [(y - np.arange(classes)) % classes for y in range(classes)]
        return np.stack([(one * other[turn]).sum(0) for turn in turns]).T

    def latent_of(n: int, strength: float, rng: np.random.Generator) -> np.ndarray:
        return strength * rng.choice(levels, (n, 2)) + rng.normal(size=(n, 2))

    return _nonlinear(latent_of, posterior_at, 20.0, texts, width, rank, target, rng)


def spirals(texts: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task:
    """One spiral arm a class, of one turn, blurred by noise of the angle."""
    rng = np.random.default_rng(seed_of("spirals", seed))
    arms = 2 * np.pi * np.arange(classes) / classes

    def posterior_at(latent: np.ndarray, strength: float) -> np.ndarray:
        angle = np.arctan2(latent[:, 1], latent[:, 0])
        turned = angle - 2 * np.pi * np.linalg.norm(latent, axis=1) / 2
        return _softmax(strength * np.cos(turned - arms[:, None])).T

    def latent_of(n: int, _: float, rng: np.random.Generator) -> np.ndarray:
        radius, angle = 2 * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)

    return _nonlinear(latent_of, posterior_at, 300.0, texts, width, rank, target, rng)


def atoms(texts: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task:
    """Fifty distinct states that repeat exactly, each with an output distribution of its own."""
    rng = np.random.default_rng(seed_of("atoms", seed))
    frequency = 1 / np.arange(1, 51)
    frequency /= frequency.sum()
    taste = rng.normal(size=(50, classes))

    def posterior_at(strength: float) -> np.ndarray:
        return _softmax(strength * taste.T).T

    def information_at(strength: float) -> float:
        posterior = posterior_at(strength)
        return float(frequency @ _gain(posterior, frequency @ posterior))

    strength = _strength_for(target, information_at, 100.0)
    atom = rng.choice(50, texts, p=frequency)
    vectors = rng.normal(size=(50, width)) * np.sqrt(spectrum(width, rank))
    posterior = posterior_at(strength)
    output = _draw(posterior[atom], rng)
    hidden, prior = _rotated(vectors, rng)[atom], frequency @ posterior
    return _task(hidden, output, posterior[atom], prior, information_at(strength))
