"""Small transformers of many families, with random weights or trained on planted texts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, processors
import torch
import transformers
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from attinfo.audit.encoded import Row
from attinfo.audit.model import TransformerClassifier

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789.,!'-"
SIZES = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 16}
MORE = {"intermediate_size": 24, "max_position_embeddings": 48, "pad_token_id": 0}


def _encoder(name: str, **changes: Any) -> Callable[[int], Any]:
    def config(size: int, **own: Any) -> Any:
        given: dict[str, Any] = SIZES | MORE | {"vocab_size": size} | changes | own
        return getattr(transformers, f"{name}Config")(**given)

    return config


FAMILIES: dict[str, Callable[..., Any]] = {
    "bert": _encoder("Bert"),
    "distilbert": _encoder(
        "DistilBert", dim=16, n_layers=3, n_heads=4, hidden_dim=24, hidden_size=16
    ),
    "roberta": _encoder("Roberta"),
    "electra": _encoder("Electra", embedding_size=8),
    "deberta": _encoder("Deberta"),
    "deberta_v2": _encoder("DebertaV2", relative_attention=True, pos_att_type=["p2c", "c2p"]),
    "albert": _encoder("Albert", embedding_size=8),
    "gpt2": lambda size, **own: transformers.GPT2Config(
        vocab_size=size,
        n_embd=16,
        n_layer=3,
        n_head=4,
        n_positions=48,
        bos_token_id=None,
        eos_token_id=None,
        **own,
    ),
    "llama": _encoder("Llama", num_key_value_heads=2, pad_token_id=None),
}
DECODERS = ("gpt2", "llama")


def tokenizer_of(
    words: Sequence[str], decoder: bool = False, segmented: bool = False
) -> PreTrainedTokenizerFast:
    """Whole words of a list, any other word letter by letter; BERT's is `segmented`."""
    vocabulary = [*SPECIAL, *words]
    vocabulary += [letter for letter in ALPHABET if letter not in words]
    vocabulary += [f"##{letter}" for letter in ALPHABET]
    places = {word: i for i, word in enumerate(dict.fromkeys(vocabulary))}
    own = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names: dict[str, Any] = {"unk_token": "[UNK]"}
    if segmented:
        names["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    if not decoder:
        both = [(name, places[name]) for name in ("[CLS]", "[SEP]")]
        own.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=both
        )
        names |= {"pad_token": "[PAD]", "mask_token": "[MASK]"}
        names |= {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=own, model_max_length=48, **names)


def small(
    family: str,
    words: Sequence[str],
    classes: Sequence[str] = ("no", "yes"),
    seed: int = 0,
    scale: float = 4.0,
    **changes: Any,
) -> TransformerClassifier:
    """A small model with random weights; `scale` makes its attention less even."""
    tokenizer = tokenizer_of(words, family in DECODERS)
    names = dict(enumerate(classes))
    config = FAMILIES[family](
        len(tokenizer), id2label=names, label2id={n: i for i, n in names.items()}, **changes
    )
    torch.manual_seed(seed)
    network = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter *= scale
            else:
                parameter += 0.05 * torch.randn_like(parameter)
    return TransformerClassifier(network, tokenizer, 48)


def balanced(
    model: TransformerClassifier, texts: Sequence[str], queries: Sequence[str] | None = None
) -> TransformerClassifier:
    """The model with an output bias by which each class is predicted for some texts."""
    head = [m for m in model.network.modules() if isinstance(m, torch.nn.Linear)]
    last = [m for m in head if m.out_features == len(model.classes)][-1]
    cut = {"truncation": True, "max_length": model.limit}
    sides = [texts] if queries is None else [texts, queries]
    given = [model.tokenizer(*own, **cut) for own in zip(*sides, strict=True)]
    rows = [
        Row(np.array(own["input_ids"]), np.array(own["token_type_ids"]))
        if model.segmented and queries
        else Row(np.array(own["input_ids"]))
        for own in given
    ]
    model.pad_with_unused(np.concatenate([row.ids for row in rows]))
    logits = torch.from_numpy(np.median(model.logits(rows), axis=0)).float()
    if last.bias is not None:
        last.bias -= logits
    return model


def saved(model: TransformerClassifier, folder: Path) -> Path:
    """A model in a folder, as the hub has them."""
    model.network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return folder


def random_texts(words: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """Texts of 3 to 9 words, some of them unknown to the tokeniser."""
    rng = np.random.default_rng(seed)
    pool = [*words, "zebra", "x-ray", "don't"]
    return [" ".join(rng.choice(pool, rng.integers(3, 10))) for _ in range(count)]
