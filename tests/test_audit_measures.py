"""Importance of words to transformers: closed forms, captum, and texts that are cut by hand."""

from captum.attr import IntegratedGradients
import numpy as np
import pytest
from test_audit_views import FAMILIES, TEXTS, WORDS, encoded, model_of
import torch
from transformers_small import DECODERS, small

from attinfo.audit.encoded import Encoded, Row
from attinfo.audit.erasure import WordEraser
from attinfo.audit.measures.gradient import gradient
from attinfo.audit.measures.integrated_gradients import from_baseline, integrated_gradients
from attinfo.audit.measures.leave_one_out import leave_one_out
from attinfo.audit.measures.mask_one_out import mask_one_out
from attinfo.audit.model import TransformerClassifier, embedded
from attinfo.data.batches import ranges
from attinfo.runtime.errors import InputError

every_family = pytest.mark.parametrize("family", FAMILIES)
SOME = np.array([1, 4, 6])


def log_odds_at(
    model: TransformerClassifier, texts: Encoded, text: int, share: float
) -> tuple[float, int]:
    """Log-odds of the predicted class where word embeddings are scaled, and that class."""
    batch = model.padded(texts.rows(np.array([text])))
    predicted = int(model(batch).logits.argmax())
    words = texts.in_batch(np.array([text]), batch.ids.shape[1]).piece

    def scaled(made: torch.Tensor) -> torch.Tensor:
        found = made.clone()
        found[0, words] *= share
        return found

    with torch.no_grad(), embedded(model, scaled):
        p = model(batch).logits.double().softmax(-1)[0, predicted]
    return float(torch.log(p / (1 - p))), predicted


@every_family
def test_integrated_gradients_sum_to_the_difference_of_the_log_odds(family: str) -> None:
    model = model_of(family)
    texts = encoded(model, TEXTS)
    baseline = "mean" if family == "llama" else "zero"  # it scales embeddings first
    values = integrated_gradients(model, texts, SOME, steps=96, baseline=baseline)
    totals = from_baseline(model, texts, SOME, baseline=baseline)
    for text in SOME:
        own = values[texts.offsets[text] : texts.offsets[text + 1]]
        assert own.sum() == pytest.approx(totals[text], abs=0.02 + 0.02 * abs(totals[text]))
        if baseline == "zero":
            whole, none = (log_odds_at(model, texts, text, share)[0] for share in (1, 0))
            assert totals[text] == pytest.approx(whole - none, abs=1e-4)
    others = np.setdiff1d(np.arange(len(texts)), SOME)
    assert np.isnan(values[ranges(texts.offsets, others)]).all()


def test_integrated_gradients_are_those_of_captum() -> None:
    model = model_of("bert")
    texts = encoded(model, TEXTS)
    text = 4
    batch = model.padded(texts.rows(np.array([text])))
    plain = model.embedding(batch.ids).detach()
    words = texts.in_batch(np.array([text]), batch.ids.shape[1])
    start = plain.clone()
    start[0, words.piece] = 0
    predicted = int(model(batch).logits.argmax())

    def odds(given: torch.Tensor) -> torch.Tensor:
        logits = model.network(
            inputs_embeds=given, attention_mask=batch.real.expand(len(given), -1)
        ).logits
        rest = logits.clone()
        rest[:, predicted] = -torch.inf
        return logits[:, predicted] - rest.logsumexp(-1)

    found = IntegratedGradients(odds).attribute(
        plain, baselines=start, n_steps=16, method="gausslegendre", internal_batch_size=16
    )
    expected = words.summed(found.sum(-1)[:, None].float())[:, 0].numpy()
    own = integrated_gradients(model, texts, np.array([text]), steps=16)
    mine = own[texts.offsets[text] : texts.offsets[text + 1]]
    np.testing.assert_allclose(mine, expected, rtol=2e-3, atol=1e-5)


@every_family
def test_gradient_times_input_is_the_slope_of_the_log_odds_as_words_are_scaled(
    family: str,
) -> None:
    model = model_of(family)
    texts = encoded(model, TEXTS)
    values = gradient(model, texts, np.arange(len(texts)))
    step = 1e-2
    for text in SOME:
        own = values[texts.offsets[text] : texts.offsets[text + 1]].sum()
        above, below = (log_odds_at(model, texts, text, 1 + sign * step)[0] for sign in (1, -1))
        slope = (above - below) / (2 * step)
        assert own == pytest.approx(slope, rel=0.05, abs=0.02)


@every_family
def test_leave_one_out_is_what_the_model_says_of_the_shorter_text(family: str) -> None:
    model = model_of(family)
    texts = encoded(model, TEXTS)
    values = leave_one_out(model, texts, SOME)
    text = next(i for i in SOME if texts.lengths[i] == len(TEXTS[i].split()))  # no hyphens
    words = TEXTS[text].split()
    whole = model.probabilities([Row(np.array(model.tokenizer(" ".join(words))["input_ids"]))])[0]
    for i in range(len(words)):
        left = " ".join(words[:i] + words[i + 1 :])
        rest = model.probabilities([Row(np.array(model.tokenizer(left)["input_ids"]))])[0]
        expected = whole[whole.argmax()] - rest[whole.argmax()]
        assert values[texts.offsets[text] + i] == pytest.approx(expected, abs=1e-5)


def test_mask_one_out_replaces_each_subword_of_a_word() -> None:
    model = model_of("bert")
    texts = encoded(model, ["word1 zebra word2", "word3 word4"])
    row = texts.erased(np.array([0]), np.array([[True, False, True]]), model.mask)[0]
    mask = model.tokenizer.mask_token_id
    assert (row.ids == mask).sum() == 5 and len(row) == texts.sizes[0]
    whole, masked = (model.probabilities([own])[0] for own in (texts.rows(np.array([0]))[0], row))
    values = mask_one_out(model, texts, np.arange(2))
    assert values[1] == pytest.approx(whole[whole.argmax()] - masked[whole.argmax()], abs=1e-6)


def test_a_text_of_one_word_has_nothing_to_leave() -> None:
    model = model_of("bert")
    texts = encoded(model, ["word1", "word3 word4"])
    values = leave_one_out(model, texts, np.arange(2))
    assert np.isnan(values[0]) and not np.isnan(values[1:]).any()


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_model_has_no_mask_token(family: str) -> None:
    model = small(family, WORDS)
    with pytest.raises(InputError, match="has no mask token"):
        WordEraser(model, encoded(model, TEXTS), "mask")


def test_a_decoder_pads_with_a_subword_that_no_text_holds() -> None:
    model = small("gpt2", WORDS)
    assert model.config.pad_token_id is None
    texts = encoded(model, TEXTS)
    assert model.config.pad_token_id in set(range(len(model.tokenizer))) - set(texts.ids.tolist())


def limited(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Let models run out of memory with more than `most` texts; returns the sizes of batches."""
    run, sizes = TransformerClassifier.__call__, []

    def call(self, batch, **options):
        if len(batch.ids) > most:
            raise torch.OutOfMemoryError
        sizes.append(len(batch.ids))
        return run(self, batch, **options)

    monkeypatch.setattr(TransformerClassifier, "__call__", call)
    return sizes


def test_sums_of_integrated_gradients_are_read_in_parts_if_memory_is_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = model_of("bert")
    texts, drawn = encoded(model, TEXTS), np.arange(len(TEXTS))
    expected = from_baseline(model, texts, drawn)
    sizes = limited(monkeypatch, 2)
    np.testing.assert_allclose(from_baseline(model, texts, drawn), expected, atol=1e-5)
    assert max(sizes) <= 2


def test_a_baseline_of_zeros_embeds_nothing_and_that_of_means_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*arguments):
        raise AssertionError

    model = model_of("bert")
    texts = encoded(model, TEXTS)
    path = "attinfo.audit.measures.integrated_gradients.word_embeddings"
    monkeypatch.setattr(path, refused)
    assert np.isfinite(from_baseline(model, texts, SOME)[SOME]).all()
    with pytest.raises(AssertionError):
        from_baseline(model, texts, SOME, baseline="mean")


def test_equal_texts_without_a_word_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("bert")
    texts = encoded(model, ["word1 word1 word2", "word3 word4"])
    sizes = limited(monkeypatch, 100)
    values = leave_one_out(model, texts, np.arange(1))
    assert sum(sizes) == 1 + 2  # the whole text, and two shortened ones
    assert values[0] == values[1] != values[2]


@every_family
def test_predictions_with_fused_attention_are_those_of_the_model(family: str) -> None:
    model = model_of(family)
    texts = encoded(model, TEXTS)
    rows = texts.rows(np.arange(len(texts)))
    with torch.no_grad():
        eager = model(model.padded(rows)).logits.double().numpy()
    np.testing.assert_allclose(model.logits(rows), eager, rtol=1e-4, atol=1e-4)
    assert model.config._attn_implementation == "eager"
    with model.fused():
        supported = family not in ("deberta", "deberta_v2")
        assert model.config._attn_implementation == ("sdpa" if supported else "eager")
