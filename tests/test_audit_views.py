"""Attention views of transformers of many families, against formulas in NumPy and networkx."""

from dataclasses import replace
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
import transformers
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers_small import DECODERS, FAMILIES, random_texts, small

from attinfo.audit.anatomy import anatomy_of
from attinfo.audit.attend import Attended, attend, probe_rows
from attinfo.audit.columns import columns_of
from attinfo.audit.encoded import Encoded, encode
from attinfo.audit.head import own_head
from attinfo.audit.model import TransformerClassifier
from attinfo.audit.views.flow import flows
from attinfo.blocks.views import VIEWS
from attinfo.data.tokenization import WORD
from attinfo.runtime.loading import Chosen

WORDS = [f"word{i}" for i in range(12)]
TEXTS = random_texts(WORDS, 14)
every_family = pytest.mark.parametrize("family", FAMILIES)
ALL_VIEWS = [Chosen(v.name, v.path, v.complete("attention view", {})) for v in VIEWS.values()]


def encoded(model: TransformerClassifier, texts: list[str], units: Any = "words") -> Encoded:
    import re

    spans = [np.array([m.span() for m in re.finditer(WORD, text)]) for text in texts]
    found = encode(texts, spans, model.tokenizer, model.limit, units)
    model.pad_with_unused(found.ids)
    return found


@cache
def model_of(family: str) -> TransformerClassifier:
    return small(family, WORDS, ("a", "b", "c"))


@cache
def attended(family: str) -> tuple[Encoded, Attended]:
    texts = encoded(model_of(family), TEXTS)
    drawn = np.ones(len(TEXTS), bool)
    return texts, attend(model_of(family), texts, ALL_VIEWS, drawn, state_words=10_000)


def alone(family: str, text: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Attention [L, H, P, P] and states [L + 1, P, d] of one text, from the model itself."""
    texts, _ = attended(family)
    ids = torch.from_numpy(texts.rows(np.array([text]))[0].ids)[None]
    found = model_of(family).network(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        output_attentions=True,
        output_hidden_states=True,
    )
    attention = torch.stack(found.attentions)[:, 0].detach().numpy().astype(np.float64)
    return attention, torch.stack(found.hidden_states)[:, 0].detach().numpy(), found


def place_of(family: str, size: int) -> int:
    """The classifying token: the last of a decoder model, else the first."""
    return size - 1 if family in DECODERS else 0


def of_words(texts: Encoded, text: int, pieces: np.ndarray) -> np.ndarray:
    """[..., words] sums over the subwords of each word."""
    own = slice(texts.overlaps[text], texts.overlaps[text + 1])
    found = np.zeros((*pieces.shape[:-1], texts.lengths[text]))
    for piece, word in zip(texts.piece[own], texts.word[own], strict=True):
        sharing = (texts.piece[own] == piece).sum()
        found[..., word] += pieces[..., piece] / sharing
    return found


def found_of(family: str, view: str, text: int) -> np.ndarray:
    """[K, words] what `attend` found."""
    texts, own = attended(family)
    words = slice(*texts.offsets[text : text + 2])
    names = columns_of(view, 3, 4)
    return np.stack([own.views[name][words] for name in names])


@every_family
def test_the_classifying_token_is_found_by_gradients(family: str) -> None:
    texts, _ = attended(family)
    anatomy = anatomy_of(model_of(family), probe_rows(texts))
    assert (anatomy.layers, anatomy.heads) == (3, 4)
    assert anatomy.read == ("last" if family in DECODERS else "first")
    assert anatomy.values is not None


@every_family
def test_rows_of_heads_are_those_of_the_model_summed_over_subwords(family: str) -> None:
    texts, _ = attended(family)
    for text in (0, 5):
        attention, _, _ = alone(family, text)
        rows = attention[:, :, place_of(family, attention.shape[2])]
        expected = of_words(texts, text, rows)
        heads = found_of(family, "cls_head", text)
        np.testing.assert_allclose(heads, expected.reshape(12, -1), atol=2e-6)
        layers = found_of(family, "cls_layer", text)
        np.testing.assert_allclose(layers, expected.mean(1), atol=2e-6)
        mean = found_of(family, "cls_mean", text)
        np.testing.assert_allclose(mean[0], expected.mean((0, 1)), atol=2e-6)
        columns = of_words(texts, text, attention.mean((0, 1, 2)))
        np.testing.assert_allclose(found_of(family, "received", text)[0], columns, atol=2e-6)


@every_family
def test_rollout_is_the_product_of_matrices(family: str) -> None:
    texts, _ = attended(family)
    for text in (0, 5):
        attention, _, _ = alone(family, text)
        size = attention.shape[2]
        product = np.eye(size)
        for layer in attention.mean(1):
            product = (layer + np.eye(size)) / 2 @ product
        expected = of_words(texts, text, product[place_of(family, size)])
        np.testing.assert_allclose(found_of(family, "rollout", text)[0], expected, atol=2e-6)


@every_family
def test_gradient_attention_follows_its_equations(family: str) -> None:
    texts, _ = attended(family)
    text = 3
    attention, _, found = alone(family, text)
    size = attention.shape[2]
    with torch.enable_grad():
        model = model_of(family)
        embedding = model.embedding.weight
        embedding.requires_grad_(True)
        try:
            _, _, found = alone(family, text)
            slopes = torch.autograd.grad(found.logits.max(), found.attentions)
        finally:
            embedding.requires_grad_(False)
    relevance = np.eye(size)
    for layer, slope in zip(attention, slopes, strict=True):
        relevance += np.maximum(layer * slope[0].numpy(), 0).mean(0) @ relevance
    expected = (relevance - np.eye(size))[place_of(family, size)]
    own = found_of(family, "gradient_attention", text)[0]
    np.testing.assert_allclose(own, of_words(texts, text, expected), rtol=1e-3, atol=1e-6)


def test_value_norms_of_bert_follow_their_equation() -> None:
    texts, _ = attended("bert")
    text = 4
    attention, states, _ = alone("bert", text)
    for i, layer in enumerate(model_of("bert").network.bert.encoder.layer):
        value, output = layer.attention.self.value, layer.attention.output.dense
        weight, bias = value.weight.detach().numpy(), value.bias.detach().numpy()
        vectors = (states[i] @ weight.T + bias).reshape(len(states[i]), 4, 4)
        maps = output.weight.detach().numpy().reshape(-1, 4, 4)  # [out, heads, size]
        sent = np.einsum("phs,ohs->pho", vectors, maps)  # f(x) of each subword and head
        added = np.einsum("hp,pho->po", attention[i, :, 0], sent)
        expected = of_words(texts, text, np.linalg.norm(added, axis=1))
        own = found_of("bert", "value_norm", text)[i]
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", ["gpt2", "llama", "deberta"])
def test_value_norms_of_packed_shared_and_shifted_values(family: str) -> None:
    """Values inside a wider map, of fewer heads than attention, and with an added bias."""
    texts, _ = attended(family)
    text = 2
    attention, states, _ = alone(family, text)
    network, size = model_of(family).network, attention.shape[2]
    for i in range(3):
        values, maps = values_of(family, network, i, states[i])
        sent = np.einsum("phs,ohs->pho", values, maps)
        added = np.einsum("hp,pho->po", attention[i, :, place_of(family, size)], sent)
        expected = of_words(texts, text, np.linalg.norm(added, axis=1))
        own = found_of(family, "value_norm", text)[i]
        np.testing.assert_allclose(own, expected, rtol=2e-4, atol=1e-6)


def values_of(family: str, network: Any, i: int, states: np.ndarray) -> tuple[np.ndarray, Any]:
    """[P, heads, size] value vectors of a layer and [out, heads, size] maps."""
    given = torch.from_numpy(states)
    with torch.no_grad():
        if family == "gpt2":
            block = network.transformer.h[i]
            values = block.attn.c_attn(block.ln_1(given[None]))[0, :, 32:]
            output = block.attn.c_proj.weight.T
        elif family == "llama":
            block = network.model.layers[i]
            values = block.self_attn.v_proj(block.input_layernorm(given))
            values = values.reshape(-1, 2, 1, 4).expand(-1, 2, 2, 4).reshape(-1, 16)
            output = block.self_attn.o_proj.weight
        else:
            block = network.deberta.encoder.layer[i].attention
            own = block.self
            values = own.in_proj(given).reshape(-1, 4, 12)[:, :, 8:].reshape(-1, 16) + own.v_bias
            output = block.output.dense.weight
    return values.numpy().reshape(-1, 4, 4), output.numpy().reshape(-1, 4, 4)


def test_flow_is_the_maximum_flow_of_networkx() -> None:
    rng = np.random.default_rng(0)
    layers, size = 3, 5
    attention = rng.dirichlet(np.full(size, 0.4), (layers, size))
    graph = nx.DiGraph()
    for layer, weights in enumerate((attention + np.eye(size)) / 2):
        for upper, lower in np.ndindex(size, size):
            graph.add_edge((layer + 1, upper), (layer, lower), capacity=weights[upper, lower])
    expected = [nx.maximum_flow_value(graph, (layers, 1), (0, to)) for to in range(size)]
    np.testing.assert_allclose(flows(attention, np.eye(size)[1]), expected, atol=1e-4)


@every_family
def test_flow_of_a_model_starts_at_the_classifying_token(family: str) -> None:
    texts, _ = attended(family)
    attention, _, _ = alone(family, 1)
    size = attention.shape[2]
    expected = flows(attention.mean(1), np.eye(size)[place_of(family, size)])
    own = found_of(family, "flow", 1)[0]
    np.testing.assert_allclose(own, of_words(texts, 1, expected), atol=1e-4)


@every_family
def test_padding_batch_size_and_order_of_texts_change_nothing(family: str) -> None:
    texts, first = attended(family)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    model = model_of(family)
    one_by_one = TransformerClassifier(model.network, model.tokenizer, model.limit, batch=1)
    again_texts = encoded(one_by_one, [TEXTS[i] for i in order])
    again = attend(one_by_one, again_texts, ALL_VIEWS, np.ones(len(TEXTS), bool), 10_000)
    assert first.views.keys() == again.views.keys()
    for place, text in enumerate(order):
        own = slice(*texts.offsets[text : text + 2])
        other = slice(*again_texts.offsets[place : place + 2])
        np.testing.assert_allclose(first.logits[text], again.logits[place], atol=1e-5)
        for name in first.views:
            np.testing.assert_allclose(
                first.views[name][own], again.views[name][other], rtol=2e-3, atol=2e-5
            )
        for mine, theirs in zip(first.states, again.states, strict=True):
            np.testing.assert_allclose(mine[own], theirs[other], rtol=1e-3, atol=1e-4)


def test_texts_that_are_not_drawn_can_be_left_out() -> None:
    texts, whole = attended("bert")
    drawn = np.arange(len(TEXTS)) % 3 == 0
    found = attend(model_of("bert"), texts, ALL_VIEWS, drawn, drawn_only=True)
    of_drawn = np.repeat(drawn, texts.lengths)
    for name, own in whole.views.items():
        np.testing.assert_allclose(found.views[name][of_drawn], own[of_drawn], rtol=2e-3, atol=2e-5)
        assert np.isnan(found.views[name][~of_drawn]).all()
    assert (np.isnan(found.logits).all(1) == ~drawn).all()


def test_states_are_means_over_the_subwords_of_a_word() -> None:
    texts, own = attended("bert")
    text = next(i for i, string in enumerate(TEXTS) if "zebra" in string)
    _, states, _ = alone("bert", text)
    pieces, words = np.diff(texts.overlaps)[text], texts.lengths[text]
    assert pieces > words  # "zebra" has five subwords
    overlaps = slice(texts.overlaps[text], texts.overlaps[text + 1])
    for word in range(words):
        mine = texts.piece[overlaps][texts.word[overlaps] == word]
        place = texts.offsets[text] + word
        np.testing.assert_allclose(own.states[2][place], states[2][mine].mean(0), atol=1e-5)


def test_mass_on_special_subwords_and_words_is_all_there_is() -> None:
    texts, own = attended("bert")
    for name in columns_of("cls_head", 3, 4):
        on_words = np.add.reduceat(own.views[name], texts.offsets[:-1])
        np.testing.assert_allclose(on_words + own.special[name], 1, atol=1e-5)
        assert (own.special[name] > 0).all()


def test_subwords_can_be_ranked_themselves() -> None:
    model = model_of("bert")
    texts = encoded(model, ["a zebra word1"], "subwords")
    assert texts.lengths.tolist() == [7]  # a, five letters of zebra, word1
    assert texts.piece.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (texts.ends - texts.starts).tolist() == [1, 1, 1, 1, 1, 1, 5]


class Averaging(transformers.BertForSequenceClassification):
    """A BERT that classifies from the mean of its last states."""

    def forward(self, input_ids, attention_mask, return_dict=True, **options):
        found = self.bert(input_ids, attention_mask=attention_mask, **options)
        real = attention_mask[..., None]
        mean = (found.last_hidden_state * real).sum(1) / real.sum(1)
        return SequenceClassifierOutput(
            logits=self.classifier(mean),
            hidden_states=found.hidden_states,
            attentions=found.attentions,
        )


def averaging() -> TransformerClassifier:
    """A small model that averages all states."""
    own = small("bert", WORDS)
    network = Averaging._from_config(own.config, attn_implementation="eager")
    network.load_state_dict(own.network.state_dict())
    return TransformerClassifier(network, own.tokenizer, own.limit)


def test_of_a_model_that_averages_all_states_the_mean_of_all_rows_is_read() -> None:
    model = averaging()
    texts = encoded(model, TEXTS)
    assert anatomy_of(model, probe_rows(texts)).read == "all"
    found = attend(model, texts, ALL_VIEWS, np.ones(len(TEXTS), bool))
    for text in (0, 5):
        ids = torch.from_numpy(texts.rows(np.array([text]))[0].ids)[None]
        with torch.no_grad():
            made = model.network(ids, torch.ones_like(ids), output_attentions=True)
        attention = torch.stack(made.attentions)[:, 0].numpy().astype(np.float64)
        words = slice(*texts.offsets[text : text + 2])
        expected = of_words(texts, text, attention.mean((0, 1, 2)))
        np.testing.assert_allclose(found.views["cls_mean"][words], expected, atol=2e-6)
        product = np.eye(ids.shape[1])
        for layer in attention.mean(1):
            product = (layer + np.eye(ids.shape[1])) / 2 @ product
        expected = of_words(texts, text, product.mean(0))
        np.testing.assert_allclose(found.views["rollout"][words], expected, atol=2e-6)


@every_family
def test_the_own_head_gives_the_logits_of_the_model_at_the_classifying_token(family: str) -> None:
    model, (texts, _) = model_of(family), attended(family)
    rows = probe_rows(texts)
    states, logits = [], []
    for text in range(4):
        _, own, found = alone(family, text)
        states.append(own[-1, place_of(family, own.shape[1])])
        logits.append(found.logits[0].detach().numpy())
    head = own_head(model, anatomy_of(model, rows), rows[0], np.array(states))
    assert head is not None
    made = head.features @ head.weight.T + head.bias
    np.testing.assert_allclose(made, logits, rtol=1e-4, atol=1e-4)


def test_a_head_that_is_not_read_at_one_token_is_left_out() -> None:
    model = averaging()
    rows = probe_rows(encoded(model, TEXTS))
    anatomy = anatomy_of(model, rows)
    states = np.zeros((3, 16), np.float32)
    assert own_head(model, anatomy, rows[0], states) is None
    # The check finds that a state alone does not give the logits, whatever the anatomy says.
    assert own_head(model, replace(anatomy, read="first"), rows[0], states) is None


@pytest.mark.parametrize("units", ["words", "subwords"])
def test_words_beyond_the_window_are_left_out_and_counted(units: str) -> None:
    model = model_of("bert")
    texts = encoded(model, [" ".join(["word1"] * 60)], units)
    assert texts.sizes.tolist() == [48] and texts.lengths.tolist() == [46]
    assert texts.lost.tolist() == [14]
