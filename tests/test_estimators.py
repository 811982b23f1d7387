"""The further estimators: known truths, second computations, degenerate samples and their nulls."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from conftest import code_of
import numpy as np
import pytest
from scipy.special import digamma, logsumexp
from scipy.stats import multivariate_normal, norm, rankdata
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
import torch

from attinfo.information.estimators import logistic, networks
from attinfo.information.estimators.binning import binned
from attinfo.information.estimators.discrete import atoms_plugin
from attinfo.information.estimators.features import leading, principal
from attinfo.information.estimators.gaussian import gaussian_plugin
from attinfo.information.estimators.infonce import infonce
from attinfo.information.estimators.ksg import ksg_on_score
from attinfo.information.estimators.linear import linear_probe
from attinfo.information.estimators.logistic import logistic_probe
from attinfo.information.estimators.mine import donsker_varadhan, mine
from attinfo.information.estimators.normal_errors import Normal
from attinfo.information.estimators.probes import RidgeProbes, ledoit_wolf
from attinfo.information.estimators.projections import Projections
from attinfo.information.estimators.ridge import ridge_gaussian
from attinfo.information.estimators.stack import stack
from attinfo.information.estimators.stacked_regression import stacked_regression
from attinfo.information.sample import Measured, Sample, folds, with_permutations
from attinfo.information.tasks import Task
from attinfo.information.token_type import WEIGHTS, token_type_probe

TASKS = code_of("task")

Estimator = Callable[[Sample], Measured]

CLOSED: dict[str, Estimator] = {
    "logistic": logistic_probe,
    "gaussian": gaussian_plugin,
    "binned": binned,
    "atoms": atoms_plugin,
}
TRAINED: dict[str, Estimator] = {
    "mine": mine,
    "infonce": infonce,
}
DISCRETE = CLOSED | TRAINED
CONTINUOUS: dict[str, Estimator] = {
    "ridge": ridge_gaussian,
    "stacked": stacked_regression,
    "ksg": ksg_on_score,
}


def sample_of(
    hidden: np.ndarray,
    output: np.ndarray,
    permutations: int = 1,
    seed: int = 0,
    text: np.ndarray | None = None,
) -> Sample:
    """Outputs [texts] are classes, [texts, c] values; the first state of a text stands for it."""
    text = np.arange(len(hidden)) if text is None else text
    several = len(text) > len(output)
    values = torch.from_numpy(np.asarray(output))
    continuous = values.is_floating_point()
    values = values if continuous else values.long()
    return Sample(
        hidden=torch.from_numpy(np.asarray(hidden, dtype=np.float32)),
        text=torch.from_numpy(text),
        output=with_permutations(values, permutations, seed),
        classes=0 if continuous else int(values.max()) + 1,
        fold=folds(values, 5, seed),
        reference=torch.from_numpy(np.unique(text, return_index=True)[1]) if several else None,
    )


def task(
    name: str, texts: int, width: int = 32, permutations: int = 1, **changes: float
) -> tuple[Task, Sample]:
    options = {"classes": 2, "rank": 8, "target": 0.3, "seed": 0} | changes
    drawn = TASKS[name](texts, width=width, **options)  # type: ignore[arg-type]
    return drawn, sample_of(drawn.hidden, drawn.output, permutations)


def normal_scores(values: np.ndarray) -> np.ndarray:
    return norm.ppf((rankdata(values, axis=0) - 0.5) / len(values))


# Known information, in a discrete output.


@pytest.mark.parametrize(
    ("name", "low", "high", "correlation"),
    [
        ("logistic", -0.03, 0.01, 0.95),
        ("gaussian", -0.02, 0.02, 0.95),
        ("infonce", -0.08, 0.01, 0.85),
        ("mine", -0.1, 0.02, 0.7),
        ("binned", -0.25, -0.05, 0.3),
    ],
)
@pytest.mark.parametrize("classes", [2, 3])
def test_information_between_normal_classes_is_recovered_as_far_as_the_method_can(
    name: str, low: float, high: float, correlation: float, classes: int
) -> None:
    drawn, sample = task("gaussian", 2000, classes=classes)
    found = DISCRETE[name](sample)
    # Compared with the realised values, because the luck of the draw is no error of the estimator.
    bias = float(found.pvi.mean()) - drawn.pointwise.mean()
    assert low < bias < high
    assert np.corrcoef(found.pvi, drawn.pointwise)[0, 1] > correlation
    assert found.pvi.mean() > found.null.max()
    if found.gain is not None:
        assert float(found.gain.mean()) == pytest.approx(float(found.pvi.mean()), abs=0.05)


def test_the_stack_finds_an_exclusive_or_that_no_linear_probe_can() -> None:
    drawn, sample = task("xor", 3000, width=16, rank=4)
    assert float(logistic_probe(sample).pvi.mean()) < 0.05
    found = stack(sample)
    assert float(found.pvi.mean()) > 0.6 * drawn.information
    assert np.corrcoef(found.pvi, drawn.pointwise)[0, 1] > 0.8


@pytest.mark.parametrize("target", [0.0, 0.1, 0.5])
def test_information_in_repeated_states_is_recovered_by_counting(target: float) -> None:
    drawn, sample = task("atoms", 3000, target=target, permutations=5)
    found = atoms_plugin(sample)
    assert float(found.pvi.mean()) == pytest.approx(drawn.pointwise.mean(), abs=0.01)
    assert float(found.null.abs().max()) < 0.01


@pytest.mark.parametrize("name", ["atoms", "binned"])
def test_counting_states_that_never_repeat_saturates_as_does_the_floor(name: str) -> None:
    output = np.repeat([0, 1], 150)
    sample = sample_of(np.random.default_rng(0).normal(size=(300, 40)), output, permutations=5)
    found = atoms_plugin(sample) if name == "atoms" else binned(sample, components=40, bins=30)
    assert float(found.pvi.mean()) == pytest.approx(np.log(2), abs=0.01)
    assert float(found.null.min()) == pytest.approx(np.log(2), abs=0.01)


# Second computations.


@pytest.mark.parametrize(("classes", "target"), [(2, 0.5), (4, 0.2)])
@pytest.mark.parametrize("penalty", logistic.PENALTIES)
def test_logistic_regression_is_that_of_scikit_learn(
    classes: int, target: float, penalty: float
) -> None:
    _, sample = task("gaussian", 800, 24, permutations=2, classes=classes, target=target)
    states = sample.hidden - sample.hidden.mean(0)
    fitted = logistic.Regression(states, sample.indicator).fit(torch.full((3,), penalty))
    log_odds = fitted.scores(states) + fitted.level[:, None]
    log_posterior = torch.nn.functional.pad(log_odds, (1, 0)).log_softmax(2)
    # For two classes scikit-learn penalises the difference of the weights, here both are.
    inverse = 800 * penalty * float(states.var(0, unbiased=False).mean())
    theirs = LogisticRegression(C=(2 if classes == 2 else 1) / inverse, tol=1e-7, max_iter=2000)
    for column in range(3):
        output = sample.output[:, column].numpy()
        expected = theirs.fit(states.double().numpy(), output).predict_log_proba(states)
        rows = np.arange(800)
        ours = log_posterior[column].numpy()
        assert ours[rows, output].mean() == pytest.approx(expected[rows, output].mean(), abs=1e-3)
        assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.999


def test_the_logistic_probe_is_close_to_the_linear_one() -> None:
    _, sample = task("low_variance", 2000)
    logistic_found, linear_found = logistic_probe(sample), linear_probe(sample)
    difference = float(logistic_found.pvi.mean() - linear_found.pvi.mean())
    assert abs(difference) < 0.01
    assert np.corrcoef(logistic_found.pvi, linear_found.pvi)[0, 1] > 0.98


@pytest.mark.parametrize("classes", [2, 3])
def test_normal_classes_are_those_of_scikit_learn_less_the_correction(classes: int) -> None:
    _, sample = task("gaussian", 500, 10, permutations=2, classes=classes)
    found = gaussian_plugin(sample)
    values = []
    for output in sample.output.T.numpy():
        fitted = LinearDiscriminantAnalysis(solver="lsqr").fit(sample.hidden.double(), output)
        log_posterior = fitted.predict_log_proba(sample.hidden.double())
        share = np.bincount(output) / 500
        values.append(log_posterior[np.arange(500), output] - np.log(share[output]))
    expected = np.array(values) - 10 * (classes - 1) / (2 * 500)
    np.testing.assert_allclose(found.pvi, expected[0], atol=1e-4)
    np.testing.assert_allclose(found.null, expected[1:].mean(1), atol=1e-4)


def test_copies_of_the_states_of_a_text_leave_the_correction_as_it_is() -> None:
    _, once = task("gaussian", 300, 12)
    text = np.repeat(np.arange(300), 7)
    copied = replace(
        once, hidden=once.hidden[text], text=torch.from_numpy(text), reference=torch.arange(300) * 7
    )
    one, many = gaussian_plugin(once), gaussian_plugin(copied)
    np.testing.assert_allclose(many.pvi, one.pvi[text], atol=1e-9)
    np.testing.assert_allclose(many.null, one.null, atol=1e-9)


def test_independent_states_of_a_text_are_corrected_as_so_many_texts() -> None:
    rng = np.random.default_rng(0)
    text = np.repeat(np.arange(400), 10)
    sample = sample_of(rng.normal(size=(4000, 40)), rng.integers(0, 2, 400), 30, text=text)
    floor = gaussian_plugin(sample).null
    assert abs(float(floor.mean())) < 3 * float(floor.std()) / np.sqrt(30) + 1e-4


def _counted(
    symbol: list[int], output: list[int], log: Callable[[int], float], n: int
) -> np.ndarray:
    """Pointwise information of symbols, by dictionaries."""
    a, y, both = Counter(symbol), Counter(output), Counter(zip(symbol, output, strict=True))
    return np.array(
        [
            np.log(n) + log(both[s, t]) - log(a[s]) - log(y[t])
            for s, t in zip(symbol, output, strict=True)
        ]
    )


def _grassberger(n: int) -> float:
    return digamma(n) + (-1) ** n / 2 * (digamma((n + 1) / 2) - digamma(n / 2))


@pytest.mark.parametrize("texts", [120, 40])
def test_atoms_are_counted_with_the_formula_of_grassberger(texts: int) -> None:
    rng = np.random.default_rng(0)
    text = np.sort(
        rng.permutation(np.append(np.arange(texts), rng.integers(0, texts, 120 - texts)))
    )
    atom = rng.integers(0, 15, 120)
    hidden = rng.normal(size=(15, 4)).astype(np.float32)[atom]
    sample = sample_of(hidden, rng.integers(0, 3, texts), 3, text=text)
    found = atoms_plugin(sample)
    columns = sample.output.T.numpy()[:, text]
    expected = [_counted(atom.tolist(), c.tolist(), _grassberger, 120) for c in columns]
    np.testing.assert_allclose(found.pvi, expected[0], atol=1e-10)
    np.testing.assert_allclose(found.null, np.mean(expected[1:], 1), atol=1e-10)


def test_bins_are_those_of_a_histogram_of_principal_components() -> None:
    _, sample = task("gaussian", 400, 6, permutations=3)
    found = binned(sample, components=2, bins=5)
    states = StandardScaler().fit_transform(sample.hidden.double())
    components = PCA(2, svd_solver="full").fit_transform(states)
    cut = [np.linspace(c.min(), c.max(), 6)[1:-1] for c in components.T]
    place = [np.searchsorted(edges, c, "right") for edges, c in zip(cut, components.T, strict=True)]
    symbol = (5 * place[0] + place[1]).tolist()
    columns = sample.output.T.tolist()
    expected = [_counted(symbol, column, np.log, 400) for column in columns]
    np.testing.assert_allclose(found.pvi, expected[0], atol=1e-10)
    np.testing.assert_allclose(found.null, np.mean(expected[1:], 1), atol=1e-10)


# Networks.


def _values(seed: int, columns: int = 2, n: int = 30) -> tuple[torch.Tensor, ...]:
    """T, indicators and log prior: the shares of the outputs themselves."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(columns, n, 3, generator=generator)
    output = torch.randint(0, 3, (columns, n), generator=generator)
    indicator = torch.nn.functional.one_hot(output, 3).float()
    return values, indicator, indicator.mean(1, keepdim=True).log()


def test_the_objective_of_info_nce_takes_every_output_as_a_negative() -> None:
    values, indicator, log_prior = _values(0)
    loss = networks.cross_entropy(values, indicator, log_prior)
    for column, (t, chosen) in enumerate(zip(values.numpy(), indicator.numpy(), strict=True)):
        critic = t @ chosen.T  # T(h_i, y_j) of every pair
        expected = np.mean(np.diag(critic) - logsumexp(critic, 1) + np.log(30))
        assert float(loss[column]) == pytest.approx(-expected, abs=1e-5)


def test_the_objective_of_mine_is_the_donsker_varadhan_bound_over_all_pairs() -> None:
    values, indicator, log_prior = _values(1)
    loss = donsker_varadhan(values, indicator, log_prior)
    for column, (t, chosen) in enumerate(zip(values.numpy(), indicator.numpy(), strict=True)):
        critic = t @ chosen.T
        expected = np.diag(critic).mean() - logsumexp(critic) + np.log(30 * 30)
        assert float(loss[column]) == pytest.approx(-expected, abs=1e-5)


def test_the_step_is_that_of_adam_with_decoupled_weight_decay() -> None:
    inputs = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    _, indicator, log_prior = _values(2, n=40)

    def ready() -> networks._Networks:
        return networks._Networks(2, 5, 4, 3, inputs.device)

    ours, theirs = ready(), ready()
    rate, decay = networks.RATE, networks.DECAY
    reference = torch.optim.AdamW(theirs._parameters, lr=rate, weight_decay=decay / rate)
    for _ in range(20):
        ours.descend(networks.cross_entropy(ours.values(inputs), indicator, log_prior))
        loss = networks.cross_entropy(theirs.values(inputs), indicator, log_prior)
        reference.zero_grad()
        loss.sum().backward()
        reference.step()
    assert not torch.equal(ours._parameters[0], ready()._parameters[0])
    for one, other in zip(ours._parameters, theirs._parameters, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_columns_are_trained_apart() -> None:
    _, sample = task("gaussian", 200, 8, permutations=3)
    alone = replace(sample, output=sample.output[:, :1])
    together, single = infonce(sample), infonce(alone)
    # Training goes on as long as any column gains, so that another may find a later optimum.
    assert np.corrcoef(together.pvi, single.pvi)[0, 1] > 0.99


def test_many_states_are_trained_on_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, sample = task("gaussian", 2000, 16)
    monkeypatch.setattr(networks, "BATCH", 300)
    monkeypatch.setattr(networks, "ELEMENTS", 1)
    found = infonce(sample)
    assert float(found.pvi.mean()) == pytest.approx(drawn.pointwise.mean(), abs=0.03)


# Nothing that scores a held-out fold was fitted to it.


def test_outputs_of_a_fold_do_not_touch_the_networks_that_left_it_out() -> None:
    _, sample = task("xor", 1500, width=16, rank=4)
    components, variance = principal(sample.hidden)
    rows = sample.members[2]
    output = sample.output.clone()
    output[rows] = 1 - output[rows]
    one = Projections(components, variance, sample)
    other = Projections(components, variance, replace(sample, output=output))
    for before, after in zip(one.log_odds(2), other.log_odds(2), strict=True):
        assert float(before.abs().max()) > 0.5
        torch.testing.assert_close(before, after, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(one.log_odds(1)[0], other.log_odds(1)[0], atol=1e-2)


def _words(sample: Sample) -> Measured:
    return token_type_probe(sample.text % 9, sample)


@pytest.mark.parametrize(
    "estimator", [logistic_probe, infonce, _words, stack], ids=lambda e: e.__name__
)
def test_outputs_of_a_fold_do_not_touch_its_posterior(estimator: Estimator) -> None:
    _, sample = task("gaussian", 250, 6)
    rows = sample.members[2]
    output = sample.output.clone()
    output[rows] = 1 - output[rows]
    one, other = estimator(sample), estimator(replace(sample, output=output))
    assert one.gain is not None and other.gain is not None
    np.testing.assert_allclose(one.gain[rows], other.gain[rows], atol=1e-6)
    assert not torch.allclose(one.gain, other.gain, atol=1e-6)


@pytest.mark.parametrize(
    "estimator", [ridge_gaussian, stacked_regression], ids=lambda e: e.__name__
)
def test_values_of_a_fold_do_not_touch_its_posterior(estimator: Estimator) -> None:
    hidden, output, _ = linear(250, 6)
    sample = sample_of(hidden, output)
    rows = sample.members[2]
    changed = sample.output.clone()
    changed[rows] = -changed[rows] + 1
    one, other = estimator(sample), estimator(replace(sample, output=changed))
    assert one.gain is not None and other.gain is not None
    np.testing.assert_allclose(one.gain[rows], other.gain[rows], atol=1e-9)
    assert not torch.allclose(one.gain, other.gain, atol=1e-6)


# Words.


def _word_values(token: np.ndarray, sample: Sample, column: int) -> np.ndarray:
    """The probe by loops over texts and tokens, for one column."""
    output, text = sample.output[:, column].numpy(), sample.text.numpy()
    fold = sample.fold.numpy()[text]
    classes = range(sample.classes)

    def log_posterior(i: int, left_out: set[int], weight: float) -> tuple[float, float]:
        """At the output of token i, and the log prior."""
        kept = [j for j in range(len(text)) if fold[j] not in left_out]
        prior = np.mean([output[text[j]] == output[text[i]] for j in kept])
        texts = {text[j] for j in kept if token[j] == token[i]}
        by_class = [sum(output[t] == y for t in texts) for y in classes]
        chance = (by_class[int(output[text[i]])] + weight * prior) / (len(texts) + weight)
        return np.log(chance), np.log(prior)

    values = np.empty(len(text))
    for k in range(5):
        inner = [i for i in range(len(text)) if fold[i] != k]
        gained = [sum(log_posterior(i, {k, int(fold[i])}, a)[0] for i in inner) for a in WEIGHTS]
        best = WEIGHTS[int(np.argmax(gained))]
        for i in np.flatnonzero(fold == k):
            chance, prior = log_posterior(int(i), {k}, best)
            values[i] = chance - prior
    return values


def test_words_are_counted_once_a_text_and_smoothed_within_the_other_folds() -> None:
    rng = np.random.default_rng(0)
    output = rng.integers(0, 3, 30)
    text = np.sort(np.append(np.arange(30), rng.integers(0, 30, 50)))
    token = np.where(rng.random(80) < 0.5, output[text], rng.integers(0, 6, 80))
    sample = sample_of(np.zeros((80, 1)), output, 2, text=text)
    found = token_type_probe(torch.from_numpy(100 * token), sample)
    np.testing.assert_allclose(found.pvi, _word_values(token, sample, 0), atol=1e-5)
    for column in (1, 2):
        expected = _word_values(token, sample, column).mean()
        assert float(found.null[column - 1]) == pytest.approx(expected, abs=1e-5)


def test_information_in_words_is_recovered() -> None:
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 1, 40)  # of class 1, given the word
    word = rng.integers(0, 40, 8000)
    output = (rng.random(8000) < chance[word]).astype(int)
    known = np.stack([1 - chance, chance], 1)[word, output]
    share = np.array([1 - chance.mean(), chance.mean()])[output]
    sample = sample_of(np.zeros((8000, 1)), output, 19)
    found = token_type_probe(torch.from_numpy(word), sample)
    assert float(found.pvi.mean()) == pytest.approx(np.log(known / share).mean(), abs=0.01)
    assert np.corrcoef(found.pvi, np.log(known / share))[0, 1] > 0.97
    assert float(found.null.abs().max()) < 0.01


def test_words_that_are_seen_once_tell_nothing() -> None:
    output = np.random.default_rng(0).integers(0, 2, 200)
    found = token_type_probe(torch.arange(200), sample_of(np.zeros((200, 1)), output, 3))
    np.testing.assert_allclose(found.pvi, 0, atol=1e-6)


# Continuous outputs.


def linear(
    n: int, d: int, information: float = 0.5, outputs: int = 1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States, outputs that are linear in them but for noise, and the pointwise truth.

    The information in each of `outputs` independent outputs.
    """
    rng = np.random.default_rng(seed)
    slope = np.sqrt(1 - np.exp(-2 * information))  # correlation
    hidden = rng.normal(size=(n, d))
    directions = np.linalg.qr(rng.normal(size=(d, outputs)))[0]
    mean, sd = slope * hidden @ directions, np.sqrt(1 - slope**2)
    output = mean + sd * rng.normal(size=(n, outputs))
    pointwise = norm.logpdf(output, mean, sd) - norm.logpdf(output)
    return hidden, output, pointwise.sum(1)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(("name", "error"), [("ridge", 0.03), ("stacked", 0.03), ("ksg", 0.05)])
def test_linear_information_in_continuous_outputs_is_recovered(
    name: str, error: float, outputs: int
) -> None:
    hidden, output, pointwise = linear(3000, 12, 0.4, outputs)
    found = CONTINUOUS[name](sample_of(hidden, output, 5))
    bias = float(found.pvi.mean()) - pointwise.mean()
    assert abs(bias) < error * outputs
    assert np.corrcoef(found.pvi, pointwise)[0, 1] > (0.6 if name == "ksg" else 0.95)
    assert float(found.null.abs().max()) < 0.05
    if found.gain is not None:
        assert float(found.gain.mean()) == pytest.approx(float(found.pvi.mean()), abs=0.02)


def test_a_product_is_found_by_the_pool_and_not_by_the_line() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(4000, 64)) * np.sqrt(1 / np.arange(1, 65))
    product = hidden[:, 0] * hidden[:, 1] / hidden[:, :2].std(0).prod()
    # The columns of real states mix the directions of much variance and of little.
    hidden = hidden @ np.linalg.qr(rng.normal(size=(64, 64)))[0]
    sample = sample_of(hidden, normal_scores(product + 0.5 * rng.normal(size=4000))[:, None], 5)
    assert float(ridge_gaussian(sample).pvi.mean()) < 0.01
    found = stacked_regression(sample)
    assert float(found.pvi.mean()) > 0.5  # of about 0.75
    assert float(found.null.max()) < 0.01


def test_a_bent_line_is_found_by_neighbours_and_not_by_normal_errors() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(3000, 4))
    # Steep at both ends, flat between.
    output = normal_scores(hidden[:, 0] ** 5 + 0.1 * rng.normal(size=3000))[:, None]
    sample = sample_of(hidden, output)
    assert ksg_on_score(sample).pvi.mean() > ridge_gaussian(sample).pvi.mean() + 0.1


def test_normal_densities_and_their_divergence_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    narrow, wide = (torch.from_numpy(s * rng.normal(size=(2, 50, 3))) for s in (0.5, 2.0))
    one, other = Normal(narrow), Normal(wide)
    errors = torch.from_numpy(rng.normal(size=(2, 7, 3)))
    for column in range(2):
        density, prior = (multivariate_normal(cov=n.covariance[column]) for n in (one, other))
        difference = density.logpdf(errors[column]) - prior.logpdf(errors[column])
        ours = (one.log_density(errors) - other.log_density(errors))[column]
        np.testing.assert_allclose(ours, difference, atol=1e-9)
        drawn = density.rvs(200_000, random_state=1)
        shift = errors[column, 0].numpy()
        expected = (density.logpdf(drawn) - prior.logpdf(drawn + shift)).mean()
        found = float(one.divergence(errors, other)[column, 0])
        assert found == pytest.approx(expected, abs=0.02)


def _kraskov(
    x: np.ndarray, y: np.ndarray, text: np.ndarray, reference: np.ndarray, k: int
) -> np.ndarray:
    """The first estimator of Kraskov et al. 2004 by all distances."""
    values = []
    for i in range(len(x)):
        peers = reference[np.arange(len(reference)) != text[i]]
        in_x, in_y = (np.abs(v[peers] - v[i]).max(1) for v in (x, y))
        radius = np.sort(np.maximum(in_x, in_y))[k - 1]
        counts = (in_x < radius).sum() + 1, (in_y < radius).sum() + 1
        values.append(
            digamma(k) + digamma(len(reference)) - digamma(counts[0]) - digamma(counts[1])
        )
    return np.array(values)


@pytest.mark.parametrize(("k", "outputs", "each"), [(1, 1, 1), (3, 2, 1), (3, 1, 4), (5, 2, 3)])
def test_neighbours_of_the_score_are_those_of_kraskov(k: int, outputs: int, each: int) -> None:
    text = np.repeat(np.arange(80), each)
    hidden, output, _ = linear(80, 5, outputs=outputs)
    hidden = (hidden[text] + 0.3 * np.random.default_rng(1).normal(size=(len(text), 5))).astype("f")
    sample = sample_of(hidden, output, 2, text=text)
    found = ksg_on_score(sample, neighbours=k)
    states = torch.from_numpy(StandardScaler().fit_transform(sample.hidden.double()))
    target = sample.output.transpose(0, 1)[:, sample.text]
    probes = RidgeProbes(states, target, sample.members, (ledoit_wolf(states),))
    score = torch.empty_like(target)
    for fold, rows in enumerate(sample.members):
        score[:, rows] = probes.held_out(fold)[0]
    score /= score.square().mean(1, keepdim=True).sqrt()
    reference = np.arange(0, len(text), each)
    x, y = score.numpy(), target.numpy()
    np.testing.assert_allclose(found.pvi, _kraskov(x[0], y[0], text, reference, k), atol=1e-9)
    for column in (1, 2):
        among = x[column, reference], y[column, reference]
        expected = _kraskov(*among, np.arange(80), np.arange(80), k).mean()
        assert float(found.null[column - 1]) == pytest.approx(expected, abs=1e-9)


def test_states_that_repeat_do_not_look_like_information() -> None:
    # Two states, each in 100 texts, and an output of 20 values: ties in x, y and both.
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(2, 3))[rng.integers(0, 2, 200)]
    output = rng.normal(size=20)[rng.integers(0, 20, 200)][:, None]
    assert abs(float(ksg_on_score(sample_of(hidden, output)).pvi.mean())) < 0.2


# Degenerate samples.


def _repeated(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(10, 6))[rng.integers(0, 10, 100)]


STATES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "all equal": lambda rng: np.full((100, 6), 0.1),
    "all zero": lambda rng: np.zeros((100, 6)),
    "constant columns": lambda rng: rng.normal(size=(100, 6)) * (np.arange(6) < 2) + 0.3,
    "one column": lambda rng: rng.normal(size=(100, 1)),
    "more columns than texts": lambda rng: rng.normal(size=(100, 150)),
    "repeated": _repeated,
    "large": lambda rng: 1e6 + 1e4 * rng.normal(size=(100, 6)),
    "small": lambda rng: 1e-6 * rng.normal(size=(100, 6)),
}


def _finite(found: Measured, n: int, permutations: int) -> None:
    assert found.pvi.shape == (n,) and found.null.shape == (permutations,)
    assert found.pvi.dtype == found.null.dtype == torch.float64
    assert torch.isfinite(found.pvi).all() and torch.isfinite(found.null).all()
    if found.gain is not None:
        assert found.gain.shape == (n,) and torch.isfinite(found.gain).all()
        assert (found.gain >= 0).all()


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("states", STATES)
def test_degenerate_states_leave_every_value_finite(name: str, states: str) -> None:
    rng = np.random.default_rng(0)
    sample = sample_of(STATES[states](rng), rng.integers(0, 2, 100), 3)
    found = DISCRETE[name](sample)
    _finite(found, 100, 3)
    if states in ("all equal", "all zero"):
        assert abs(float(found.pvi.mean())) < 0.02
        assert float(found.null.abs().max()) < 0.02


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize(("members", "rare"), [(1, 0), (2, 2), (3, 0), (4, 2)])
def test_a_rare_class_leaves_every_value_finite(name: str, members: int, rare: int) -> None:
    rng = np.random.default_rng(0)
    output = rng.permutation(np.repeat([rare, 1, 2 - rare], [members, 60, 100 - members - 60]))
    found = DISCRETE[name](sample_of(rng.normal(size=(100, 6)), output, 3))
    _finite(found, 100, 3)
    # A class that the training texts lack has probability 0 either way, and no information.
    assert float(found.pvi.abs().max()) < 40


@pytest.mark.parametrize("name", DISCRETE)
def test_without_permutations_there_is_no_null(name: str) -> None:
    _, sample = task("gaussian", 100, 4, permutations=0)
    _finite(DISCRETE[name](sample), 100, 0)


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("states", STATES)
def test_degenerate_states_leave_every_value_finite_for_a_continuous_output(
    name: str, states: str
) -> None:
    rng = np.random.default_rng(0)
    sample = sample_of(STATES[states](rng), rng.normal(size=(100, 2)), 3)
    found = CONTINUOUS[name](sample)
    _finite(found, 100, 3)
    if states in ("all equal", "all zero"):
        assert abs(float(found.pvi.mean())) < 0.05


@pytest.mark.parametrize("name", CONTINUOUS)
def test_outputs_that_hardly_vary_leave_every_value_finite(name: str) -> None:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(100, 6))
    constant, known = np.zeros((100, 1)), hidden[:, :1]
    for output in (constant, known, np.concatenate([known, known], 1)):
        _finite(CONTINUOUS[name](sample_of(hidden, output, 0)), 100, 0)


@pytest.mark.parametrize("name", DISCRETE | CONTINUOUS)
def test_several_states_a_text_have_a_value_each(name: str) -> None:
    rng = np.random.default_rng(0)
    text = np.sort(np.append(np.arange(60), rng.integers(0, 60, 90)))
    output = rng.integers(0, 2, 60) if name in DISCRETE else rng.normal(size=(60, 1))
    sample = sample_of(rng.normal(size=(150, 5)), output, 3, text=text)
    _finite((DISCRETE | CONTINUOUS)[name](sample), 150, 3)


# The null.


def _above(estimator: Estimator, continuous: bool, sets: int, permutations: int) -> float:
    """In what share of samples without information an estimate is above its floor."""
    above = 0
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        hidden = rng.normal(size=(150, 8))
        if estimator is atoms_plugin:
            hidden = hidden[rng.integers(0, 20, 150)]
        output = rng.normal(size=(150, 1)) if continuous else rng.integers(0, 2, 150)
        found = estimator(sample_of(hidden, output, permutations, seed))
        above += float(found.pvi.mean()) > float(found.null.quantile(0.95))
    return above / sets


FAST = CLOSED | CONTINUOUS | {"words": _words}


@pytest.mark.parametrize("name", FAST)
def test_without_information_an_estimate_is_seldom_above_its_floor(name: str) -> None:
    estimator = FAST[name]
    assert _above(estimator, name in CONTINUOUS, sets=15, permutations=39) <= 3 / 15


@pytest.mark.parametrize("name", TRAINED)
def test_without_information_a_trained_network_is_seldom_above_its_floor(name: str) -> None:
    assert _above(TRAINED[name], False, sets=3, permutations=19) <= 1 / 3


@pytest.mark.slow
@pytest.mark.parametrize("name", FAST)
def test_without_information_one_estimate_in_twenty_is_above_its_floor(name: str) -> None:
    estimator = FAST[name]
    assert 0.02 <= _above(estimator, name in CONTINUOUS, sets=200, permutations=99) <= 0.09


@pytest.mark.parametrize("name", DISCRETE | CONTINUOUS)
def test_the_same_sample_gives_the_same_values(name: str) -> None:
    rng = np.random.default_rng(0)
    output = rng.integers(0, 3, 90) if name in DISCRETE else rng.normal(size=(90, 1))
    sample = sample_of(rng.normal(size=(90, 5)), output, 2)
    one, other = ((DISCRETE | CONTINUOUS)[name](sample) for _ in range(2))
    assert torch.equal(one.pvi, other.pvi) and torch.equal(one.null, other.null)


@pytest.mark.parametrize("name", ["logistic", "gaussian", "binned", "ridge", "stacked", "ksg"])
@pytest.mark.parametrize("change", ["rotation", "units", "scale", "shift"])
def test_values_do_not_depend_on_the_coordinates_of_states(name: str, change: str) -> None:
    rng = np.random.default_rng(0)
    if change == "rotation" and name in ("binned", "ksg"):
        pytest.skip("few components, and few neighbours, of columns that are standardised")
    hidden = rng.normal(size=(300, 6)) * np.arange(1, 7)
    output = (hidden[:, 0] + rng.normal(size=300) > 0).astype(int)
    if name in CONTINUOUS:
        output = (hidden[:, :1] + rng.normal(size=(300, 1))) / np.sqrt(2)
    changed = {
        "rotation": hidden @ np.linalg.qr(rng.normal(size=(6, 6)))[0],
        "units": hidden * 10.0 ** np.arange(-3, 3),
        "scale": 1000 * hidden,
        "shift": hidden + 3,
    }[change]
    estimator = (DISCRETE | CONTINUOUS)[name]
    one, other = estimator(sample_of(hidden, output)), estimator(sample_of(changed, output))
    if change == "rotation" or name == "stacked":
        # Columns are standardised one by one, and random features turn with the states.
        assert float(one.pvi.mean()) == pytest.approx(float(other.pvi.mean()), abs=0.06)
    else:
        np.testing.assert_allclose(one.pvi, other.pvi, atol=1e-3)
        np.testing.assert_allclose(one.null, other.null, atol=1e-3)


def test_the_network_sees_the_leading_components_whitened() -> None:
    _, sample = task("gaussian", 300, 10)
    inputs = leading(*principal(sample.hidden), 4)
    np.testing.assert_allclose(np.cov(inputs.T, bias=True), np.eye(4), atol=1e-6)
    stretched = replace(sample, hidden=sample.hidden * 50)
    one, other = infonce(sample), infonce(stretched)
    np.testing.assert_allclose(one.pvi, other.pvi, atol=1e-2)
