"""The classifier: what its blocks make together, seeds, variants, the store."""

from collections.abc import Callable
from itertools import pairwise, product
import json
from pathlib import Path

from conftest import VARIANTS, Planted, Trained, architecture_of, code_of
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
from torch import Tensor

from attinfo.data.batches import Batch
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier, Output
from attinfo.models.encoders.cnn import CNN
from attinfo.models.encoders.mlp import MLP
from attinfo.models.noise import training_noise
from attinfo.models.protocols import reads_tokens_alone
from attinfo.states.extract import states_of
from attinfo.states.store import read_states, write_states

VOCABULARY = 40
ENCODERS, SCORERS, NORMALISERS = map(code_of, ("encoder", "attention", "normaliser"))
ENCODERS_OF_WORDS = [name for name in ENCODERS if name != "pretrained"]  # see test_pretrained
EVERY_CELL = list(
    product(ENCODERS_OF_WORDS, SCORERS, [f"{n}{t}" for n in NORMALISERS for t in ("", "@0.5")])
)
LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def model_of(
    encoder: str = "mlp",
    attention: str = "additive",
    normaliser: str = "softmax",
    variant: str = "trained",
    seed: int = 1,
) -> Classifier:
    options = architecture_of(encoder, attention, normaliser)
    return Classifier(VOCABULARY, 3, options, VARIANTS[variant], seed).eval()


def batch_of(lengths: list[int], extra: int = 0, seed: int = 0) -> Batch:
    """Texts of random token ids, the same ones whatever the padding."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((len(lengths), max(lengths) + extra), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = rng.integers(1, VOCABULARY, length)
    return Batch(torch.from_numpy(ids), torch.tensor(lengths))


def assert_same(one: Output, other: Output, lengths: Tensor) -> None:
    torch.testing.assert_close(one.logits, other.logits, rtol=1e-4, atol=1e-5)
    for name in ("hidden", "score", "attention"):
        for a, b, n in zip(getattr(one, name), getattr(other, name), lengths, strict=True):
            torch.testing.assert_close(a[:n], b[:n], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", EVERY_CELL, ids="-".join)
def test_what_a_text_is_batched_with_changes_nothing(cell: tuple[str, str, str]) -> None:
    model = model_of(*cell)
    batch = batch_of([4, 1, 9, 6, 2])
    ids, lengths = batch.token_ids, batch.lengths
    with torch.inference_mode():
        output = model(batch)
        padded = model(batch_of([4, 1, 9, 6, 2], extra=5))
        order = torch.tensor([3, 0, 4, 2, 1])
        moved = model(Batch(ids[order], lengths[order]))
        alone = [
            model(Batch(ids[i : i + 1, :n], lengths[i : i + 1])) for i, n in enumerate(lengths)
        ]
    assert_same(output, padded, lengths)
    assert_same(
        output._replace(**{k: v[order] for k, v in output._asdict().items()}), moved, lengths[order]
    )
    for i, single in enumerate(alone):
        assert_same(Output(*(values[i : i + 1] for values in output)), single, lengths[i : i + 1])
    assert output.hidden.shape[-1] == 16  # the same width d whatever the encoder


@given(
    LENGTHS,
    st.sampled_from(["mlp", *[f"cnn{sizes}" for sizes in ([1], [2, 4], [1, 3, 5, 7], [9])]]),
)
def test_the_part_that_reads_tokens_alone_and_the_rest_make_the_encoder(
    lengths: list[int], kind: str
) -> None:
    torch.manual_seed(1)
    encoder = MLP(5, 8) if kind == "mlp" else CNN(5, 8, kernel_sizes=json.loads(kind[3:]))
    assert reads_tokens_alone(encoder)
    embedded = torch.randn(len(lengths), max(lengths) + 1, 5)
    for row, length in enumerate(lengths):
        embedded[row, length:] = 0
    values = encoder.per_token(embedded)
    alone = torch.cat([encoder.per_token(token[None, None])[0] for token in embedded[0]])
    torch.testing.assert_close(values[0], alone)
    for row, length in enumerate(lengths):
        values[row, length:] = 0
    states = encoder.combined(values, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        expected = encoder(embedded, torch.tensor(lengths))[row, :length]
        torch.testing.assert_close(states[row, :length], expected, rtol=1e-4, atol=1e-5)


def test_an_encoder_with_a_forward_of_its_own_is_not_split() -> None:
    class Squared(MLP):
        def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
            return super().forward(embedded, lengths) ** 2

    assert reads_tokens_alone(MLP(3, 4)) and not reads_tokens_alone(Squared(3, 4))


def test_gumbel_noise_is_for_training_alone() -> None:
    model = model_of("mlp", "additive", "gumbel_softmax@0.5")
    batch = batch_of([5, 3])
    first, again = model(batch), model(batch)
    noisy = model(batch, training_noise(torch.Generator().manual_seed(1)))
    assert torch.equal(first.attention, again.attention)
    assert not torch.allclose(first.attention, noisy.attention)
    assert torch.equal(first.score, noisy.score)


def numpy(parameter: Tensor) -> np.ndarray:
    return parameter.detach().numpy()


@pytest.mark.parametrize("encoder", ENCODERS_OF_WORDS)
def test_logits_are_the_readout_of_the_weighted_mean_of_the_states(encoder: str) -> None:
    model = model_of(encoder)
    output = model(batch_of([6, 2, 4]))
    context = np.einsum("bt,btd->bd", numpy(output.attention), numpy(output.hidden))
    logits = context @ numpy(model.output_layer.weight).T + numpy(model.output_layer.bias)
    np.testing.assert_allclose(numpy(output.logits), logits, rtol=1e-4, atol=1e-5)


# Seeds and variants.


@pytest.mark.parametrize("encoder", ENCODERS_OF_WORDS)
def test_cells_with_one_seed_start_from_one_encoder(encoder: str) -> None:
    first, second = model_of(encoder, "additive"), model_of(encoder, "deep", "gumbel_softmax")
    other = model_of(encoder, "additive", seed=2)
    for part in ("embedding", "encoder", "output_layer"):
        one, two, three = (getattr(m, part).state_dict() for m in (first, second, other))
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert not all(torch.equal(one[key], three[key]) for key in one)


def test_making_a_model_leaves_the_global_random_stream_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model_of()
    assert torch.equal(torch.rand(3), expected)


def test_a_frozen_scorer_keeps_its_initial_weights_while_the_rest_learns(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run = trained("mlp", "frozen_scorer")
    start = Classifier(
        *planted.sizes, run.architecture, VARIANTS["frozen_scorer"], seed=1
    ).state_dict()
    for name, weights in run.weights.items():
        assert torch.equal(weights, start[name]) == name.startswith("scorer."), name


def test_training_moves_every_part_of_an_ordinary_model(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run = trained("bilstm")
    start = Classifier(*planted.sizes, run.architecture, VARIANTS["trained"], seed=1).state_dict()
    assert not [name for name, weights in run.weights.items() if torch.equal(weights, start[name])]


@given(lengths=LENGTHS)
@settings(max_examples=20)
def test_uniform_attention_weighs_every_token_of_a_text_the_same(lengths: list[int]) -> None:
    output = model_of(variant="uniform")(batch_of(lengths))
    for weights, length in zip(output.attention, lengths, strict=True):
        assert (weights[:length] == weights[0]).all()
        assert float(weights[0]) == pytest.approx(1 / length, rel=1e-6)
        assert (weights[length:] == 0).all()


def test_uniform_attention_teaches_the_scorer_nothing() -> None:
    uniform, ordinary = model_of(variant="uniform"), model_of()
    for model in (uniform, ordinary):
        model(batch_of([5, 3])).logits.square().sum().backward()
    assert all(p.grad is None for p in uniform.scorer.parameters())
    assert all(p.grad.abs().sum() > 0 for p in ordinary.scorer.parameters())
    assert all(p.grad is not None for p in uniform.encoder.parameters())


def test_permuted_attention_keeps_the_weights_of_each_text_and_moves_them(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run, texts = trained("bilstm"), planted.texts("test")
    plain, permuted = states_of(run.model, texts), states_of(run.model, texts, seed=1, permute=True)
    moved = 0
    for a, b in pairwise(texts.offsets):
        for name in ("attention", "score"):
            assert sorted(plain[name][a:b]) == sorted(permuted[name][a:b])
        by_score = permuted["attention"][a:b][np.argsort(permuted["score"][a:b])]
        assert (np.diff(by_score) >= 0).all()  # scores and weights moved together
        moved += (plain["attention"][a:b] != permuted["attention"][a:b]).any()
    assert moved > 0.95 * len(texts)
    assert (plain["hidden"] == permuted["hidden"]).all()


def test_permuted_attention_is_what_the_permuted_output_is_read_with(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run, texts = trained("bilstm"), planted.texts("test")
    store = states_of(run.model, texts, seed=1, permute=True)
    weighted = store["attention"][:, None] * store["hidden"]
    context = np.add.reduceat(weighted, texts.offsets[:-1])
    logits = context @ store["output_weight"].T + store["output_bias"]
    np.testing.assert_allclose(store["logits"], logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("permute", [False, True])
def test_the_store_does_not_depend_on_the_batches(
    planted: Planted,
    trained: Callable[..., Trained],
    monkeypatch: pytest.MonkeyPatch,
    permute: bool,
) -> None:
    run, texts = trained("bilstm"), planted.texts("test")
    whole = states_of(run.model, texts, 1, permute, 3 * permute)
    monkeypatch.setattr("attinfo.models.inference.BATCH", 7)
    for name, values in states_of(run.model, texts, 1, permute, 3 * permute).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-3, atol=1e-5)


def test_the_store_does_not_depend_on_the_order_of_texts(
    planted: Planted, trained: Callable[..., Trained]
) -> None:
    run, texts = trained("bilstm"), planted.texts("test")
    order = np.random.default_rng(0).permutation(len(texts))
    pieces = [np.arange(texts.offsets[i], texts.offsets[i + 1]) for i in order]
    tokens = np.concatenate(pieces)
    offsets = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    moved = states_of(run.model, Texts(texts.token_ids[tokens], offsets, texts.labels[order]))
    store = states_of(run.model, texts)
    for name in ("hidden", "score", "attention", "token_id"):
        np.testing.assert_allclose(moved[name], store[name][tokens], rtol=1e-3, atol=1e-5)
    for name in ("logits", "label"):
        np.testing.assert_allclose(moved[name], store[name][order], rtol=1e-3, atol=1e-4)


def test_the_store_is_read_back_as_it_was_written(
    planted: Planted, trained: Callable[..., Trained], tmp_path: Path
) -> None:
    arrays = states_of(trained("mlp").model, planted.texts("test"))
    write_states(tmp_path / "states.safetensors", arrays)
    store = read_states(tmp_path / "states.safetensors", hidden=True)
    for name, values in arrays.items():
        assert (getattr(store, name) == values).all()
        assert getattr(store, name).dtype == values.dtype
    assert read_states(tmp_path / "states.safetensors").hidden is None
    assert store.position[store.offsets[:-1]].sum() == 0
    assert (np.bincount(store.text) == store.lengths).all()


def test_a_store_without_an_output_layer_is_read(
    planted: Planted, trained: Callable[..., Trained], tmp_path: Path
) -> None:
    arrays = states_of(trained("mlp").model, planted.texts("test"))
    older = {name: a for name, a in arrays.items() if not name.startswith("output_")}
    write_states(tmp_path / "states.safetensors", older)
    store = read_states(tmp_path / "states.safetensors", hidden=True)
    assert (store.logits == arrays["logits"]).all()
    assert store.output_layer is None
