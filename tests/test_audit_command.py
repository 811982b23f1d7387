"""A reader's own classifier, of another kind and with other classes, by the one command."""

import csv
import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import pandas as pd
from project import ROOT
import pytest
from test_audit_input import write_reviews
from test_audit_views import WORDS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
import torch
import transformers
from transformers_small import balanced, random_texts, saved, small, tokenizer_of

from attinfo.audit.model import TransformerClassifier

CLASSES = ("Negative", "Neutral", "Positive")


def byte_level(texts: list[str]) -> transformers.PreTrainedTokenizerFast:
    """A tokeniser of the kind of RoBERTa's: byte pairs, with blanks inside the subwords."""
    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    own.train_from_iterator(texts, trainer)
    own.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=own,
        model_max_length=40,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


def roberta(texts: list[str]) -> TransformerClassifier:
    """A small RoBERTa with three classes."""
    tokenizer = byte_level(texts)
    names = dict(enumerate(CLASSES))
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=48,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        id2label=names,
        label2id={name: i for i, name in names.items()},
    )
    torch.manual_seed(3)
    network = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= 5 if parameter.dim() > 1 else 1
    return balanced(TransformerClassifier(network, tokenizer, 40), texts)


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "attinfo.audit", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_one_command_audits_a_model_with_other_classes_and_another_tokeniser(
    tmp_path: Path,
) -> None:
    data = write_reviews(tmp_path / "reviews.csv", 120)
    with data.open(newline="", encoding="utf-8") as file:
        texts = [row["review"] for row in csv.DictReader(file)]
    saved(roberta(texts), tmp_path / "model")
    given = ["model", "reviews.csv", "--text", "review", "--label", "stars"]
    for label, name in zip(("bad", "fine", "good"), CLASSES, strict=True):
        given += ["--class", f"{label}={name}"]
    done = command(tmp_path, *given, "--out", "audited", "--cores", "2")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "For this model, on these texts, " in done.stdout
    results = tmp_path / "audited/results/reviews"
    page = (results / "audit.html").read_text("utf-8")
    assert "Does the attention of this model explain it?" in page and "<script>" in page
    found = pd.read_parquet(results / "models/model/1/texts.parquet")
    assert set(found["predicted"]) <= set(CLASSES) and found["predicted"].nunique() > 1
    assert (found["lost"] == 0).all() and len(found) == len(set(texts))
    agreement = pd.read_csv(results / "models/model/1/agreement.csv")
    assert agreement["estimate"].abs().max() <= 1
    assert np.isfinite(agreement.loc[agreement["kind"] == "view", "estimate"]).all()


@pytest.mark.slow
def test_one_command_audits_a_model_that_reads_two_texts(tmp_path: Path) -> None:
    texts, names = random_texts(WORDS, 120), np.random.default_rng(3).choice(WORDS, 120)
    table = pd.DataFrame({"passage": texts, "answer": ["no", "yes"] * 60})
    table["question"] = [f"is it <b>{name}</b>?" for name in names]
    table.to_csv(tmp_path / "asked.csv", index=False)
    model = small("bert", WORDS)
    model.tokenizer = tokenizer_of(WORDS, segmented=True)
    saved(balanced(model, texts, table["question"].tolist()), tmp_path / "model")
    given = ["model", "asked.csv", "--text", "passage", "--query", "question", "--label", "answer"]
    done = command(tmp_path, *given, "--out", "audited", "--cores", "2")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "For this model, on these texts, " in done.stdout
    results = tmp_path / "audited/results/asked"
    page = (results / "audit.html").read_text("utf-8")
    assert "<strong>Query:</strong> <bdi>is it &lt;b&gt;word" in page
    columns = pd.read_csv(results / "models/model/1/columns.csv")
    assert (columns["query"] > 0).all() and (columns["query"] + columns["special"] < 1).all()
    found = pd.read_parquet(results / "models/model/1/texts.parquet")
    assert len(found) == len(table[["passage", "question"]].drop_duplicates())


@pytest.mark.slow
def test_the_command_stops_in_one_line_where_a_class_has_no_name(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 90)
    saved(small("bert", WORDS, ("a", "b", "c")), tmp_path / "model")
    done = command(
        tmp_path, "model", "reviews.csv", "--text", "review", "--label", "stars", "--cores", "1"
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert (
        "models.model: the data has the classes bad, fine, good, the model a, b, c" in done.stderr
    )
    assert not (tmp_path / "results/reviews/audit.html").exists()
