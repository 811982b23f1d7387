"""The model's own output layer as an estimator: a direct computation, and what it may not see."""

from collections.abc import Callable
from dataclasses import replace

from conftest import Planted, Trained
import numpy as np
import pytest
from samples import gaussian_classes, gaussian_information, sample_of, uneven_tokens
from scipy.optimize import minimize
from scipy.special import logsumexp
import torch

from attinfo.information import estimate
from attinfo.information.estimators.output_layer import PRECISION, output_layer_probe
from attinfo.information.sample import Sample, with_permutations
from attinfo.information.units import sample_of as sample_of_unit
from attinfo.information.units import units_of


def with_layer(sample: Sample, seed: int = 0) -> Sample:
    """With an output layer that knows something of the classes, but is far too sure."""
    rng = np.random.default_rng(seed)
    d = sample.hidden.shape[1]
    rising = 2.0 * np.arange(sample.classes)[:, None]
    weight = np.eye(sample.classes, d) * 9 + rising + rng.normal(size=(sample.classes, d))
    layer = torch.from_numpy(weight), torch.from_numpy(rng.normal(size=sample.classes))
    return replace(sample, output_layer=layer)


def three_classes(n: int = 240, d: int = 5) -> Sample:
    rng = np.random.default_rng(1)
    output = rng.permutation(np.arange(n) % 3)
    return sample_of(rng.normal(size=(n, d)) + np.eye(d)[output], output)


SAMPLES = {
    "two classes": with_layer(uneven_tokens(150, 400, 6)),
    "three classes": with_layer(three_classes()),
    "several states a text": with_layer(uneven_tokens(150, 400, 6, classes=3)),
}
every_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def directly(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """[n] pvi and gain: for each fold the scale and biases that a general minimiser finds."""
    assert sample.output_layer is not None
    weight, bias = (part.double().numpy() for part in sample.output_layer)
    logits = sample.hidden.double().numpy() @ weight.T + bias
    odds = logits - logits[:, :1]
    odds /= np.sqrt((odds[:, 1:] ** 2).mean())
    y, fold = sample.output[sample.text, 0].numpy(), sample.fold[sample.text].numpy()
    pvi, gain = np.empty((2, len(y)))
    for k in range(5):
        seen, held_out = fold != k, fold == k

        def log_posterior(found: np.ndarray, rows: np.ndarray) -> np.ndarray:
            values = found[0] * odds[rows] + np.append(0, found[1:])
            return values - logsumexp(values, axis=1, keepdims=True)

        def loss(found: np.ndarray, rows: np.ndarray = seen) -> float:
            own = log_posterior(found, rows)[np.arange(rows.sum()), y[rows]]
            return -own.sum() + PRECISION * found[0] ** 2 / 2

        bounds = [(0, None), *[(None, None)] * (sample.classes - 1)]
        best = minimize(loss, np.zeros(sample.classes), bounds=bounds, options={"ftol": 1e-14}).x
        least = log_posterior(best, seen).min()
        log_q = np.maximum(log_posterior(best, held_out), least)
        log_q -= logsumexp(log_q, axis=1, keepdims=True)
        ratio = log_q - np.log(np.bincount(y[seen], minlength=sample.classes) / seen.sum())
        pvi[held_out] = ratio[np.arange(held_out.sum()), y[held_out]]
        gain[held_out] = (np.exp(log_q) * ratio).sum(1)
    return pvi, gain


@every_sample
def test_values_are_those_of_a_direct_computation(sample: Sample) -> None:
    found = output_layer_probe(sample)
    pvi, gain = directly(sample)
    assert found.gain is not None
    np.testing.assert_allclose(found.pvi, pvi, atol=2e-4)
    np.testing.assert_allclose(found.gain, gain, atol=2e-4)
    assert pvi.mean() > 0.05


@every_sample
def test_the_null_of_a_permutation_is_the_estimate_of_the_permuted_output(sample: Sample) -> None:
    outputs = with_permutations(sample.output[:, 0], 9, seed=1)
    null = output_layer_probe(replace(sample, output=outputs)).null
    for column, value in enumerate(null, 1):
        alone = output_layer_probe(replace(sample, output=outputs[:, [column]]))
        assert float(alone.pvi.mean()) == pytest.approx(float(value), abs=1e-6)


@every_sample
def test_posteriors_of_a_fold_do_not_depend_on_its_outputs(sample: Sample) -> None:
    output = sample.output.clone()
    output[sample.fold == 2] = (output[sample.fold == 2] + 1) % sample.classes
    before, after = (output_layer_probe(s).gain for s in (sample, replace(sample, output=output)))
    held_out = sample.fold[sample.text] == 2
    assert before is not None and after is not None
    np.testing.assert_allclose(before[held_out], after[held_out], rtol=0, atol=1e-9)
    assert (before[~held_out] - after[~held_out]).abs().mean() > 1e-3


def test_the_layer_of_the_true_direction_finds_all_there_is_and_scale_and_bias_do_not_matter() -> (
    None
):
    rng = np.random.default_rng(0)
    output = rng.integers(0, 2, 4000)
    hidden = rng.normal(size=(4000, 8))
    hidden[:, 0] += 1.5 * output
    weight = np.zeros((2, 8))
    weight[1, 0] = 1
    found = estimate(hidden, output, "output_layer", output_layer=(weight, np.zeros(2)))
    assert found.mi_nats == pytest.approx(gaussian_information(1.5), abs=0.02)
    assert found.gain.mean() == pytest.approx(found.mi_nats, abs=0.02)
    assert found.mi_nats > found.floor_upper
    other = estimate(hidden, output, "output_layer", output_layer=(weight * 50, np.array([3, -9])))
    np.testing.assert_allclose(other.pvi, found.pvi, atol=1e-3)


@pytest.mark.parametrize("sign", [0, -1])
def test_a_layer_that_looks_elsewhere_or_reads_the_wrong_way_round_finds_nothing(sign: int) -> None:
    hidden, output = gaussian_classes(1000, 6, 2.0)
    direction = hidden[output == 1].mean(0) - hidden[output == 0].mean(0)
    across = np.linalg.svd(direction[None])[2][1]
    weight = np.stack([np.zeros(6), direction if sign else across]) * (sign or 1)
    found = estimate(hidden, output, "output_layer", output_layer=(weight, np.zeros(2)))
    assert found.mi_nats == pytest.approx(0, abs=0.01)


def test_rows_of_the_layer_are_the_classes_that_occur() -> None:
    rng = np.random.default_rng(0)
    output = rng.choice([0, 2], 300)
    hidden = rng.normal(size=(300, 4)) + output[:, None] / 2
    weight, bias = rng.normal(size=(4, 4)) + np.arange(4)[:, None], rng.normal(size=4)
    of_all = estimate(hidden, output, "output_layer", output_layer=(weight, bias))
    layer = weight[[0, 2]], bias[[0, 2]]
    of_two = estimate(hidden, output, "output_layer", output_layer=layer)
    assert (of_all.pvi == of_two.pvi).all() and of_all.mi_nats > 0.1
    names = np.array(["no", "?", "yes"])[output]
    assert (estimate(hidden, names, "output_layer", output_layer=layer).pvi == of_two.pvi).all()


@pytest.mark.parametrize("encoder", ["bilstm", "mlp"])
def test_the_layer_of_a_trained_model_finds_the_keywords(
    planted: Planted, trained: Callable[..., Trained], encoder: str
) -> None:
    run = trained(encoder)
    options = {"output": "predicted", "permutations": 4, "seed": 1}
    *_, whole = units_of(run.states, 1, 1, 50)
    found = output_layer_probe(sample_of_unit(run.states, whole, options))
    keyword = run.keyword(planted)
    assert found.gain is not None
    assert float(found.gain[keyword].mean()) > 1.5 * float(found.gain[~keyword].mean())
    assert float(found.pvi.mean()) > float(found.null.max())
