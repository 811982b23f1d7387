"""The building blocks of a model, each against a law or a second evaluation of its formula.

The tests run over the registries: a new block is tested at once, and asked for what it reads
(`CONTEXTS`), its formula (`FORMULAS`) or its weights (`WEIGHTS`).
"""

from collections.abc import Callable
import inspect
from itertools import pairwise, product
from typing import Any, get_args

from conftest import VARIANTS, architecture_of, chosen, code_of
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.special import ndtr, softmax
from scipy.stats import gumbel_r, kstest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attinfo.blocks.catalogue import KINDS
from attinfo.data.batches import Batch
from attinfo.models import protocols
from attinfo.models.classifier import Classifier
from attinfo.models.encoders.transformer import positions
from attinfo.models.noise import evaluation_noise, training_noise
from attinfo.models.normalisers.gumbel_softmax import gumbel_softmax
from attinfo.runtime.errors import InputError

INPUTS, WIDTH = 10, 16
ENCODERS, SCORERS, NORMALISERS = map(code_of, ("encoder", "attention", "normaliser"))
ENCODERS_OF_WORDS = [name for name in ENCODERS if name != "pretrained"]  # see test_pretrained
LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
every_encoder = pytest.mark.parametrize("name", ENCODERS_OF_WORDS)
every_normaliser = pytest.mark.parametrize("name", NORMALISERS)


def mask_of(lengths: list[int], extra: int = 0) -> Tensor:
    """[B, T] whether a token is real."""
    return torch.arange(max(lengths) + extra) < torch.tensor(lengths)[:, None]


def tokens_of(
    lengths: list[int], width: int, extra: int = 0, padding: float = 0.0, seed: int = 0
) -> Tensor:
    """[B, T, width] float64 features of the tokens, the same ones whatever the padding."""
    rng = np.random.default_rng(seed)
    real = mask_of(lengths, extra)
    features = torch.full((*real.shape, width), padding, dtype=torch.float64)
    features[real] = torch.from_numpy(rng.normal(size=(sum(lengths), width)))
    return features


def numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


@pytest.mark.parametrize("kind", ["encoder", "attention", "normaliser"])
def test_a_block_says_what_it_is_in_one_short_sentence(kind: str) -> None:
    for name, block in KINDS[kind].items():
        assert len(block.summary) <= 125 and not block.summary.endswith("."), name


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """The parameters that a caller must pass."""
    signature = inspect.signature(function)
    return [p.name for p in signature.parameters.values() if p.default is inspect.Parameter.empty]


def test_every_block_has_the_call_signature_of_its_kind() -> None:
    for name, encoder in ENCODERS.items():
        assert parameters_of(encoder.forward) == parameters_of(protocols.Encoder.__call__), name
    for name, scorer in SCORERS.items():
        assert parameters_of(scorer.forward) == parameters_of(protocols.Scorer.__call__), name
    _, scores, noise = parameters_of(protocols.Normaliser.__call__)
    for name, normaliser in NORMALISERS.items():
        assert parameters_of(normaliser) == [scores, "temperature", noise], name


# Encoders.


def encoder_of(name: str, width: int = WIDTH, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return ENCODERS[name](INPUTS, width, **options).double().eval()


@every_encoder
@given(lengths=LENGTHS, extra=st.integers(0, 5), order=st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_the_states_of_a_text_do_not_depend_on_what_it_is_batched_with(
    name: str, lengths: list[int], extra: int, order: Any
) -> None:
    encoder, n = encoder_of(name), torch.tensor(lengths)
    turns = order.sample(range(len(lengths)), len(lengths))
    with torch.inference_mode():
        states = encoder(tokens_of(lengths, INPUTS, extra), n)
        moved = encoder(tokens_of(lengths, INPUTS)[turns], n[turns])
        for row, length in enumerate(lengths):
            alone = encoder(tokens_of(lengths, INPUTS)[row : row + 1, :length], n[row : row + 1])
            assert alone.shape == (1, length, WIDTH)
            assert alone.isfinite().all()
            torch.testing.assert_close(states[row, :length], alone[0])
            torch.testing.assert_close(moved[turns.index(row), :length], alone[0])


@pytest.mark.parametrize("name", [name for name in ENCODERS_OF_WORDS if name != "cnn"])
def test_an_encoder_never_looks_at_padding(name: str) -> None:
    # The convolutions do: to them padding is the zeros beyond the edge of a text.
    encoder, lengths = encoder_of(name), [4, 1, 6]
    embedded = tokens_of(lengths, INPUTS, extra=2).requires_grad_()
    other = tokens_of(lengths, INPUTS, extra=2, padding=5.0)
    real, n = mask_of(lengths, extra=2), torch.tensor(lengths)
    states = encoder(embedded, n)[real]
    torch.testing.assert_close(encoder(other, n)[real], states)
    (states * torch.randn_like(states)).sum().backward()
    assert (embedded.grad[~real] == 0).all()
    assert (embedded.grad[real].abs().sum(-1) > 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["bilstm", "lstm", "bigru", "gru"])
def test_a_recurrent_encoder_is_torchs_own_on_packed_texts(name: str, dtype: torch.dtype) -> None:
    encoder, n = encoder_of(name).to(dtype), torch.tensor([4, 1, 6, 6])
    both = len(encoder.networks) == 2
    torchs = encoder.network(INPUTS, WIDTH // (1 + both), batch_first=True, bidirectional=both)
    torchs = torchs.to(dtype)
    suffixes = "", "_reverse"
    for network, suffix in zip(encoder.networks, suffixes, strict=False):
        for weight, values in network.named_parameters():
            getattr(torchs, weight + suffix).data.copy_(values)
    embedded = tokens_of(n.tolist(), INPUTS, extra=2).to(dtype)
    packed = pack_padded_sequence(embedded, n, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(torchs(packed)[0], batch_first=True)[0]
    real = mask_of(n.tolist())
    torch.testing.assert_close(encoder(embedded, n)[:, :6][real], expected[real])


CONTEXTS: dict[str, Callable[[int, int], bool]] = {  # has state i read word j?
    "bilstm": lambda i, j: True,
    "lstm": lambda i, j: j <= i,
    "bigru": lambda i, j: True,
    "gru": lambda i, j: j <= i,
    "cnn": lambda i, j: abs(i - j) <= 3,
    "mlp": lambda i, j: i == j,
    "transformer": lambda i, j: True,
}


@every_encoder
def test_a_state_has_read_the_words_of_its_context_and_no_other(name: str) -> None:
    encoder, length = encoder_of(name), torch.tensor([9])
    embedded = tokens_of([9], INPUTS)
    states = encoder(embedded, length)[0]
    read = np.zeros((9, 9), dtype=bool)
    for word, change in product(range(9), (-5, 5)):  # one of them wakes a unit that ReLU cut off
        other = embedded.clone()
        other[0, word] += change * torch.arange(1, INPUTS + 1)
        read[:, word] |= numpy((encoder(other, length)[0] - states).abs().amax(-1) > 1e-9)
    np.testing.assert_array_equal(read, np.vectorize(CONTEXTS[name])(*np.indices((9, 9))))


@every_encoder
def test_every_parameter_and_every_word_is_learned_but_no_padding(name: str) -> None:
    options = architecture_of(name)
    model = Classifier(40, 3, options, VARIANTS["trained"], seed=1)
    lengths = [6, 3, 1]
    ids = torch.zeros(3, 8, dtype=torch.int64)
    ids[mask_of(lengths, extra=2)] = torch.arange(1, 11)
    output = model(Batch(ids, torch.tensor(lengths)))
    (output.logits * torch.randn_like(output.logits)).sum().backward()
    for parameter, values in model.named_parameters():
        assert values.grad.abs().sum() > 0, parameter
    learned = model.embedding.weight.grad.abs().sum(1) > 0
    assert learned.tolist() == [1 <= token <= 10 for token in range(40)]


@pytest.mark.parametrize(
    ("options", "width"),
    [
        ({"layers": 1, "heads": 1}, WIDTH),
        ({"layers": 3, "heads": 8, "feedforward": 1, "dropout": 0.0}, WIDTH),
        ({"heads": 3}, 9),
    ],
)
def test_the_transformer_works_at_every_size_its_options_allow(
    options: dict[str, Any], width: int
) -> None:
    encoder = encoder_of("transformer", width, **options)
    assert len(encoder.layers) == options.get("layers", 2)
    assert encoder.layers[0].self_attn.num_heads == options["heads"]
    assert encoder.layers[0].linear1.out_features == options.get("feedforward", 2) * width
    assert encoder(tokens_of([5, 2], INPUTS), torch.tensor([5, 2])).shape == (2, 5, width)


def test_a_transformer_says_the_same_in_inference_mode_where_torch_takes_a_shorter_way() -> None:
    encoder, lengths = encoder_of("transformer"), torch.tensor([7, 3])
    embedded, real = tokens_of([7, 3], INPUTS), mask_of([7, 3])
    with torch.inference_mode():
        fast = encoder(embedded, lengths)
    torch.testing.assert_close(encoder(embedded, lengths)[real], fast[real])


def norm(h: np.ndarray) -> np.ndarray:
    return (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)


def test_a_transformer_is_its_formula() -> None:
    encoder, embedded = encoder_of("transformer", heads=2), tokens_of([6], INPUTS)
    w = {name: numpy(value) for name, value in encoder.state_dict().items()}
    h = embedded[0].numpy() @ w["projection.weight"].T + w["projection.bias"]
    h = 4 * h + positions(6, WIDTH).numpy()  # sqrt(16)
    for layer in ("layers.0.", "layers.1."):
        q, k, v = np.split(
            norm(h) @ w[layer + "self_attn.in_proj_weight"].T + w[layer + "self_attn.in_proj_bias"],
            3,
            axis=1,
        )
        heads = [
            softmax(q[:, part] @ k[:, part].T / np.sqrt(8), axis=1) @ v[:, part]
            for part in (slice(0, 8), slice(8, 16))
        ]
        h = h + np.hstack(heads) @ w[layer + "self_attn.out_proj.weight"].T
        h = h + w[layer + "self_attn.out_proj.bias"]
        inner = norm(h) @ w[layer + "linear1.weight"].T + w[layer + "linear1.bias"]
        inner = inner * ndtr(inner)  # GELU
        h = h + inner @ w[layer + "linear2.weight"].T + w[layer + "linear2.bias"]
    states = encoder(embedded, torch.tensor([6]))[0]
    np.testing.assert_allclose(numpy(states), norm(h), rtol=1e-8, atol=1e-10)


def test_a_transformer_knows_the_order_of_words() -> None:
    encoder, length = encoder_of("transformer"), torch.tensor([5])
    embedded = tokens_of([5], INPUTS)
    states, of_reversed = encoder(embedded, length), encoder(embedded.flip(1), length).flip(1)
    assert ((states - of_reversed).abs().amax(-1) > 1e-3).all()


def test_the_layers_of_a_transformer_start_from_different_weights() -> None:
    first, second = encoder_of("transformer").layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


@pytest.mark.parametrize("width", [6, 7])
def test_positions_are_sines_and_cosines_of_falling_frequency(width: int) -> None:
    expected = [
        [(np.sin, np.cos)[i % 2](place / 10_000 ** (i // 2 * 2 / width)) for i in range(width)]
        for place in range(500)
    ]
    np.testing.assert_allclose(positions(500, width), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("transformer", {"heads": 3}, "heads: found 3, expected a divisor of the width, which"),
        ("cnn", {"kernel_sizes": (1,) * 17}, "kernel_sizes: found 17 sizes, expected 1 to 16"),
        ("cnn", {"kernel_sizes": ()}, "kernel_sizes: found 0 sizes, expected 1 to 16"),
    ],
)
def test_an_option_that_does_not_go_with_the_width_is_reported_in_one_line(
    name: str, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError) as error:
        encoder_of(name, **options)
    assert str(error.value).startswith(f"encoders.{name}.{expected}")
    assert "\n" not in str(error.value)


# Scorers.

Weights = dict[str, np.ndarray]


def additive(w: Weights, h: np.ndarray) -> np.ndarray:
    decoder = h[-1] @ w["last.weight"].T if "last.weight" in w else 0
    return np.tanh(h @ w["hidden.weight"].T + w["hidden.bias"] + decoder) @ w["out.weight"][0]


def deep(w: Weights, h: np.ndarray) -> np.ndarray:
    *layers, out = [value for name, value in w.items() if name.endswith("weight")]
    biases = [value for name, value in w.items() if name.endswith("bias")]
    assert len(layers) >= 2
    for layer, bias in zip(layers, biases, strict=True):
        h = np.tanh(h @ layer.T + bias)
    return h @ out[0]


def dot(w: Weights, h: np.ndarray) -> np.ndarray:
    return h @ w.get("query", h[-1])


def scaled_dot(w: Weights, h: np.ndarray) -> np.ndarray:
    return dot(w, h) / np.sqrt(h.shape[1])


def multiplicative(w: Weights, h: np.ndarray) -> np.ndarray:
    general = w["transposed.weight"].T
    return np.array([w.get("query", h[-1]) @ general @ state for state in h])


FORMULAS = {
    "additive": additive,
    "deep": deep,
    "scaled_dot": scaled_dot,
    "dot": dot,
    "multiplicative": multiplicative,
}  # weights, states [T, d] of one text -> scores [T]


def queries(name: str) -> list[dict[str, str]]:
    """The options of a scorer: one for each query it can have."""
    fields = KINDS["attention"][name].fields
    if "query" not in fields:
        return [{}]
    first, *others = get_args(fields["query"].annotation)  # fails where there is none
    return [{"query": choice} for choice in (first, *others)]


SCORER_CASES = [
    *((name, options) for name in SCORERS for options in queries(name)),
    ("deep", {"layers": 3}),
    ("deep", {"layers": 5, "hidden": 7}),
]
every_scorer = pytest.mark.parametrize(
    ("name", "options"), SCORER_CASES, ids=[f"{n}-{o}" for n, o in SCORER_CASES]
)


def scorer_of(name: str, options: dict[str, Any]) -> nn.Module:
    torch.manual_seed(0)
    return SCORERS[name](12, **options).double()


@every_scorer
@given(lengths=LENGTHS, extra=st.integers(0, 3))
@settings(max_examples=15)
def test_a_scorer_is_its_formula_on_the_real_tokens_of_each_text(
    name: str, options: dict[str, Any], lengths: list[int], extra: int
) -> None:
    scorer = scorer_of(name, options)
    weights = {key: numpy(value) for key, value in scorer.state_dict().items()}
    hidden = tokens_of(lengths, 12, extra, padding=np.nan)  # a glance at it would show
    scores = numpy(scorer(hidden, torch.tensor(lengths)))
    assert scores.shape == hidden.shape[:2]
    for row, states, length in zip(scores, hidden.numpy(), lengths, strict=True):
        expected = FORMULAS[name](weights, states[:length])
        np.testing.assert_allclose(row[:length], expected, rtol=1e-10, atol=1e-12)


@every_scorer
def test_a_scorer_teaches_all_of_its_parameters_and_every_state(
    name: str, options: dict[str, Any]
) -> None:
    scorer, lengths = scorer_of(name, options), [5, 1, 3]
    hidden, real = tokens_of(lengths, 12, extra=2).requires_grad_(), mask_of(lengths, extra=2)
    scores = scorer(hidden, torch.tensor(lengths))[real]
    (scores * torch.randn_like(scores)).sum().backward()
    for parameter, values in scorer.named_parameters():
        assert values.grad.abs().sum() > 0, parameter
    assert (hidden.grad[real].abs().sum(-1) > 0).all()
    assert (hidden.grad[~real] == 0).all()


@pytest.mark.parametrize(("options", "width"), [({}, 6), ({"hidden": 9}, 9)])
@pytest.mark.parametrize("layers", [2, 4])
def test_depth_and_width_of_the_deep_scorer_are_options(
    options: dict[str, Any], width: int, layers: int
) -> None:
    *hidden, out = scorer_of("deep", {"layers": layers, **options}).mlp
    assert [layer.out_features for layer, _ in hidden] == [width] * layers
    assert out.in_features == width


def test_the_last_state_as_decoder_adds_to_the_additive_scorer_and_changes_nothing_else() -> None:
    plain = scorer_of("additive", {"init": "linear"}).state_dict()
    asked = scorer_of("additive", {"init": "linear", "query": "last"}).state_dict()
    assert set(asked) - set(plain) == {"last.weight"}
    assert all(torch.equal(asked[name], values) for name, values in plain.items())


# Normalisers.


def sparsemax(scores: np.ndarray) -> np.ndarray:
    """The projection on the simplex, by sorting (Martins & Astudillo 2016, algorithm 1)."""
    ordered = np.sort(scores)[::-1]
    excess = np.cumsum(ordered) - 1
    support = np.flatnonzero(ordered > excess / np.arange(1, len(scores) + 1))[-1]
    return np.maximum(scores - excess[support] / (support + 1), 0)


def entmax15(scores: np.ndarray) -> np.ndarray:
    """Squares of what of score / 2 exceeds a threshold, found by bisection."""
    half = scores / 2
    low, high = half.max() - 1, half.max()
    for _ in range(100):
        middle = (low + high) / 2
        if (np.maximum(half - middle, 0) ** 2).sum() >= 1:
            low = middle
        else:
            high = middle
    return np.maximum(half - low, 0) ** 2


WEIGHTS = {
    "softmax": softmax,
    "gumbel_softmax": softmax,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
}  # scores [T] of one text at temperature 1, without noise -> weights [T]


def scores_of(lengths: list[int], scale: float = 2.0, extra: int = 0, seed: int = 0) -> Tensor:
    """[B, T] float64 scores, -inf at padding."""
    scores = scale * tokens_of(lengths, 1, extra, seed=seed)[..., 0]
    return scores.masked_fill(~mask_of(lengths, extra), -torch.inf)


TEMPERATURES = st.floats(-2, 2).map(np.exp).map(float)


@every_normaliser
@given(lengths=LENGTHS, extra=st.integers(0, 3), temperature=TEMPERATURES, scale=st.floats(0, 30))
@settings(max_examples=40)
def test_a_normaliser_is_its_formula_on_the_scores_over_the_temperature(
    name: str, lengths: list[int], extra: int, temperature: float, scale: float
) -> None:
    scores = scores_of(lengths, scale, extra)
    weights = numpy(NORMALISERS[name](scores, temperature, None))
    single = numpy(NORMALISERS[name](scores.float(), temperature, None))
    for row, length in enumerate(lengths):
        expected = WEIGHTS[name](scores[row, :length].numpy() / temperature)
        np.testing.assert_allclose(weights[row, :length], expected, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(single[row, :length], expected, atol=2e-5)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize(
    ("name", "options"), [*((n, {}) for n in NORMALISERS), ("gumbel_softmax", {"hard": True})]
)
@given(lengths=LENGTHS, extra=st.integers(0, 4), temperature=TEMPERATURES, scale=st.floats(0, 1e4))
@settings(max_examples=25)
def test_weights_sum_to_one_and_padding_gets_exactly_none(
    name: str,
    options: dict[str, Any],
    noisy: bool,
    lengths: list[int],
    extra: int,
    temperature: float,
    scale: float,
) -> None:
    noise = training_noise(torch.Generator().manual_seed(3)) if noisy else None
    scores = scores_of(lengths, scale, extra).float()
    weights = NORMALISERS[name](scores, temperature, noise, **options)
    assert (weights[~mask_of(lengths, extra)] == 0).all()
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(len(lengths)))


@every_normaliser
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_the_gradient_of_a_normaliser_is_that_of_its_formula(name: str, temperature: float) -> None:
    lengths = [7, 1, 4]
    scores, real = scores_of(lengths, extra=2).requires_grad_(), mask_of(lengths, extra=2)
    direction = torch.randn(scores.shape, dtype=torch.float64).masked_fill(~real, 0)
    (NORMALISERS[name](scores, temperature, None) * direction).sum().backward()
    assert (scores.grad[~real] == 0).all()

    def value(row: int, moved: np.ndarray) -> float:
        weights = WEIGHTS[name](moved / temperature)
        return float(weights @ direction[row, : len(moved)].numpy())

    for row, length in enumerate(lengths):
        at = numpy(scores[row, :length])
        steps = 1e-6 * np.eye(length)
        slope = [(value(row, at + step) - value(row, at - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(scores.grad[row, :length], slope, atol=1e-6)


@pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
def test_sparse_weights_leave_out_tokens_that_softmax_weighs(name: str) -> None:
    scores = scores_of([12] * 20)
    zeros = {n: (NORMALISERS[n](scores, 1.0, None) == 0).sum() for n in ("softmax", name)}
    assert zeros["softmax"] == 0 < zeros[name]


@every_normaliser
def test_a_lower_temperature_gives_a_lower_entropy(name: str) -> None:
    scores = scores_of([8] * 50, scale=1.0)
    weights = [NORMALISERS[name](scores, t, None) for t in (2.0, 1.0, 0.5, 0.1)]
    entropies = [torch.special.entr(w).sum(1) for w in weights]
    for warm, cold in pairwise(entropies):
        assert (cold <= warm + 1e-12).all()
        assert cold.mean() < warm.mean()  # of a text it may stay: one token has all the weight


# Gumbel noise.


@pytest.mark.parametrize("temperature", [0.2, 1.0])
@pytest.mark.parametrize("hard", [False, True])
def test_weights_under_noise_are_the_mean_over_its_draws(hard: bool, temperature: float) -> None:
    lengths, texts = [5, 1, 8], np.array([4, 0, 11])
    scores, noise = scores_of(lengths, extra=2), evaluation_noise(texts, 7, seed=1)
    weights = gumbel_softmax(scores, temperature, noise, hard=hard, draws=7)
    drawn = numpy(noise(scores))
    assert drawn.shape == (7, 3, 10)
    for row, length in enumerate(lengths):
        noisy = numpy(scores)[row, :length] + drawn[:, row, :length]
        each = np.eye(length)[noisy.argmax(1)] if hard else softmax(noisy / temperature, axis=1)
        np.testing.assert_allclose(weights[row, :length], each.mean(0), rtol=1e-10)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_hard_weights_choose_one_token_and_learn_as_soft_ones(temperature: float) -> None:
    lengths = [6, 3, 1, 9]
    direction = torch.randn(4, 9, dtype=torch.float64)
    gradients = {}
    for hard in (False, True):
        noise = training_noise(torch.Generator().manual_seed(2))
        scores = scores_of(lengths).requires_grad_()
        weights = gumbel_softmax(scores, temperature, noise, hard=hard)
        assert bool(((weights == 0) | (weights == 1)).all()) == hard
        (weights * direction).sum().backward()
        gradients[hard] = scores.grad
    torch.testing.assert_close(gradients[True], gradients[False])
    assert (gradients[True][:2].abs().sum(1) > 0).all()


def test_hard_weights_without_noise_choose_the_largest_score() -> None:
    scores = scores_of([6, 3, 1, 9], extra=2)
    weights = gumbel_softmax(scores, 0.5, None, hard=True)
    np.testing.assert_array_equal(weights, np.eye(11)[scores.argmax(1)])


@pytest.mark.parametrize("source", ["training", "evaluation"])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_gumbel_noise_picks_each_token_as_often_as_softmax_weighs_it(
    source: str, temperature: float
) -> None:
    draws = 20_000
    scores = torch.tensor([[0.0, 1.0, 2.0, -1.0, -torch.inf]])
    if source == "training":
        scores = scores.expand(draws, 5)
        noise = training_noise(torch.Generator().manual_seed(0))
    else:
        noise = evaluation_noise(np.array([3]), draws, seed=0)
    picked = gumbel_softmax(scores, temperature, noise, hard=True).mean(0)
    np.testing.assert_allclose(picked[:4], softmax([0.0, 1.0, 2.0, -1.0]), atol=0.012)  # 3.5 sd
    assert picked[4] == 0


def test_evaluation_noise_has_the_gumbel_distribution() -> None:
    drawn = evaluation_noise(np.arange(40), 10, seed=2)(torch.zeros(40, 15, dtype=torch.float64))
    assert kstest(drawn.numpy().ravel(), gumbel_r.cdf).pvalue > 0.01
    rows = drawn.permute(1, 2, 0).reshape(-1, 10).numpy()  # no two tokens share a draw
    assert len(np.unique(rows)) == rows.size


@given(lengths=LENGTHS, extra=st.integers(0, 4), order=st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_what_a_token_draws_depends_on_its_text_and_place_alone(
    lengths: list[int], extra: int, order: Any
) -> None:
    texts = np.array(order.sample(range(1000), len(lengths)))
    together = evaluation_noise(texts, 3, seed=5)(torch.zeros(len(texts), max(lengths) + extra))
    for row, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        alone = evaluation_noise(texts[[row]], 3, seed=5)(torch.zeros(1, length))
        assert torch.equal(together[:, row, :length], alone[:, 0])
        for other, seed in ((text + 1, 5), (text, 6)):
            drawn = evaluation_noise(np.array([other]), 3, seed)(torch.zeros(1, length))
            assert not (drawn == alone).any()


def test_a_classifier_averages_its_draws_whatever_the_batches() -> None:
    drawn = chosen("normaliser", "gumbel_softmax", draws=4)
    options = architecture_of(normaliser="gumbel_softmax@0.5", changes={"normaliser": drawn})
    model = Classifier(40, 3, options, VARIANTS["trained"], seed=1).eval()
    ids = torch.randint(1, 40, (5, 7))
    lengths, texts = torch.full((5,), 7), np.array([8, 2, 30, 4, 1])
    whole = model(Batch(ids, lengths), evaluation_noise(texts, model.draws, seed=1))
    for part in ([3, 0], [1, 2, 4]):
        noise = evaluation_noise(texts[part], model.draws, seed=1)
        output = model(Batch(ids[part], lengths[part]), noise)
        torch.testing.assert_close(output.attention, whole.attention[part])
        torch.testing.assert_close(output.logits, whole.logits[part])
    assert not torch.allclose(whole.attention, model(Batch(ids, lengths)).attention)


@every_normaliser
def test_noise_at_evaluation_is_off_unless_asked_for(name: str) -> None:
    model = Classifier(40, 3, architecture_of(normaliser=name), VARIANTS["trained"])
    assert model.draws == 0


@pytest.mark.parametrize(
    ("scorer", "name"),
    list(product(["scaled_dot", "multiplicative"], ["sparsemax", "gumbel_softmax"])),
)
def test_a_model_of_any_options_trains_without_a_gradient_that_is_not_finite(
    scorer: str, name: str
) -> None:
    changes = {"attention": chosen("attention", scorer, query="last")}
    if name == "gumbel_softmax":
        changes["normaliser"] = chosen("normaliser", name, hard=True)
    options = architecture_of("transformer", scorer, f"{name}@0.1", changes=changes)
    model = Classifier(40, 3, options, VARIANTS["trained"], seed=1)
    ids = torch.randint(1, 40, (4, 9)).masked_fill(~mask_of([9, 1, 4, 2]), 0)
    noise = training_noise(torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    for _ in range(10):
        logits = model(Batch(ids, torch.tensor([9, 1, 4, 2])), noise).logits
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
        assert all(p.grad.isfinite().all() for p in model.parameters())
        optimizer.step()
