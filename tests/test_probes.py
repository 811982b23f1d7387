"""Cross-fitted probes: second computations of their parts, and that no fold scores itself."""

from dataclasses import replace

import numpy as np
import pytest
from samples import Estimator, every_probe, gaussian_classes, sample_of, uneven_tokens
from scipy.optimize import minimize
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.linear_model import LogisticRegression, Ridge
import torch
from torch import Tensor

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.linear import PRECISION, SHRINKAGES, linear_probe
from attinfo.information.estimators.posterior import (
    _newton,
    log_posterior_of,
    most_likely,
    pooled,
    posterior_of,
    weighted,
)
from attinfo.information.estimators.probes import (
    Discriminants,
    RidgeProbes,
    directions,
    gram,
    ledoit_wolf,
    log_odds,
    others,
    solved,
)
from attinfo.information.estimators.stack import (
    NEIGHBOURS,
    PRIOR_NEIGHBOURS,
    _Neighbours,
    mixture,
)
from attinfo.information.neighbors.distances import of_unit_size
from attinfo.information.sample import Sample, with_permutations

FOLDS = range(5)


def three_classes(n: int = 200, d: int = 6, permutations: int = 1, seed: int = 0) -> Sample:
    """Normal classes, a little apart."""
    rng = np.random.default_rng(seed)
    output = rng.permutation(np.arange(n) % 3)
    return sample_of(rng.normal(size=(n, d)) + np.eye(d)[output], output, permutations, seed)


SAMPLES = {
    "two classes": lambda: sample_of(*gaussian_classes(200, 6)),
    "three classes": three_classes,
    "several states a text": lambda: uneven_tokens(150, 400, 6, classes=3),
}
every_sample = pytest.mark.parametrize("sample", [make() for make in SAMPLES.values()], ids=SAMPLES)


def with_outputs(sample: Sample, texts: Tensor) -> Sample:
    """The same, but the next class for these texts."""
    output = sample.output.clone()
    output[texts] = (output[texts] + 1) % sample.classes
    return replace(sample, output=output)


# No fold scores itself.


@every_probe
@every_sample
@pytest.mark.parametrize("fold", [0, 4])
def test_posteriors_of_a_fold_do_not_depend_on_its_outputs(
    estimator: Estimator, sample: Sample, fold: int
) -> None:
    # The gain is a function of posterior and prior alone.
    changed = with_outputs(sample, sample.fold == fold)
    before, after = estimator(sample).gain, estimator(changed).gain
    held_out = sample.fold[sample.text] == fold
    assert before is not None and after is not None
    np.testing.assert_allclose(before[held_out], after[held_out], rtol=0, atol=1e-9)
    assert (before[~held_out] - after[~held_out]).abs().mean() > 1e-3


@every_probe
@every_sample
def test_the_output_of_a_text_changes_no_other_value_in_its_fold(
    estimator: Estimator, sample: Sample
) -> None:
    text = 7
    changed = with_outputs(sample, torch.tensor([text]))
    before, after = estimator(sample), estimator(changed)
    rest = (sample.fold[sample.text] == sample.fold[text]) & (sample.text != text)
    np.testing.assert_allclose(before.pvi[rest], after.pvi[rest], rtol=0, atol=1e-6)
    own = sample.text == text
    assert (before.pvi[own] - after.pvi[own]).abs().min() > 1e-3


@every_probe
@every_sample
def test_the_null_of_a_permutation_is_the_estimate_of_the_permuted_output(
    estimator: Estimator, sample: Sample
) -> None:
    outputs = with_permutations(sample.output[:, 0], 9, seed=1)
    null = estimator(replace(sample, output=outputs)).null
    assert len(null) == 9
    for column, value in enumerate(null, 1):
        alone = estimator(replace(sample, output=outputs[:, [column]]))
        assert float(alone.pvi.mean()) == pytest.approx(float(value), abs=1e-4)


# Ridge probes.


def probes_of(
    sample: Sample, shrinkages: tuple[float, ...] = (0.05,), target: Tensor | None = None
) -> RidgeProbes:
    if target is None:
        target = sample.indicator[..., 1:].double()
    return RidgeProbes(sample.hidden.double(), target, sample.members, shrinkages)


def by_scikit_learn(sample: Sample, rows: Tensor, left_out: set[int], shrinkage: float) -> Tensor:
    """[columns, rows, C - 1] scores of ridge regressions on the other folds."""
    kept = torch.isin(sample.fold[sample.text], torch.tensor(sorted(left_out)), invert=True)
    states, target = sample.hidden.double().numpy(), sample.indicator[..., 1:].double().numpy()
    size = states[kept].var(0).mean()
    alpha = int(kept.sum()) * (shrinkage + 1e-9) * size / (1 - shrinkage)
    scores = []
    for column in target:
        model = Ridge(alpha=alpha).fit(states[kept], column[kept])
        predicted = model.predict(states[rows]).reshape(len(rows), -1)
        centred = predicted - column[kept].mean(0)
        scores.append(torch.from_numpy(centred / (1 - shrinkage)))
    return torch.stack(scores)


@every_sample
def test_scores_of_a_fold_are_those_of_ridge_regressions_on_the_others(sample: Sample) -> None:
    shrinkages = (0.01, 0.4)
    probes = probes_of(sample, shrinkages)
    for fold in FOLDS:
        for shrinkage, found in zip(shrinkages, probes.held_out(fold), strict=True):
            expected = by_scikit_learn(sample, sample.members[fold], {fold}, shrinkage)
            np.testing.assert_allclose(found, expected, atol=1e-9)


@every_sample
def test_inner_scores_are_those_of_ridge_regressions_without_both_folds(sample: Sample) -> None:
    probes = probes_of(sample, (0.1,))
    (found,) = probes.inner(2)
    expected = [by_scikit_learn(sample, sample.members[own], {2, own}, 0.1) for own in (0, 1, 3, 4)]
    np.testing.assert_allclose(found, torch.cat(expected, 1), atol=1e-9)


def test_inner_scores_depend_on_the_outputs_of_neither_fold() -> None:
    sample = three_classes()
    target = sample.indicator[..., 1:].double()
    before = probes_of(sample).inner(2)[0]
    rows = torch.cat([sample.members[k] for k in (0, 1, 3, 4)])
    for changed in FOLDS:
        other = target.clone()
        other[:, sample.members[changed]] += torch.linspace(0, 1, 40)[:, None]
        after = probes_of(sample, target=other).inner(2)[0]
        same = ((before - after).abs() < 1e-12).all(2).all(0)
        untouched = (sample.fold[rows] == changed) | torch.tensor(changed == 2)
        assert torch.equal(same, untouched)


@pytest.mark.parametrize("d", [1, 5, 64, 100, 150])
def test_products_and_solutions_by_blocks_are_those_of_torch(d: int) -> None:
    features = torch.randn(300, d, generator=torch.Generator().manual_seed(0)).double()
    found = gram(features)
    np.testing.assert_allclose(found, features.T @ features, atol=1e-10)
    systems = torch.stack([found + share * torch.eye(d) for share in (1, 30)])
    right = features[: 2 * d].view(2, d, d)[..., :3]
    expected = torch.linalg.solve(systems, right)
    np.testing.assert_allclose(solved(systems, right), expected, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
def test_directions_are_the_formula_of_the_docstring(classes: int) -> None:
    rng = np.random.default_rng(0)
    prior = np.arange(1, classes + 1) / sum(range(1, classes + 1))
    root = np.diag(prior**-0.5)
    axes, _ = np.linalg.qr(np.column_stack([prior**0.5, rng.normal(size=(classes, classes - 1))]))
    explained = np.append(0, rng.uniform(0.05, 0.9, classes - 1))  # nothing along the priors
    signal = axes @ np.diag(explained) @ axes.T
    covariance = np.diag(prior**0.5) @ signal @ np.diag(prior**0.5)
    among = root @ np.linalg.inv(np.eye(classes) - signal) @ root
    with_first = np.column_stack([-np.ones(classes - 1), np.eye(classes - 1)])
    expected = with_first @ among
    found = directions(torch.from_numpy(covariance[1:, 1:]), torch.from_numpy(prior[1:]))
    np.testing.assert_allclose(found, expected[:, 1:] - expected[:, :1], atol=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("together", [-0.1, 0.0, 1e-20])
def test_a_class_alone_or_a_score_against_it_has_no_direction(
    share: float, together: float
) -> None:
    found = directions(torch.tensor([[together]]).double(), torch.tensor([share]).double())
    assert float(found) == pytest.approx(1 / 0.21 if share == 0.3 and together > 0 else 0)


@every_sample
def test_log_odds_from_moments_are_those_of_the_scores(sample: Sample) -> None:
    probes = probes_of(sample, (0.02, 0.3))
    found, indicator = Discriminants(probes), sample.indicator.double()
    inner, count = found.inner(slice(None)), [len(rows) for rows in sample.members]
    for fold in FOLDS:
        seen = indicator[:, others(sample.members, fold)]
        expected, unseen = (torch.stack(odds, 1).mT for odds in log_odds(probes, fold, seen))
        # The folds that follow come first.
        around = expected.roll(-sum(count[:fold]), 3)
        length = sum(count) - count[fold]
        np.testing.assert_allclose(inner[fold, ..., :length], around, atol=1e-9)
        assert not inner[fold, ..., length:].any()
        weight, bias = (part[fold] for part in found.own)
        own = weight @ probes.features[fold].T + bias[..., None]
        np.testing.assert_allclose(own, unseen, atol=1e-9)


def log_posterior_at(values: Tensor, logits: Tensor) -> Tensor:
    """[n, C] of log odds [n, C - 1, M], at weights and biases [M + C - 1]."""
    weight, bias = values[: logits.shape[2]], values[logits.shape[2] :]
    return torch.cat([torch.zeros(len(logits), 1), logits @ weight + bias], 1).log_softmax(1)


def step_of(values: Tensor, logits: Tensor, indicator: Tensor, precision: float) -> Tensor:
    """Newton's, from gradient and Hessian by automatic differentiation."""

    def loss(values: Tensor) -> Tensor:
        penalty = precision * values[: logits.shape[2]].square().sum() / 2
        return penalty - (log_posterior_at(values, logits) * indicator).sum()

    hessian = torch.autograd.functional.hessian(loss, values)
    return -torch.linalg.solve(hessian, torch.autograd.functional.jacobian(loss, values))


def plain_linear_probe(sample: Sample) -> Tensor:
    """[1 + P, n] pointwise information, a column and a fold at a time."""
    sample = replace(sample, hidden=standardised(sample.hidden))
    shrinkages = (ledoit_wolf(sample.hidden), *SHRINKAGES)
    indicator = sample.indicator.double()
    pvi = torch.empty(indicator.shape[:2], dtype=torch.float64)
    for column, own in enumerate(indicator):
        probes = probes_of(sample, shrinkages, own[None, :, 1:])
        for fold, rows in enumerate(sample.members):
            seen = own[others(sample.members, fold)]
            inner, unseen = (torch.stack(p, 3)[0] for p in log_odds(probes, fold, seen[None]))
            size = inner.square().mean((0, 1)).sqrt() + 1e-30
            inner, unseen = inner / size, unseen / size
            values = torch.zeros(len(shrinkages) + sample.classes - 1, dtype=torch.float64)
            for _ in range(30):
                values = values + step_of(values, inner, seen, PRECISION)
            assert step_of(values, inner, seen, PRECISION).abs().max() < 1e-9
            least = log_posterior_at(values, inner).amin()
            log = log_posterior_at(values, unseen).clamp(min=least).log_softmax(1)
            pvi[column, rows] = ((log - seen.mean(0).log()) * own[rows]).sum(1)
    return pvi


@every_sample
def test_the_linear_probe_is_what_a_plain_computation_gives(sample: Sample) -> None:
    found, expected = linear_probe(sample), plain_linear_probe(sample)
    np.testing.assert_allclose(found.pvi, expected[0], atol=1e-6)
    np.testing.assert_allclose(found.pvi.mean(), expected[0].mean(), atol=1e-8)
    np.testing.assert_allclose(found.null, expected[1:].mean(1), atol=1e-8)


@every_sample
def test_log_odds_of_neighbours_are_those_of_counts(sample: Sample) -> None:
    states = of_unit_size(standardised(sample.hidden))
    reference = torch.arange(len(states)) if sample.reference is None else sample.reference
    rows = sample.members[1][:40]
    found = _Neighbours(sample).log_odds(rows, 1, 3)
    kept = (sample.fold != 1) & (sample.fold != 3)
    output = torch.nn.functional.one_hot(sample.output, sample.classes).double()
    for i, row in enumerate(rows.tolist()):
        nearest = torch.linalg.vector_norm(states[reference] - states[row], dim=1).argsort()
        for m, count in enumerate(NEIGHBOURS):
            near = nearest[: count + 1]  # one of them may be of the same text
            near = near[kept[near] & (near != sample.text[row])]
            log = (output[near].sum(0) + PRIOR_NEIGHBOURS * output[kept].mean(0)).log()
            expected = log[:, 1:] - log[:, :1]
            np.testing.assert_allclose(found[:, i, :, m], expected, atol=1e-5)


def test_the_neighbours_of_a_state_in_folds_left_out_do_not_count() -> None:
    sample = uneven_tokens(150, 400, 6, classes=3)
    before = _Neighbours(sample)
    for own in (0, 1, 3, 4):
        rows = sample.members[own]
        known = before.log_odds(rows, 2, own)
        for fold in FOLDS:
            after = _Neighbours(with_outputs(sample, sample.fold == fold))
            unchanged = torch.equal(known, after.log_odds(rows, 2, own))
            assert unchanged == (fold in (2, own))


# Calibration.


def standard_scores(n: int, members: int, classes: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """[1, n, C - 1, M] log odds of members with decreasing information, and [1, n, C] outputs."""
    rng = np.random.default_rng(seed)
    output = rng.choice(classes, n, p=np.arange(1, classes + 1) / sum(range(1, classes + 1)))
    indicator = np.eye(classes)[output]
    signal = (indicator[:, 1:] - indicator[:, :1])[..., None] / np.arange(1, members + 1)
    logits = signal + rng.normal(size=(n, classes - 1, members))
    return torch.from_numpy(logits)[None], torch.from_numpy(indicator)[None]


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("precision", [0.1, 1.0, 30.0])
def test_weights_and_bias_are_those_of_logistic_regression(members: int, precision: float) -> None:
    logits, indicator = standard_scores(500, members)
    weight, bias = pooled(logits, indicator, precision)
    model = LogisticRegression(C=1 / precision, tol=1e-10).fit(logits[0, :, 0], indicator[0, :, 1])
    np.testing.assert_allclose(weight, model.coef_, atol=1e-4)
    np.testing.assert_allclose(bias[0], model.intercept_, atol=1e-4)


@pytest.mark.parametrize("members", [1, 3])
def test_weights_of_three_classes_make_the_outputs_most_likely(members: int) -> None:
    logits, indicator = standard_scores(500, members, classes=3)

    def loss(values: np.ndarray) -> float:
        weight, bias = torch.from_numpy(values).split([members, 2])
        log = log_posterior_of(weighted(logits, weight[None], bias[None]))
        return float((weight**2).sum() / 2 - (log * indicator).sum())

    expected = minimize(loss, np.zeros(members + 2), tol=1e-10).x
    found = torch.cat(pooled(logits, indicator), 1)[0]
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_steps_that_lead_uphill_are_taken_in_part(classes: int) -> None:
    logits, indicator = standard_scores(200, 2, classes)
    flat, target = logits.permute(0, 3, 2, 1).contiguous(), indicator[..., 1:].mT.contiguous()
    start = torch.cat([torch.tensor([4.0, -3.0]), torch.zeros(classes - 1)]).double()
    # Where all seem sure, the whole step of Newton's goes far astray.
    assert step_of(start, logits[0], indicator[0], 0.1).abs().max() > 10
    found = start[None].clone()
    odds = (found[:, None, :2] @ flat.flatten(2)).view(1, classes - 1, -1)
    _newton(flat, target, 0.1, None, found, odds, 30)
    assert step_of(found[0], logits[0], indicator[0], 0.1).abs().max() < 1e-8
    np.testing.assert_allclose(odds[0].T, logits[0] @ found[0, :2] + found[0, 2:], atol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_weights_depend_on_no_other_column_and_not_on_what_fills_up(classes: int) -> None:
    columns = [standard_scores(200, 2, classes, seed) for seed in range(5)]
    logits = torch.cat([logits * (k + 1) for k, (logits, _) in enumerate(columns)])
    logits, target = logits.permute(0, 3, 2, 1), torch.cat([y for _, y in columns])[..., 1:].mT
    logits, target = logits.contiguous(), target.contiguous()
    together = most_likely(logits, target, 1.0)
    filled = [torch.nn.functional.pad(part, (0, 50)) for part in (logits, target)]
    present = (torch.arange(250) < 200).double().expand(5, 1, -1)
    wider = most_likely(*filled, 1.0, present)
    for k in range(5):
        alone = most_likely(logits[[k]], target[[k]], 1.0)
        for own, all_of, longer in zip(alone, together, wider, strict=True):
            np.testing.assert_allclose(own[0], all_of[k], atol=1e-11)
            np.testing.assert_allclose(own[0], longer[k, ..., :200], atol=1e-11)


def test_a_member_that_is_wrong_gets_no_weight_alone() -> None:
    logits, indicator = standard_scores(500, 1)
    weight, bias = pooled(-logits, indicator)
    share = indicator[0, :, 1].mean()
    assert float(weight) == 0
    assert float(bias) == pytest.approx(float((share / (1 - share)).log()), abs=1e-6)


@pytest.mark.parametrize("rivals", [1, 3])
def test_posterior_and_log_posterior_are_the_same(rivals: int) -> None:
    log_odds = 5 * torch.randn(2, 50, rivals, generator=torch.Generator().manual_seed(0)).double()
    log = log_posterior_of(log_odds)
    np.testing.assert_allclose(log.exp().sum(2), 1, atol=1e-12)
    np.testing.assert_allclose(log[..., 1:] - log[..., :1], log_odds, atol=1e-12)
    np.testing.assert_allclose(posterior_of(log_odds.clone()), log[..., 1:].exp(), atol=1e-12)


@pytest.mark.parametrize("members", [1, 4])
def test_log_odds_are_weighted_and_summed_and_a_bias_is_added(members: int) -> None:
    rng = np.random.default_rng(0)
    logits, weight, bias = (rng.normal(size=s) for s in ((2, 30, 3, members), (2, members), (2, 3)))
    found = weighted(*map(torch.from_numpy, (logits, weight, bias)))
    expected = np.einsum("cnkm,cm->cnk", logits, weight) + bias[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(50, 10), (300, 5), (20, 40)])
def test_shrinkage_is_that_of_ledoit_and_wolf(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=shape) * np.linspace(1, 4, shape[1])
    states -= states.mean(0)
    expected = ledoit_wolf_shrinkage(states, assume_centered=True)
    assert 0 < expected < 1
    assert ledoit_wolf(torch.from_numpy(states)) == pytest.approx(expected, rel=1e-9)


def test_a_mixture_has_the_weights_that_make_the_outputs_most_likely() -> None:
    rng = np.random.default_rng(0)
    likelihood = torch.from_numpy(rng.uniform(0.1, 1, size=(2, 400, 3)))
    likelihood[0, :, 2] *= 1.2  # member 2 is the best of the first column, 0 of the second
    likelihood[1, :, 0] *= 1.2
    found = mixture(likelihood)

    def loss(weight: Tensor, column: int) -> float:
        return -float((likelihood[column] @ weight).log().mean())

    def of_free(free: np.ndarray, column: int) -> float:
        return loss(torch.from_numpy(np.append(free, 0)).softmax(0), column)

    for column in (0, 1):
        best = minimize(of_free, np.zeros(2), args=(column,), tol=1e-10).fun
        assert of_free(np.zeros(2), column) > best + 1e-3  # equal weights
        assert loss(found[column], column) < best + 1e-5
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-12)
