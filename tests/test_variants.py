"""Variants: each changes what its name says, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

from conftest import TRAINING, VARIANTS, Planted, Trained, architecture_of, variant_of
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.metrics import roc_auc_score
import torch
from torch import Tensor

from attinfo.blocks.variant import Variant
from attinfo.config.sections.training import Training
from attinfo.models.classifier import Classifier, build
from attinfo.models.distances import jensen_shannon, kullback_leibler, total_variation
from attinfo.states.extract import states_of
from attinfo.training.evaluation import roc_auc
from attinfo.training.train import train

CELLS = [
    ("mlp", "additive", "softmax"),
    ("bilstm", "scaled_dot", "gumbel_softmax@0.5"),
    ("cnn", "deep", "sparsemax"),
    ("gru", "multiplicative", "entmax15"),
]
PARTS = ("embedding", "encoder", "scorer", "output_layer")
SHORT = Training(epochs=2, patience=2, batch_size=64, learning_rate=0.01)
every_cell = pytest.mark.parametrize("cell", CELLS, ids="-".join)


def teacher_of(run: Trained) -> Classifier:
    return run.model.eval()


def trained_as(
    planted: Planted,
    cell: tuple[str, str, str],
    variant: Variant,
    teacher: Classifier | None = None,
    training: Training = SHORT,
    seed: int = 1,
) -> tuple[Classifier, dict[str, Tensor], list[dict]]:
    """The model of a variant before training, its weights after it, and the history."""
    options = architecture_of(*cell)
    start = build(*planted.sizes, options, variant, seed, teacher)
    weights, history = train(
        planted.texts("train"),
        planted.texts("dev"),
        *planted.sizes,
        architecture=options,
        training=training,
        variant=variant,
        seed=seed,
        teacher=teacher,
    )
    return start, weights, history


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """The parts of which a parameter is not bit for bit the same."""
    return {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}


@every_cell
@pytest.mark.parametrize(
    ("variant", "still"),
    [
        ("trained", set()),
        ("frozen_scorer", {"scorer"}),
        ("frozen_encoder", {"embedding", "encoder"}),
        ("untrained", set(PARTS)),
        ("uniform", {"scorer"}),
    ],
)
def test_what_a_variant_freezes_stays_as_it_started_and_the_rest_learns(
    planted: Planted, cell: tuple[str, str, str], variant: str, still: set[str]
) -> None:
    start, weights, _ = trained_as(planted, cell, VARIANTS[variant])
    assert moved(start.state_dict(), weights) == set(PARTS) - still


def test_an_untrained_model_has_a_history_of_no_epoch(planted: Planted) -> None:
    _, _, history = trained_as(planted, CELLS[0], VARIANTS["untrained"])
    assert [row["epoch"] for row in history] == [0]
    assert history[0]["kept"]


@every_cell
def test_a_refitted_scorer_starts_anew_and_learns_on_what_was_trained(
    planted: Planted, cell: tuple[str, str, str]
) -> None:
    plain, weights, _ = trained_as(planted, cell, VARIANTS["trained"])
    teacher = Classifier(*planted.sizes, architecture_of(*cell), VARIANTS["trained"])
    teacher.load_state_dict(weights)
    start, refitted, _ = trained_as(planted, cell, VARIANTS["refitted_scorer"], teacher.eval())
    assert moved(weights, refitted) == {"scorer"}
    assert moved(start.state_dict(), refitted) == {"scorer"}
    assert moved(plain.state_dict(), start.state_dict()) == set(PARTS)  # another scorer at first


@pytest.mark.parametrize("encoder", ["mlp", "bilstm"])
def test_imposed_weights_are_those_of_the_trained_model_on_states_of_single_words(
    planted: Planted, trained: Callable[..., Trained], encoder: str
) -> None:
    run, variant = trained(encoder), VARIANTS["imposed"]
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    cell = (encoder, "additive", "softmax")
    _, weights, history = trained_as(planted, cell, variant, teacher_of(run), TRAINING)
    model = build(*planted.sizes, run.architecture, variant, teacher=teacher_of(run))
    model.load_state_dict(weights)
    store = states_of(model.eval(), planted.texts("test"))
    np.testing.assert_array_equal(store["attention"], run.states.attention)
    np.testing.assert_array_equal(store["score"], run.states.score)
    for word in np.unique(store["token_id"])[:10]:  # one word, one state
        assert np.ptp(store["hidden"][store["token_id"] == word], axis=0).max() < 1e-6
    assert max(row["dev_accuracy"] for row in history) > 0.7
    assert moved(before, run.model.state_dict()) == set()


def test_uniform_evaluation_runs_the_trained_model_with_equal_weights(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run = trained("bilstm")
    model = Classifier(*planted.sizes, run.architecture, VARIANTS["uniform_evaluation"])
    model.load_state_dict(run.weights)
    store = states_of(model.eval(), planted.texts("test"))
    lengths = np.diff(store["offsets"])
    np.testing.assert_allclose(store["attention"], np.repeat(1 / lengths, lengths), rtol=1e-6)
    np.testing.assert_array_equal(store["hidden"], run.states.hidden)
    assert not VARIANTS["uniform_evaluation"].trains


def test_the_output_change_is_that_of_the_weights_permuted(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run, texts = trained("bilstm"), planted.texts("test")
    store = states_of(run.model, texts, seed=3, permute=True, permutations=40)
    change = store["output_change"]
    assert change.shape == (len(texts), 40) and (change >= 0).all() and (change <= 1).all()
    # Of a text of two or three tokens every permutation can be tried.
    weight = run.model.output_layer.weight.detach().numpy().astype(np.float64)
    bias = run.model.output_layer.bias.detach().numpy()

    def probabilities(attention: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        logits = weight @ (attention @ hidden) + bias
        return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()

    for text in np.argsort(texts.lengths)[:3]:
        tokens = slice(*texts.offsets[text : text + 2])
        attention, hidden = run.states.attention[tokens], run.states.hidden[tokens]
        rng = np.random.default_rng(0)
        tried = [
            np.abs(
                probabilities(rng.permutation(attention), hidden) - probabilities(attention, hidden)
            ).sum()
            / 2
            for _ in range(4000)
        ]
        assert change[text].max() <= max(tried) + 1e-5
        assert change[text].mean() == pytest.approx(np.mean(tried), abs=0.1)


def test_permuting_equal_weights_changes_nothing(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    model = trained("mlp", "uniform").model
    store = states_of(model, planted.texts("test"), seed=1, permute=True, permutations=5)
    assert store["output_change"].max() < 1e-5


def test_an_adversary_goes_farther_the_more_divergence_is_worth_at_the_same_accuracy(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run, found = trained("bilstm"), {}
    cell = ("bilstm", "additive", "softmax")
    for worth in (1e-6, 0.1):
        variant = variant_of("adversarial", divergence=worth, tolerance=0.02)
        _, _, history = trained_as(planted, cell, variant, teacher_of(run), TRAINING)
        kept = next(row for row in history if row["kept"])
        needed = max(row["dev_accuracy"] for row in run.history) - 0.02
        matched = [row["dev_jsd"] for row in history if row["dev_accuracy"] >= needed - 1e-9]
        assert kept["dev_jsd"] == max(matched)
        found[worth] = kept["dev_jsd"]
    assert 0 < found[1e-6] < found[0.1] <= np.log(2)


def test_shuffled_labels_reach_neither_parts_nor_texts(planted: Planted) -> None:
    start, weights, _ = trained_as(planted, CELLS[0], VARIANTS["label_shuffled"])
    assert moved(start.state_dict(), weights) == set(PARTS)


def test_a_config_may_set_what_a_variant_offers() -> None:
    chosen = variant_of("permuted", permutations=7)
    assert chosen == replace(VARIANTS["permuted"], permutations=7)
    assert [name for name, v in VARIANTS.items() if not v.trains] == [
        "uniform_evaluation",
        "permuted",
    ]
    needing = {name for name, v in VARIANTS.items() if v.needs_trained}
    assert needing == {"refitted_scorer", "imposed", "adversarial"}


@pytest.mark.parametrize("classes", [2, 4])
def test_the_area_under_the_curve_is_that_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 200)
    shares = rng.dirichlet(np.ones(classes), 200).round(1) + 0.01  # with ties
    shares /= shares.sum(1, keepdims=True)
    scores = shares[:, 1] if classes == 2 else shares
    expected = roc_auc_score(labels, scores, multi_class="ovr")
    assert roc_auc(shares, labels) == pytest.approx(expected, abs=0.005 if classes == 2 else 1e-9)


def test_divergences_are_those_of_scipy_and_finite_where_a_weight_is_zero() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.ones(6), (2, 20))
    weights, others = torch.from_numpy(one), torch.from_numpy(other)
    np.testing.assert_allclose(kullback_leibler(weights, others), entropy(one, other, axis=1))
    np.testing.assert_allclose(
        jensen_shannon(weights, others), jensenshannon(one, other, axis=1) ** 2, rtol=1e-6
    )
    apart = torch.eye(2, dtype=torch.float64)
    assert torch.isfinite(kullback_leibler(apart, apart.flip(0))).all()
    np.testing.assert_allclose(jensen_shannon(apart, apart.flip(0)), np.log(2))


def test_total_variation_is_half_the_sum_of_differences() -> None:
    logits = torch.tensor([[0.0, 0.0], [np.log(3), 0.0]])
    assert total_variation(logits[0], logits[1]).item() == pytest.approx(0.25)


def test_embeddings_of_words_that_a_batch_has_not_stay_where_they_are(planted: Planted) -> None:
    start, weights, _ = trained_as(
        planted, CELLS[0], VARIANTS["trained"], training=SHORT.model_copy(update={"epochs": 1})
    )
    before, after = start.state_dict()["embedding.weight"], weights["embedding.weight"]
    seen = np.unique(planted.texts("train").token_ids)
    still = (before == after).all(1).numpy()
    assert not still[seen].any()
    assert still[np.setdiff1d(np.arange(len(before)), seen)].all()


def test_no_epoch_before_the_first_allowed_is_kept(planted: Planted) -> None:
    training = TRAINING.model_copy(update={"epochs": 4, "patience": 4, "first_epoch": 3})
    _, _, history = trained_as(planted, CELLS[0], VARIANTS["trained"], training=training)
    assert len(history) == 4
    assert next(row["epoch"] for row in history if row["kept"]) >= 3


@pytest.mark.parametrize("select", ["accuracy", "roc_auc", "loss"])
def test_the_epoch_kept_is_the_best_by_the_criterion(planted: Planted, select: str) -> None:
    training = TRAINING.model_copy(update={"epochs": 5, "patience": 5, "select": select})
    _, _, history = trained_as(planted, CELLS[0], VARIANTS["trained"], training=training)
    values = [row[f"dev_{select}"] for row in history]
    kept = next(row for row in history if row["kept"])
    assert kept[f"dev_{select}"] == (min(values) if select == "loss" else max(values))


def test_jain_and_wallace_train_with_other_settings(planted: Planted) -> None:
    settings = {"optimizer": "adam", "amsgrad": True, "attention_weight_decay": 0.0}
    settings |= {"loss": "sum", "class_weights": True, "select": "roc_auc", "learning_rate": 0.001}
    training = SHORT.model_copy(update=settings)
    start, weights, history = trained_as(planted, CELLS[1], VARIANTS["trained"], training=training)
    assert moved(start.state_dict(), weights) == set(PARTS)
    assert history[-1]["train_loss"] > 5  # a sum over texts, not a mean
