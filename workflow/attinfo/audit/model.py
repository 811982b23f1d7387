"""Text classifiers in the layout of the Hugging Face hub: reading, checking and running them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attinfo.audit.encoded import Row, groups_by_length
from attinfo.data.model_folders import check_model_folder
from attinfo.data.names import alike
from attinfo.models.huggingface import config_of, folder_of, network_of, tokenizer_of
from attinfo.runtime.devices import in_parts
from attinfo.runtime.errors import InputError

log = logging.getLogger(__name__)
CELLS = 4096  # subwords of a padded batch: larger ones are no faster on a processor
CLASSIFIER = "AutoModelForSequenceClassification"  # of transformers
EAGER, FUSED = "eager", "sdpa"  # implementations of attention; the first one returns its weights


@dataclass(frozen=True)
class Padded:
    """Texts side by side: `ids` [B, P] and `real` [B, P], 1 at subwords and 0 at padding.

    `segments` [B, P] are None if the model gets none.
    """

    ids: Tensor
    real: Tensor
    segments: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        """[B] number of subwords of each text."""
        return self.real.sum(1)


class TransformerClassifier:
    """A sequence classifier of `transformers` in float32, with frozen weights.

    Args:
        network: the model of `transformers`.
        tokenizer: its fast tokeniser; None if all texts come as subwords.
        limit: the largest number of subwords of a text.
        batch: the largest number of texts in a batch.
    """

    def __init__(self, network: nn.Module, tokenizer: Any, limit: int, batch: int = 32) -> None:
        self.network: Any = network.eval().requires_grad_(False)
        self.tokenizer, self.limit, self.batch = tokenizer, limit, batch
        self.config = self.network.config
        self.classes = [str(self.config.id2label[i]) for i in range(self.config.num_labels)]
        self._pad = self.config.get_text_config().pad_token_id

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        found: torch.device = next(self.network.parameters()).device
        return found

    @property
    def mask(self) -> int | None:
        """The mask token, as the number of the subword; None if the model has none."""
        return None if self.tokenizer is None else self.tokenizer.mask_token_id

    @property
    def segmented(self) -> bool:
        """Whether the tokeniser gives the segments of two texts, and the network knows two."""
        name = "token_type_ids"
        given = self.tokenizer is not None and name in self.tokenizer.model_input_names
        taken = name in signature(self.network.forward).parameters
        return given and taken and getattr(self.config, "type_vocab_size", 2) > 1

    @property
    def embedding(self) -> nn.Module:
        """The module that gives each subword its vector."""
        found: nn.Module = self.network.get_input_embeddings()
        return found

    def pad_with_unused(self, ids: np.ndarray) -> None:
        """Choose a subword for padding that occurs in no text, if the model has none of its own.

        A decoder model finds the end of each text by the padding.

        Args:
            ids: the subwords of all texts.

        Raises:
            InputError: every subword of the model occurs in the texts.
        """
        if self._pad is None:
            size = self.embedding.weight.shape[0]
            unused = np.setdiff1d(np.arange(size), ids)
            if not len(unused):
                raise InputError(
                    f"the model has no padding subword, and the texts hold all its {size} subwords"
                )
            self._pad = self.config.get_text_config().pad_token_id = int(unused[-1])

    def padded(self, rows: Sequence[Row]) -> Padded:
        """Make a batch of texts. Padding follows each text."""
        width = max(map(len, rows))
        ids = np.full((len(rows), width), self._pad or 0)
        real = np.arange(width) < np.array([len(row) for row in rows])[:, None]
        ids[real] = np.concatenate([row.ids for row in rows])
        parts = [ids, real.astype(np.int64)]
        given = [row.segments for row in rows if row.segments is not None]
        if given:
            parts.append(np.zeros_like(ids))
            parts[-1][real] = np.concatenate(given)
        return Padded(*(torch.from_numpy(part).to(self.device) for part in parts))

    def __call__(self, batch: Padded, **options: Any) -> Any:
        """Run the model on a batch; `options` are those of its `forward`."""
        if batch.segments is not None:
            options["token_type_ids"] = batch.segments
        return self.network(
            input_ids=batch.ids, attention_mask=batch.real, return_dict=True, **options
        )

    @contextmanager
    def fused(self) -> Iterator[None]:
        """Within the block, compute attention without returning its weights, which is faster.

        Results differ by rounding. A model without such an implementation stays as it is.
        """
        before = self.config._attn_implementation
        if before == EAGER and getattr(self.network, "_supports_sdpa", False):
            self.network.set_attn_implementation(FUSED)
        try:
            yield
        finally:
            if self.config._attn_implementation != before:
                self.network.set_attn_implementation(before)

    def probabilities(self, rows: Sequence[Row]) -> np.ndarray:
        """[texts, C] float64 class probabilities of texts that come as subwords.

        Raises:
            InputError: the memory of the device is too small for a single text.
        """
        return _softmax(self.logits(rows))

    def logits(self, rows: Sequence[Row]) -> np.ndarray:
        """[texts, C] float64 logits of texts that come as subwords.

        Raises:
            InputError: the memory of the device is too small for a single text.
        """
        lengths = np.array([len(row) for row in rows])
        found = np.full((len(rows), len(self.classes)), np.nan)

        def read(chosen: np.ndarray) -> np.ndarray:
            logits: Tensor = self(self.padded([rows[i] for i in chosen])).logits
            return logits.double().cpu().numpy()

        with torch.inference_mode(), self.fused():
            for chosen in groups_by_length(lengths, CELLS, most=8 * self.batch):
                chosen = chosen[lengths[chosen] > 0]  # of a text without subwords: NaN
                for part, values in in_parts(chosen, read, self.device) if len(chosen) else ():
                    found[part] = values
        return found


@contextmanager
def embedded(model: TransformerClassifier, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Within the block, replace the embeddings [B, P, size] of the subwords by `change` of them.

    The block runs the model once.

    Raises:
        InputError: the model embeds something else by the same module.
    """
    calls = 0

    def changed(module: nn.Module, given: Any, made: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise InputError(
                f"this model ({model.config.model_type}) embeds the segments of its tokeniser as "
                "if they were subwords, expected segments with embeddings of their own, or a "
                "tokeniser without 'token_type_ids' in its model_input_names"
            )
        return change(made)

    hook = model.embedding.register_forward_hook(changed)
    try:
        yield
    finally:
        hook.remove()


def _softmax(logits: np.ndarray) -> np.ndarray:
    found = np.exp(logits - logits.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True)


def read_model(
    model: str | Path, revision: str | None = None, place: str = "model", batch: int = 32
) -> TransformerClassifier:
    """Read a text classifier in the layout of the Hugging Face hub.

    Weights are read from safetensors only, and code that comes with the model is never run.

    Args:
        model: its folder, or its name on the hub.
        revision: commit that pins a model on the hub; None for a folder.
        place: the key of the config that names the model, for messages.
        batch: the largest number of texts in a batch.

    Raises:
        InputError: there is no such model, or it cannot be audited.
    """
    folder = folder_of(str(model), revision, place)
    check_layout(folder, place)
    config = config_of(folder, place)
    if config.is_encoder_decoder:
        raise InputError(
            f"{place}: {folder}: a {config.model_type} has an encoder and a decoder, expected a "
            "model with one stack of layers"
        )
    tokenizer, limit = tokenizer_of(folder, place)
    network, loading = network_of(CLASSIFIER, folder, place, attn_implementation=EAGER)
    if missing := sorted(loading["missing_keys"]):
        kind = type(network).__name__
        raise InputError(
            f"{place}: {folder}: has no weights for '{missing[0]}' "
            f"({len(missing)} are missing), expected a classifier with a trained head ({kind}); "
            "'fine_tune' trains one"
        )
    if config.num_labels < 2:
        raise InputError(
            f"{place}: {folder}: predicts {config.num_labels} number, expected two classes or more"
        )
    return TransformerClassifier(network, tokenizer, limit, batch)


def check_layout(folder: Path, place: str) -> None:
    """Check the layout of a model's folder, and that `transformers` has this kind of model.

    Raises:
        InputError: the layout is wrong, or the model needs code of its own.
    """
    config = check_model_folder(folder, place)
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = config.get("model_type")
    if kind not in CONFIG_MAPPING:
        why = "asks for code of its own, which is never run" if "auto_map" in config else "unknown"
        raise InputError(
            f"{place}: {folder}: model_type is '{kind}': {why}; expected a kind of model that "
            "transformers has"
        )


def untrained(model: TransformerClassifier, seed: int) -> TransformerClassifier:
    """Make a model with the same config and random weights.

    Args:
        model: the trained model.
        seed: of the weights; the random state of torch is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = type(model.network)._from_config(model.config, attn_implementation=EAGER)
    network = network.float().to(model.device)
    return TransformerClassifier(network, model.tokenizer, model.limit, model.batch)


def places_of_classes(
    classes: Sequence[str], model: Sequence[str], given: Mapping[str, str], place: str
) -> np.ndarray:
    """Find the model's class for each class of the data.

    Args:
        classes: names of the data's classes.
        model: names of the model's classes, in its order.
        given: class of the data -> class of the model; empty to match the names.
        place: the key of the config that names the model, for messages.

    Returns:
        [classes] places in `model`.

    Raises:
        InputError: the names do not match, or the model has fewer classes than the data.
    """
    shown = f"the data has the classes {', '.join(classes)}, the model {', '.join(model)}"
    if len(model) < len(classes):
        raise InputError(f"{place}: {shown}: expected a model with {len(classes)} classes or more")
    names = {alike(name): i for i, name in enumerate(model)}
    if given:
        wanted = [given.get(name) for name in classes]
        for name, own in zip(classes, wanted, strict=True):
            if own is None or alike(own) not in names:
                found = "none" if own is None else f"'{own}'"
                raise InputError(
                    f"{place}.labels: the class '{name}' of the data has the model's class "
                    f"{found}, expected one of {', '.join(model)}"
                )
        found_places = [names[alike(str(own))] for own in wanted]
    elif all(alike(name) in names for name in classes):
        found_places = [names[alike(name)] for name in classes]
    elif all(name.isdigit() and int(name) < len(model) for name in classes):
        found_places = [int(name) for name in classes]
    else:
        raise InputError(
            f"{place}: {shown}: expected the same names; "
            "name the model's class of each under 'labels'"
        )
    if len(set(found_places)) < len(found_places):
        raise InputError(f"{place}.labels: two classes of the data have one class of the model")
    return np.array(found_places)
