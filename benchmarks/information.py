"""Speed of the estimators `knn` (nearest neighbours), `linear` (linear probe) and `stack`.

The comparisons are with other packages, and with the least work that seems necessary. For `knn`
this work is the product of all states in float32; `knn` can be faster, because it first compares
states in bfloat16. For `linear` this work is the linear algebra of exact cross-fitted probes.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from scipy.linalg import lapack
import torch

from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.estimators.linear import linear_probe
from attinfo.information.estimators.probes import gram, solved
from attinfo.information.summary import summary
from benchmarks import peers
from benchmarks.samples import PERMUTATIONS, drawn, estimate, permuted
from benchmarks.timing import interleaved, measure, use_threads

BOOTSTRAP = 100
POSITIONS = 40
SLOW = 4000  # texts; slow packages are not run on more
EXTRAPOLATED = "other package: time of one estimate, times {}"

Row = dict[str, Any]


def neighbours(quick: bool, patient: bool, threads: int) -> Iterator[Row]:
    """Rows for `knn`: at several n and d, at 40 positions, and on one thread.

    Args:
        quick: small sizes only.
        patient: run slow packages on more than `SLOW` texts too.
        threads: number of threads, except for the rows on one thread.
    """
    use_threads(threads)
    for n, d in [(1000, 64)] if quick else product((1000, 4000, 16000), (64, 128, 256)):
        sample = drawn(n, d)[1]
        with_null = permuted(sample)
        single = sample.hidden.numpy()
        double, output = single.astype(np.float64), sample.output[:, 0].numpy()
        calls: dict[str, Callable[[], Any]] = {
            "product": lambda sample=sample: _product(sample.hidden),
            "euclidean": lambda sample=sample: estimate("knn", sample),
            "null": lambda sample=with_null: estimate("knn", sample),
            "scikit-learn": lambda h=single, y=output: peers.sklearn_neighbours(h, y),
            "infopy": lambda h=double, y=output: peers.infopy(h, y),
        }
        if patient or n <= SLOW:
            calls |= {
                "chebyshev": lambda sample=sample: estimate("knn", sample, metric="chebyshev"),
                "ennemi": lambda h=double, y=output: peers.ennemi(h, y),
                "infomeasure": lambda h=double, y=output: peers.infomeasure_ksg(h, y),
                "NPEET-plus": lambda h=double, y=output: peers.npeet(h, y),
            }
        for name in ("product", "euclidean", "null", "chebyshev"):
            calls.get(name, lambda: None)()  # warm
        yield from _neighbour_rows(n, d, *interleaved(calls))
    yield from _units(*((1000, 64) if quick else (4000, 128)))
    use_threads(1)
    for n, d in [(1000, 64)] if quick else product((4000,), (128, 256)):
        yield from _on_one_thread(n, d)


def _on_one_thread(n: int, d: int) -> Iterator[Row]:
    """Rows for `knn` on one thread, as in the jobs of a study."""
    sample = drawn(n, d)[1]
    hidden, output = sample.hidden.numpy(), sample.output[:, 0].numpy()
    calls: dict[str, Callable[[], Any]] = {
        "euclidean": lambda: estimate("knn", sample),
        "scikit-learn": lambda: peers.sklearn_neighbours(hidden, output),
        "infopy": lambda: peers.infopy(hidden.astype(np.float64), output),
    }
    calls["euclidean"]()  # warm
    seconds, gave = interleaved(calls)
    size = f"n = {n:,}, d = {d}, one thread"
    for peer in ("scikit-learn", "infopy"):
        exact = {"target": 4 if n == 4000 else None, "tolerance": 1e-9}
        rest = exact if peer == "scikit-learn" else {}
        rest |= {"difference": abs(gave["euclidean"] - gave[peer])}
        times = seconds["euclidean"], seconds[peer]
        yield measure("neighbours", "knn", peer, size, *times, **rest)


def _product(states: torch.Tensor, block: int = 256) -> None:
    """Compute all inner products of the states [n, d] in blocks that share one buffer."""
    held = states.new_empty(block, len(states))
    for some in states.split(block):
        torch.mm(some, states.T, out=held[: len(some)])


def _neighbour_rows(
    n: int, d: int, seconds: dict[str, list[float]], gave: dict[str, Any]
) -> Iterator[Row]:
    """Rows for `knn` at one size, from the seconds and results of `interleaved`."""

    def row(work: str, against: str, ours: str, times: int = 1, **rest: Any) -> Row:
        theirs = [times * s for s in seconds[against]]
        note = EXTRAPOLATED.format(times) if times > 1 else ""
        rest = {"note": note, **rest}
        size = f"n = {n:,}, d = {d}"
        return measure("neighbours", work, against, size, seconds[ours], theirs, **rest)

    target = (lambda value: {"target": value}) if n == 4000 and d > 64 else lambda value: {}
    # Among very many pairs some distances are so close that float32 reverses their order.
    equal = {
        "difference": abs(gave["euclidean"] - gave["scikit-learn"]),
        "tolerance": 1e-9 if n <= SLOW else 1e-4,
    }
    yield row("knn", "scikit-learn", "euclidean", **equal, **target(4))
    apart = abs(gave["euclidean"] - gave["infopy"])
    yield row("knn", "infopy", "euclidean", difference=apart, note="infopy rounds distances")
    yield row("knn", "product", "euclidean", lower=True, note="only the matrix product, in float32")
    yield row("knn and null", "euclidean", "null", lower=True, note="P = 100", **target(6))
    for peer in ("NPEET-plus", "ennemi", "infomeasure"):
        if peer not in seconds:
            continue
        yield row("knn", peer, "euclidean", note="another metric or estimator", **target(100))
        if peer != "NPEET-plus":
            apart = abs(gave["chebyshev"] - gave[peer])
            aim = target(25) if peer == "ennemi" else {}
            yield row("knn, Chebyshev", peer, "chebyshev", difference=apart, tolerance=1e-6, **aim)
        yield row("knn and null", peer, "null", 1 + PERMUTATIONS)


def _units(n: int, d: int) -> Iterator[Row]:
    """Rows for 40 positions with their nulls or intervals, against one estimate of ennemi."""
    samples = [drawn(n, d, seed)[1] for seed in range(POSITIONS)]
    nulls = [permuted(sample) for sample in samples]
    first, output = samples[0].hidden.double().numpy(), samples[0].output[:, 0].numpy()
    seconds, _ = interleaved(
        {
            "estimates": lambda: [nearest_neighbours(sample) for sample in samples],
            "intervals": lambda: [summary(nearest_neighbours(s), s, {}) for s in samples],
            "nulls": lambda: [nearest_neighbours(sample) for sample in nulls],
            "ennemi": lambda: peers.ennemi(first, output),
        }
    )
    for ours, work, times in (
        ("estimates", "knn, 40 positions", POSITIONS),
        ("nulls", "knn and null, 40 positions", POSITIONS * (1 + PERMUTATIONS)),
        ("intervals", "knn and interval, 40 positions", POSITIONS * (1 + BOOTSTRAP)),
    ):
        note = EXTRAPOLATED.format(f"{times:,}")
        if ours == "intervals":
            note += "; our interval is from pointwise values, the other from 100 bootstrap samples"
        theirs = [times * s for s in seconds["ennemi"]]
        size = f"n = {n:,}, d = {d}"
        yield measure("neighbours", work, "ennemi", size, seconds[ours], theirs, note=note)


def linear(quick: bool) -> Iterator[Row]:
    """Rows for `linear` against logistic regression in five folds, without and with a null."""
    n, d = (1000, 64) if quick else (4000, 128)
    sample = drawn(n, d)[1]
    with_null = permuted(sample)
    hidden, fold = sample.hidden.numpy(), sample.fold.numpy()
    output, shuffled = (with_null.output[:, c].numpy() for c in (0, 1))
    linear = linear_probe
    parts = [sample.hidden[rows].double() for rows in sample.members]
    linear(sample)  # warm
    _least_work(parts, gram, solved), _least_work(parts, _gram, _solved)
    seconds, gave = interleaved(
        {
            "linear": lambda: linear(sample),
            "torch": lambda: _least_work(parts, gram, solved),
            "OpenBLAS": lambda: _least_work(parts, _gram, _solved),
            "null": lambda: linear(with_null),
            "plain": lambda: peers.logistic_loss(hidden, output, fold),
            "shuffled": lambda: peers.logistic_loss(hidden, shuffled, fold),
            "tuned": lambda: peers.tuned_logistic_loss(hidden, output, fold),
        }
    )
    # The log loss of `linear` is the log loss of the class shares minus the estimate.
    share = [np.bincount(output[fold != k]) / (fold != k).sum() for k in fold]
    prior = -np.mean([np.log(share[i][output[i]]) for i in range(n)])
    loss = prior - float(gave["linear"].pvi.mean())
    size = f"n = {n:,}, d = {d}"

    def row(work: str, against: str, ours: str, theirs: list[float], **rest: Any) -> Row:
        return measure("linear", work, against, size, seconds[ours], theirs, **rest)

    more = {
        "difference": loss - gave["plain"],
        "tolerance": 0.001,
        "note": "difference: our log loss minus the other",
    }
    yield row("linear", "LogisticRegression", "linear", seconds["plain"], target=8, **more)
    note = "only products, factorizations and scores, {}: a bound on the speed of linear"
    for call, by in (("torch", "by torch"), ("OpenBLAS", "by NumPy and SciPy")):
        name = f"floor, {by}"
        yield row(name, "LogisticRegression", call, seconds["plain"], note=note.format(by))
    pairs = zip(seconds["plain"], seconds["shuffled"], strict=True)
    many = [one + PERMUTATIONS * other for one, other in pairs]
    note = "other package: one permutation, times 100"
    yield row("linear and null", "LogisticRegression", "null", many, target=20, note=note)
    more |= {"difference": loss - gave["tuned"], "tolerance": 0.002}
    yield row("linear", "LogisticRegressionCV", "linear", seconds["tuned"], **more)


def _least_work(
    parts: list[torch.Tensor],
    gram: Callable[[torch.Tensor], torch.Tensor],
    solved: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> None:
    """The least work of exact nested cross-fitting of linear probes with three shrinkages.

    This work is: one Gram matrix of the states; the linear systems for each choice of one or two
    folds left out; the scores of each state by the probes not trained on it. Nothing is copied,
    centred, combined or calibrated.

    Args:
        parts: the states of each fold, [n, d] float64.
        gram: computes the Gram matrix [d, d] of states [n, d].
        solved: computes the solutions [m, d, 1] of m systems, given [m, d, d] and [m, d, 1].
    """
    whole = sum(gram(part) for part in parts) / sum(map(len, parts))
    systems = whole + torch.tensor([0.03, 0.1, 0.3]).double()[:, None, None].mul(
        torch.eye(len(whole))
    )
    right = systems[:, :, :1]
    for _ in range(len(parts) * (len(parts) + 1) // 2):
        found = solved(systems, right)
    for part in parts:
        part @ found[..., 0].T.repeat(1, len(parts))


def _gram(states: torch.Tensor) -> torch.Tensor:
    """Gram matrix [d, d] of states [n, d], by NumPy."""
    array = states.numpy()
    return torch.from_numpy(array.T @ array)


def _solved(matrix: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Solutions [m, d, 1] of systems [m, d, d] with right-hand sides [m, d, 1], by SciPy."""
    pairs = zip(matrix.numpy(), right.numpy(), strict=True)
    return torch.from_numpy(np.stack([lapack.dposv(own.T, b, lower=1)[1] for own, b in pairs]))


def stack(quick: bool) -> Iterator[Row]:
    """A row for `stack` against MINE of torch-mist; each repetition has another data set."""
    n, d, steps = 1000, 64, 100 if quick else 2000
    data = [drawn(n, d, seed) for seed in range(1, 6)]
    turn = {"stack": iter(data), "mine": iter(data)}
    bias: dict[str, list[float]] = {"stack": [], "mine": []}

    def run(name: str) -> None:
        task, sample = next(turn[name])
        if name == "stack":
            found = estimate("stack", sample)
        else:
            found = peers.torch_mist_mine(task.hidden, task.output, steps)
        bias[name].append(found - task.information)

    estimate("stack", data[0][1])  # warm
    peers.torch_mist_mine(data[0][0].hidden, data[0][0].output, 10)
    seconds, _ = interleaved({name: lambda name=name: run(name) for name in bias})
    ours, theirs = (abs(float(np.mean(bias[name]))) for name in ("stack", "mine"))
    yield measure(
        *("stack", "stack", "MINE of torch-mist", f"n = {n:,}, d = {d}"),
        *(seconds["stack"], seconds["mine"]),
        target=10,
        difference=ours - theirs,
        tolerance=0.0,
        note=f"absolute bias {ours:.3f} against {theirs:.3f} nats; MINE: {steps:,} steps",
    )
