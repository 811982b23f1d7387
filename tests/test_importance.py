"""Importance measures and erasure against closed forms, finite differences and one-by-one loops."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from conftest import VARIANTS, architecture_of, chosen, code_of
import numpy as np
import pandas as pd
import pytest
from test_pretrained import tiny_bert, tiny_roberta, tokens_of
import torch
from torch import Tensor

from attinfo.blocks.measures import MEASURES as BLOCKS
from attinfo.config.sections.dataset import Dataset
from attinfo.config.sections.training import Training
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.batches import pad
from attinfo.data.prepare import prepare
from attinfo.data.sources.planted import planted
from attinfo.data.texts import Texts, read_summary, read_texts
from attinfo.data.truth import read_truth
from attinfo.explain import erasure
from attinfo.explain.completeness import completeness_table
from attinfo.explain.erasure import Eraser, shortened
from attinfo.explain.importance import completeness, drawn_texts, importance
from attinfo.explain.measures import gradient as by_gradient
from attinfo.explain.measures import integrated_gradients as by_integration
from attinfo.explain.measures import leave_one_out as by_deletion
from attinfo.explain.measures.attention_norm import attention_norm
from attinfo.explain.measures.attribution import log_odds
from attinfo.explain.measures.contribution import contribution
from attinfo.explain.measures.gradient import gradient
from attinfo.explain.measures.integrated_gradients import integrated_gradients
from attinfo.explain.measures.leave_one_out import leave_one_out
from attinfo.explain.measures.score import score
from attinfo.keys import RUN
from attinfo.models.classifier import Classifier, build
from attinfo.models.encoders.pretrained import SubwordModel, features, folder_of, with_subwords
from attinfo.models.noise import evaluation_noise
from attinfo.runtime.errors import InputError
from attinfo.states.extract import states_of
from attinfo.states.store import States
from attinfo.training.train import train

VOCABULARY = 30
MEASURES = code_of("importance measure")
IG_TOTAL = BLOCKS["integrated_gradients"].total
ENCODERS = ["mlp", "cnn", "bilstm", "transformer"]
every_encoder = pytest.mark.parametrize("encoder", ENCODERS)


def texts_of(rows: list[list[int]]) -> Texts:
    return Texts(
        token_ids=np.concatenate(rows).astype(np.int64),
        offsets=np.cumsum([0, *map(len, rows)]),
        labels=np.zeros(len(rows), np.int64),
    )


def some_texts(lengths: list[int], seed: int = 0) -> Texts:
    rng = np.random.default_rng(seed)
    return texts_of([rng.integers(2, VOCABULARY, n).tolist() for n in lengths])


TEXTS = some_texts([5, 1, 9, 3, 5, 2, 7, 9])


def model_of(
    encoder: str = "mlp",
    normaliser: str = "softmax",
    variant: str = "trained",
    classes: int = 3,
    **normalising: Any,
) -> Classifier:
    """A random model whose output depends on its words, and whose weights are uneven."""
    kind = normaliser.partition("@")[0]
    changes = {"normaliser": chosen("normaliser", kind, **normalising)}
    options = architecture_of(encoder, normaliser=normaliser, changes=changes)
    teacher = model_of("bilstm") if VARIANTS[variant].imposed else None
    model = build(VOCABULARY, classes, options, VARIANTS[variant], 3, teacher).eval()
    with torch.no_grad():
        for part in (model.embedding, model.scorer, model.output_layer):
            for weight in part.parameters():
                weight.mul_(3)
    return model


def outputs(model: Classifier, texts: Texts, embedded: Tensor | None = None) -> Tensor:
    """Logits of the texts in one batch."""
    chosen = np.arange(len(texts))
    noise = evaluation_noise(chosen, model.draws, 5) if model.draws else None
    return model(pad(texts, chosen), noise, embedded).logits


def by_text(values: np.ndarray, texts: Texts) -> list[np.ndarray]:
    return [values[a:b] for a, b in pairwise(texts.offsets)]


# Gradients.


@pytest.mark.parametrize("classes", [2, 4])
def test_log_odds_are_those_of_the_probabilities_and_ignore_what_all_logits_share(
    classes: int,
) -> None:
    logits = torch.randn(6, classes, generator=torch.Generator().manual_seed(0)).double()
    which = torch.arange(6) % classes
    p = logits.softmax(-1)[torch.arange(6), which]
    torch.testing.assert_close(log_odds(logits, which), (p / (1 - p)).log())
    torch.testing.assert_close(log_odds(logits + 7, which), log_odds(logits, which))


def test_the_gradient_of_single_words_under_uniform_weights_is_the_closed_form() -> None:
    model = model_of("mlp", variant="uniform", classes=2)
    predicted = outputs(model, TEXTS).argmax(1).numpy()
    w, b = (p.detach().numpy() for p in model.encoder.linear.parameters())
    out = model.output_layer.weight.detach().numpy()
    embedding = model.embedding.weight.detach().numpy()
    found = by_text(gradient(model, TEXTS, None, 0), TEXTS)
    for ids, label, values in zip(by_text(TEXTS.token_ids, TEXTS), predicted, found, strict=True):
        e = embedding[ids]
        slope = (out[label] - out[1 - label]) * (1 - np.tanh(e @ w.T + b) ** 2) / len(ids)
        np.testing.assert_allclose(values, ((slope @ w) * e).sum(1), rtol=1e-4, atol=1e-6)


@every_encoder
@pytest.mark.parametrize("through", [True, False])
def test_the_gradient_is_the_slope_as_a_token_is_scaled(encoder: str, through: bool) -> None:
    model, step = model_of(encoder).double(), 1e-5
    batch = pad(TEXTS, np.arange(len(TEXTS)))
    found = gradient(model, TEXTS, None, 0, through_attention=through)
    with torch.no_grad():
        embedded, weights = model.embed(batch), model(batch).attention
        predicted = outputs(model, TEXTS).argmax(1)

        def explained(place: int, factor: float) -> Tensor:
            scaled = embedded.clone()
            scaled[:, place] *= factor
            if through:
                return log_odds(outputs(model, TEXTS, scaled), predicted)
            return log_odds(model.classify(model.encode(batch, scaled), weights), predicted)

        for place in range(9):
            slope = (explained(place, 1 + step) - explained(place, 1 - step)) / (2 * step)
            for text, values in enumerate(by_text(found, TEXTS)):
                if place < len(values):
                    assert values[place] == pytest.approx(slope[text].item(), rel=1e-3, abs=1e-6)


@every_encoder
@pytest.mark.parametrize(
    ("normaliser", "options"),
    [("softmax", {}), ("sparsemax", {}), ("gumbel_softmax@0.5", {"draws": 3})],
)
def test_integrated_gradients_add_up_to_the_change_of_the_log_odds(
    encoder: str, normaliser: str, options: dict[str, Any]
) -> None:
    model = model_of(encoder, normaliser, **options)
    found = by_text(integrated_gradients(model, TEXTS, None, 5, steps=400), TEXTS)
    with torch.no_grad():
        logits = outputs(model, TEXTS)
        predicted = logits.argmax(1)
        zero = torch.zeros_like(model.embed(pad(TEXTS, np.arange(len(TEXTS)))))
        change = log_odds(logits, predicted) - log_odds(outputs(model, TEXTS, zero), predicted)
    # Where ReLU or sparsemax have kinks, the sum over steps converges slowly.
    bound = 0.05 if encoder == "cnn" or normaliser == "sparsemax" else 1e-4
    np.testing.assert_allclose([v.sum() for v in found], change, atol=bound)
    assert np.abs(change.numpy()).max() > 0.5


def test_integrated_gradients_are_the_mean_gradient_along_the_way() -> None:
    model, parts = model_of("bilstm"), 400
    batch = pad(TEXTS, np.arange(len(TEXTS)))
    with torch.no_grad():
        embedded, predicted = model.embed(batch), outputs(model, TEXTS).argmax(1)
    mean = torch.zeros_like(embedded)
    for part in range(parts):
        point = (embedded * (part + 0.5) / parts).requires_grad_()
        mean += torch.autograd.grad(log_odds(model(batch, None, point).logits, predicted).sum(),
                                    point)[0] / parts  # fmt: skip
    expected = (mean * embedded).sum(-1).numpy()
    for text, values in enumerate(by_text(integrated_gradients(model, TEXTS, None, 0), TEXTS)):
        np.testing.assert_allclose(values, expected[text, : len(values)], atol=1e-4)


def test_imposed_weights_are_explained_with_the_words_of_the_model_that_reads_them() -> None:
    model = model_of(variant="imposed")
    for values in (gradient(model, TEXTS, None, 0), integrated_gradients(model, TEXTS, None, 0)):
        assert np.isfinite(values).all() and (values != 0).all()


# Erasure.


@pytest.mark.parametrize(
    ("encoder", "normaliser", "variant", "options"),
    [(encoder, "softmax", "trained", {}) for encoder in ENCODERS]
    + [
        ("bilstm", "entmax15", "trained", {}),
        ("bilstm", "softmax", "uniform", {}),
        ("mlp", "softmax", "imposed", {}),
        ("bilstm", "gumbel_softmax@0.5", "trained", {"draws": 4}),
    ],
)
def test_leaving_one_out_is_what_a_loop_over_shortened_texts_finds(
    encoder: str, normaliser: str, variant: str, options: dict[str, Any]
) -> None:
    model = model_of(encoder, normaliser, variant, **options)
    found = by_text(leave_one_out(model, TEXTS, None, 5), TEXTS)

    def probabilities(ids: list[int], text: int, places: list[int]) -> np.ndarray:
        def noise(scores: Tensor) -> Tensor:  # of a token, wherever it stands now
            return evaluation_noise(np.array([text]), model.draws, 5)(torch.empty(1, 9))[
                ..., places
            ]

        with torch.no_grad():
            output = model(pad(texts_of([ids]), np.array([0])), noise if model.draws else None)
        return output.logits.double().softmax(-1)[0].numpy()

    for text, ids in enumerate(by_text(TEXTS.token_ids, TEXTS)):
        ids, places = ids.tolist(), list(range(len(ids)))
        whole = probabilities(ids, text, places)
        for place in places:
            if len(ids) == 1:
                assert np.isnan(found[text][place])
                continue
            rest = places[:place] + places[place + 1 :]
            left = probabilities([ids[i] for i in rest], text, rest)
            predicted = whole.argmax()
            assert found[text][place] == pytest.approx(whole[predicted] - left[predicted], abs=1e-6)
    assert np.nanmax(np.abs(np.concatenate(found))) > 0.05


def test_with_all_tokens_kept_the_model_says_what_it_says() -> None:
    model = model_of("bilstm", "gumbel_softmax@0.5", draws=2)
    expected = outputs(model, TEXTS).softmax(-1).detach().numpy()
    np.testing.assert_allclose(Eraser(model, TEXTS, 5).whole, expected, atol=1e-6)


def test_a_text_of_which_nothing_is_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="without kept tokens"):
        Eraser(model_of(), TEXTS).probabilities(np.array([0]), np.zeros((1, 5), bool))


def test_texts_of_one_token_alone_have_no_token_to_leave_out() -> None:
    assert np.isnan(leave_one_out(model_of(), some_texts([1, 1]), None, 0)).all()


@pytest.mark.parametrize("name", ["gradient", "integrated_gradients", "leave_one_out"])
@every_encoder
def test_neither_padding_nor_the_size_of_a_batch_nor_the_order_of_texts_changes_anything(
    name: str, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(encoder)
    expected = by_text(MEASURES[name](model, TEXTS, None, 0), TEXTS)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    rows = [by_text(TEXTS.token_ids, TEXTS)[i].tolist() for i in order]
    longer = texts_of([*rows, *[[3] * 40] * 3])
    monkeypatch.setattr(by_gradient, "ROWS", 300)
    monkeypatch.setattr(by_integration, "ROWS", 300)
    monkeypatch.setattr(by_deletion, "TEXTS", 3)
    monkeypatch.setattr(erasure, "BATCH", 3)
    found = by_text(MEASURES[name](model, longer, None, 0), longer)
    for place, text in enumerate(order):
        np.testing.assert_allclose(found[place], expected[text], rtol=1e-5, atol=2e-6)


STRINGS = ["good word a!", "bad", "word (café) x, bad word 7", "good good bad ab", "x " * 30]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"), places=24)


def some_subsets(texts: Texts, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six random sets of kept tokens of each text."""
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(len(texts)), 6)
    keep = Eraser.real(texts.lengths)[source]
    keep &= (rng.random(keep.shape) < 0.5) | (np.arange(keep.shape[1]) == 0)
    return source, keep


def test_the_pieces_of_a_shortened_text_are_those_of_the_text_without_the_deleted_words(
    bert: Path,
) -> None:
    strings = STRINGS[:-1]  # the last is read in two windows
    texts, starts, ends = tokens_of(strings)
    texts = with_subwords(texts, strings, starts, ends, str(bert))
    source, keep = some_subsets(texts)
    found = shortened(texts, source, keep)
    written = []
    for text, kept in zip(source, keep, strict=True):
        kept_tokens = np.flatnonzero(kept) + texts.offsets[text]
        written.append(" ".join(strings[text][starts[i] : ends[i]] for i in kept_tokens))
    expected, starts, ends = tokens_of(written)
    expected = with_subwords(expected, written, starts, ends, str(bert))
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    for field in ("windows", "offsets", "ids", "overlaps", "piece", "token"):
        np.testing.assert_array_equal(
            getattr(found.pieces, field), getattr(expected.pieces, field), err_msg=field
        )


@pytest.mark.parametrize("make", [tiny_bert, tiny_roberta])
def test_pieces_stay_in_their_window_and_as_long_as_one_of_their_tokens_does(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    strings = [*STRINGS, "a... b... c...", "x " * 50]  # "..." is one piece of the second model
    texts, starts, ends = tokens_of(strings)
    texts = with_subwords(texts, strings, starts, ends, str(make(tmp_path)))
    pieces = texts.pieces
    assert np.diff(pieces.windows).max() > 1
    source, keep = some_subsets(texts)
    found = shortened(texts, source, keep).pieces
    window = 0
    for text, kept in zip(source, keep, strict=True):
        place = np.cumsum(kept) - 1
        for w in range(pieces.windows[text], pieces.windows[text + 1]):
            ids = pieces.ids[pieces.offsets[w] : pieces.offsets[w + 1]]
            over = slice(pieces.overlaps[w], pieces.overlaps[w + 1])
            pairs = list(zip(pieces.piece[over], pieces.token[over], strict=True))
            stays = [
                p for p in range(len(ids))
                if all(q != p for q, _ in pairs) or any(q == p and kept[t] for q, t in pairs)
            ]  # fmt: skip
            expected = [(stays.index(p), place[t]) for p, t in pairs if kept[t]]
            overlaps = slice(found.overlaps[window], found.overlaps[window + 1])
            assert list(zip(found.piece[overlaps], found.token[overlaps], strict=True)) == expected
            held = found.ids[found.offsets[window] : found.offsets[window + 1]]
            assert held.tolist() == ids[stays].tolist()
            window += 1
    assert window == len(found.offsets) - 1


@pytest.mark.parametrize("fine_tune", [True, False])
def test_a_pretrained_encoder_is_explained_too(bert: Path, fine_tune: bool) -> None:
    texts, starts, ends = tokens_of(STRINGS)
    texts = with_subwords(texts, STRINGS, starts, ends, str(bert))
    if not fine_tune:
        subwords = SubwordModel(folder_of(str(bert), None))
        found = np.empty((len(texts.token_ids), 24), np.float32)
        features(subwords, texts, found)
        texts = Texts(texts.token_ids, texts.offsets, texts.labels, features=found)
    encoder = chosen("encoder", "pretrained", model=str(bert), fine_tune=fine_tune)
    options = architecture_of(changes={"encoder": encoder})
    model = Classifier(60, 2, options, VARIANTS["trained"]).eval()
    states = States(**states_of(model, texts))
    table = importance(model, texts, states, 0, [chosen("importance measure", n) for n in MEASURES])
    undefined = table["leave_one_out"].isna()
    assert (undefined == (states.lengths[states.text] == 1)).all()
    assert table.drop(columns="leave_one_out").notna().all(axis=None)
    # One by one, without a batch.
    one, keep = 2, np.ones(texts.lengths[2], bool)
    keep[1] = False
    with torch.no_grad():
        whole = model(pad(texts, np.array([one]))).logits.softmax(-1)[0]
        remaining = shortened(texts, np.array([one]), keep[None])
        left = model(pad(remaining, np.array([0]))).logits.softmax(-1)[0]
    drop = (whole - left)[whole.argmax()].item()
    assert table.query("text == 2 and token == 1")["leave_one_out"].item() == pytest.approx(
        drop, abs=1e-6
    )


# The store.


def test_weighted_norms_and_scores_are_those_of_the_store() -> None:
    model = model_of("bilstm")
    states = States(**states_of(model, TEXTS))
    lengths = [w * np.sqrt((h**2).sum()) for w, h in zip(states.attention, states.hidden)]  # noqa: B905
    np.testing.assert_allclose(attention_norm(model, TEXTS, states, 0), lengths, rtol=1e-5)
    np.testing.assert_array_equal(score(model, TEXTS, states, 0), states.score)


CELLS = [
    ("mlp", "softmax", "trained", {}),
    ("cnn", "softmax@0.5", "trained", {}),
    ("bilstm", "sparsemax", "trained", {}),
    ("transformer", "entmax15", "trained", {}),
    ("bigru", "gumbel_softmax@0.5", "trained", {"draws": 3}),
    ("gru", "gumbel_softmax@0.5", "trained", {"hard": True}),
    ("lstm", "softmax", "uniform", {}),
    ("cnn", "softmax", "imposed", {}),
    ("bilstm", "softmax", "permuted", {}),
]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(
    ("encoder", "normaliser", "variant", "options"), CELLS, ids=["-".join(c[:3]) for c in CELLS]
)
def test_the_contributions_of_a_text_and_the_bias_sum_to_the_margin_of_its_logits(
    encoder: str, normaliser: str, variant: str, options: dict[str, Any], classes: int
) -> None:
    model = model_of(encoder, normaliser, variant, classes, **options)
    states = States(**states_of(model, TEXTS, 5, permute=VARIANTS[variant].permute))
    share = contribution(model, TEXTS, states, 5).astype(np.float64)
    total = np.add.reduceat(share, states.offsets[:-1])
    bias, y = model.output_layer.bias.detach().numpy(), states.predicted
    others = np.array([np.delete(row, k).mean() for row, k in zip(states.logits, y, strict=True)])
    margin = states.logits[np.arange(len(y)), y] - others
    of_bias = np.array([bias[k] - np.delete(bias, k).mean() for k in y])
    np.testing.assert_allclose(total + of_bias, margin, rtol=1e-5, atol=2e-5)
    assert (share < 0).any() and (share > 0).any()
    if not VARIANTS[variant].permute:  # the model's own function, not only the store's
        with torch.no_grad():
            noise = evaluation_noise(np.arange(8), model.draws, 5) if model.draws else None
            logits = model(pad(TEXTS, np.arange(8)), noise).logits.numpy()
        np.testing.assert_allclose(states.logits, logits, rtol=1e-4, atol=1e-5)


def test_a_contribution_needs_states_and_output_layer() -> None:
    arrays = states_of(model_of(), TEXTS)
    for missing in ("hidden", "output_weight"):
        with pytest.raises(ValueError, match="expected one with both"):
            contribution(model_of(), TEXTS, States(**(arrays | {missing: None})), 0)


def test_a_table_has_a_row_for_each_token_and_a_column_for_each_measure() -> None:
    model = model_of("cnn")
    states = States(**states_of(model, TEXTS))
    wanted = {"leave_one_out": {}, "gradient": {"through_attention": False}, "score": {}}
    measures = [chosen("importance measure", name, **options) for name, options in wanted.items()]
    table = importance(model, TEXTS, states, 0, measures)
    assert list(table) == ["text", "token", "drawn", *wanted]
    assert (table.dtypes[list(wanted)] == np.float32).all()
    assert table["text"].tolist() == np.repeat(np.arange(8), TEXTS.lengths).tolist()
    assert table["token"].tolist() == [i for n in TEXTS.lengths for i in range(n)]
    np.testing.assert_array_equal(
        table["gradient"], gradient(model, TEXTS, states, 0, through_attention=False)
    )
    assert (table["gradient"] < 0).any()


@pytest.mark.parametrize("normaliser", ["softmax", "gumbel_softmax"])
def test_costly_measures_have_the_same_values_for_drawn_texts_and_none_for_others(
    normaliser: str,
) -> None:
    noisy = {"draws": 2} if normaliser == "gumbel_softmax" else {}
    model = model_of("bilstm", normaliser, **noisy)
    states, drawn = States(**states_of(model, TEXTS)), np.array([2, 3, 6])
    measures = [chosen("importance measure", name) for name in MEASURES]
    costly = [name for name, block in BLOCKS.items() if block.costly]
    assert {"leave_one_out", "integrated_gradients"} <= set(costly)
    whole = importance(model, TEXTS, states, 1, measures)
    part = importance(model, TEXTS, states, 1, measures, costly, drawn)
    own = np.isin(states.text, drawn)
    assert whole["drawn"].all() and (part["drawn"] == own).all()
    for name in MEASURES:
        if name in costly:
            np.testing.assert_allclose(part.loc[own, name], whole.loc[own, name], atol=1e-5)
            assert part.loc[~own, name].isna().all()
        else:
            np.testing.assert_array_equal(part[name], whole[name])


@every_encoder
def test_the_completeness_of_integrated_gradients_is_the_error_of_their_sum(encoder: str) -> None:
    model = model_of(encoder)
    states, totals = States(**states_of(model, TEXTS)), {"integrated_gradients": IG_TOTAL}
    largest = {}
    for steps in (2, 64):
        measures = [chosen("importance measure", "integrated_gradients", steps=steps)]
        drawn = np.array([0, 2, 5, 6])
        table = importance(model, TEXTS, states, 1, measures, ["integrated_gradients"], drawn)
        found = completeness(model, TEXTS, states, 1, table, totals).set_index("text")
        assert found.index.tolist() == drawn.tolist()
        for text, row in found.iterrows():
            batch = pad(TEXTS, np.array([text]))
            embedded = model.embed(batch)
            whole, zero = (model(batch, None, e).logits for e in (embedded, 0 * embedded))
            predicted = whole.argmax(-1)
            expected = (log_odds(whole, predicted) - log_odds(zero, predicted)).item()
            values = table.loc[table["text"] == text, "integrated_gradients"].sum()
            assert row["total"] == pytest.approx(expected, abs=1e-4)
            assert row["error"] == pytest.approx(values - expected, abs=1e-4)
        largest[steps] = found["error"].abs().max()
    assert largest[64] < 0.02 and largest[64] < largest[2]


def test_a_study_tells_the_completeness_of_each_run() -> None:
    error = np.array([0.1, -0.2, 0.3, -4])
    frame = pd.DataFrame({"text": range(4), "measure": "m", "total": -2.0, "error": error})
    runs = [frame.assign(**dict.fromkeys(RUN, "x") | {"seed": seed}) for seed in (1, 2)]
    table = completeness_table([*runs, runs[0].iloc[:0]])
    assert table["seed"].tolist() == [1, 2] and (table["texts"] == 4).all()
    assert (table["largest"] == 4).all() and (table["median_total"] == 2).all()
    np.testing.assert_allclose(table["median"], 0.25)
    assert table["p95"].between(0.3, 4).all()
    assert list(completeness_table([runs[0].iloc[:0]])) == list(table)


def test_texts_are_drawn_at_random_and_a_smaller_draw_is_part_of_a_larger_one() -> None:
    draws = [drawn_texts(100, most, 1) for most in (10, 40, 1000, None)]
    assert [len(draw) for draw in draws] == [10, 40, 100, 100]
    assert set(draws[0]) < set(draws[1])
    assert not np.array_equal(draws[0], drawn_texts(100, 10, 2))
    assert all((np.diff(draw) > 0).all() for draw in draws)


# What is known.

TRAINING = Training(epochs=8, patience=4, batch_size=64, learning_rate=0.01)


@pytest.fixture(scope="module")
def bilstm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classifier, Texts, np.ndarray]:
    """A trained model, the test texts, and which of their tokens decide the class."""
    folder = tmp_path_factory.mktemp("keyword")
    planted(rule="keyword", texts=5000).to_parquet(folder / "raw.parquet")
    asked = Dataset(source={"name": "planted"}, split={"train": 0.5})
    prepare(folder / "raw.parquet", asked.model_dump(), folder / "data")
    parts = (read_texts(folder / "data", split) for split in ("train", "dev"))
    sizes, cell = (read_summary(folder / "data")["vocabulary"], 2), architecture_of("bilstm")
    variant = VARIANTS["trained"]
    weights, _ = train(
        *parts, *sizes, architecture=cell, training=TRAINING, variant=variant, seed=1
    )
    model = Classifier(*sizes, cell, variant)
    model.load_state_dict(weights)
    truth = read_truth(folder / "data", "test")
    assert truth is not None
    return model.eval(), read_texts(folder / "data", "test"), truth.decisive


@pytest.mark.parametrize("name", ["gradient", "integrated_gradients", "leave_one_out"])
def test_the_keyword_comes_first_in_a_trained_bilstm(
    bilstm: tuple[Classifier, Texts, np.ndarray], name: str
) -> None:
    model, texts, decisive = bilstm
    values = by_text(MEASURES[name](model, texts, None, 1), texts)
    first = [k[v.argmax()] for k, v in zip(by_text(decisive, texts), values, strict=True)]
    assert np.mean(first) >= 0.95


# The config.


def study(importance: dict[str, Any]) -> StageOptions:
    blocks = {"dataset": "mine", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    mine = {"source": {"name": "files", "path": "mine.csv"}}
    config = {"study": "s", "seeds": [1], "datasets": {"mine": mine}, "grid": [blocks]}
    return StageOptions(Study.checked(config | {"importance": importance}))


def test_every_measure_of_a_study_has_all_its_options() -> None:
    assert [measure["name"] for measure in study({}).importance()["measures"]] == list(MEASURES)
    asked = {"measures": "gradient", "options": {"gradient": {"through_attention": False}}}
    (gradients,) = study(asked).importance()["measures"]
    assert (gradients["name"], gradients["options"]) == ("gradient", {"through_attention": False})


def test_texts_are_drawn_for_costly_measures_only() -> None:
    asked = {"texts": 600, "measures": ["gradient", "leave_one_out"]}
    found = study(asked).importance()
    assert (found["costly"], found["texts"]) == (["leave_one_out"], 600)
    found = study(asked | {"measures": "gradient"}).importance()
    assert (found["costly"], found["texts"]) == ([], None)


@pytest.mark.parametrize(
    ("importance", "line"),
    [
        ({"texts": 499}, "faithfulness.texts: found 500, expected at most 499"),
        ({"texts": 0}, "importance.texts: found 0"),
        ({"measures": ["gradients"]}, "unknown importance measure 'gradients': did you mean"),
        ({"options": {"integrated_gradients": {"steps": 0}}}, "option 'steps'"),
        ({"options": {"leave_one_out": {"steps": 3}}}, "importance.options: unknown option"),
    ],
)
def test_a_wrong_measure_or_option_is_refused_in_one_line(
    importance: dict[str, Any], line: str
) -> None:
    with pytest.raises(InputError) as raised:
        study(importance)
    assert line in str(raised.value) and "\n" not in str(raised.value)
