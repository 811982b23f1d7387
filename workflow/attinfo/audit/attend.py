"""Attention views, the shares of weights that are on no word, and hidden states, in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import logging
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
import torch

from attinfo.audit.anatomy import Anatomy, anatomy_of
from attinfo.audit.columns import columns_of
from attinfo.audit.encoded import Encoded, Row, groups_by_length
from attinfo.audit.model import CELLS, TransformerClassifier
from attinfo.audit.progress import progress
from attinfo.audit.reading import read_batch
from attinfo.blocks.views import VIEWS
from attinfo.data.batches import ranges
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import in_parts
from attinfo.runtime.loading import Chosen

log = logging.getLogger(__name__)
ROOM = 2.5e8  # bytes of attention, gradients and copies that a batch may hold
COPIES = 4  # of the attention of a batch, at most, as it is reduced


@dataclass(frozen=True)
class Attended:
    """What `attend` computes.

    Attributes:
        views: column -> [words] weights. A column is a view, with layer and head where it has them
            ("cls_head.5.3").
        special: column -> [texts] share of the weight on subwords of no word, such as [CLS], those
            of queries left out.
        asked: column -> [texts] share of the weight on the query; empty without queries.
        logits: [texts, C].
        states: layers + 1 arrays [words, d] float32, for the words of the texts `kept`; layer 0
            holds the embeddings.
        kept: [texts] bool, the texts whose states are kept.
    """

    views: dict[str, np.ndarray]
    special: dict[str, np.ndarray]
    asked: dict[str, np.ndarray]
    logits: np.ndarray
    states: list[np.ndarray]
    kept: np.ndarray


def probe_rows(texts: Encoded) -> list[Row]:
    """Two short texts for `anatomy_of`, of unequal length unless all texts are equally long."""
    order = np.argsort(texts.sizes, kind="stable")
    longer = order[texts.sizes[order] > max(8, texts.sizes[order[0]])]
    return texts.rows(np.array([order[0], longer[0] if len(longer) else order[-1]]))[::-1]


def attend(
    model: TransformerClassifier,
    texts: Encoded,
    views: Sequence[Chosen],
    drawn: np.ndarray,
    state_words: int = 0,
    label: str = "attention",
    drawn_only: bool = False,
) -> Attended:
    """Compute attention views batch by batch. Attention itself is not kept.

    Args:
        model: the model.
        texts: the texts.
        views: attention views, with their options.
        drawn: [texts] bool, the texts for which expensive views are computed. These views are NaN
            for the other texts.
        state_words: states are kept for texts with this many words in all, the drawn texts first.
        label: of the progress bar.
        drawn_only: whether to leave out the texts that are not drawn; all values of these are NaN.

    Returns:
        The views. A view that needs value vectors is left out if these are not found.

    Raises:
        InputError: the model does not return its attention, or the memory of the device is too
            small for a single text.
    """
    anatomy = anatomy_of(model, probe_rows(texts))
    used = [view for view in views if anatomy.values is not None or not VIEWS[view.name].values]
    columns = {view.name: columns_of(view.name, *_sizes(anatomy)) for view in used}
    words = int(texts.offsets[-1])
    found = {name: np.full(words, np.nan, np.float32) for own in columns.values() for name in own}
    special = {name: np.full(len(texts), np.nan, np.float32) for name in found}
    asked = {name: own.copy() for name, own in special.items() if texts.asked is not None}
    logits = np.full((len(texts), len(model.classes)), np.nan)
    kept = _kept(texts, drawn, state_words)
    place = np.where(np.repeat(kept, texts.lengths), 1, 0).cumsum() - 1  # of a word in the states
    states: list[np.ndarray] = []
    slopes = any(VIEWS[view.name].slopes for view in used)
    values = any(VIEWS[view.name].values for view in used)

    def read(chosen: np.ndarray) -> None:
        batch = model.padded(texts.rows(chosen))
        own_drawn = torch.from_numpy(drawn[chosen]).to(model.device)
        seen = read_batch(model, anatomy, batch, own_drawn, slopes, values)
        logits[chosen] = seen.logits.double().cpu().numpy()
        overlaps = texts.in_batch(chosen, batch.ids.shape[1])
        at = ranges(texts.offsets, chosen)
        row = np.repeat(np.arange(len(chosen)), texts.lengths[chosen])
        of_query = texts.is_query(chosen, batch.ids.shape)
        for view in used:
            weights = view.load()(seen.reading, **view.options).float().cpu()
            of_words = overlaps.summed(weights).numpy()
            total = (weights * seen.reading.real[:, None].cpu()).sum(-1).numpy()  # [B, K]
            for k, name in enumerate(columns[view.name]):
                found[name][at] = of_words[:, k]
                on_words = np.bincount(row, of_words[:, k], minlength=len(chosen))
                with np.errstate(invalid="ignore", divide="ignore"):
                    rest = 1 - on_words / total[:, k]
                    if asked:
                        share = (weights[:, k] * of_query).sum(-1).numpy() / total[:, k]
                        asked[name][chosen] = share
                        rest -= share
                special[name][chosen] = np.clip(rest, 0, 1)
        if kept[chosen].any():
            if not states:
                sizes = [int(layer.shape[-1]) for layer in seen.states]
                number = int(place[-1] + 1)
                states.extend(np.zeros((number, size), np.float32) for size in sizes)
            mine = kept[chosen][row]
            for layer, own in zip(states, seen.states, strict=True):
                layer[place[at[mine]]] = overlaps.averaged(own.cpu())[mine].numpy()

    own = np.flatnonzero(drawn) if drawn_only else np.arange(len(texts))
    groups = groups_by_length(_shares(texts.sizes[own], anatomy), 1.0, model.batch)
    with torch.no_grad(), progress(label, len(own)) as advance:
        for places in groups:
            for part, _ in in_parts(own[places], read, model.device):
                advance(len(part))
    return Attended(found, special, asked, logits, states, kept)


def _shares(sizes: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """[texts] share of the room of a batch that each text takes, by attention or by subwords."""
    attention = sizes.astype(float) ** 2 * anatomy.layers * anatomy.heads * 4 * COPIES / ROOM
    return np.maximum(attention, sizes / CELLS)


def _sizes(anatomy: Anatomy) -> tuple[int, int]:
    return anatomy.layers, anatomy.heads


def _kept(texts: Encoded, drawn: np.ndarray, most: int) -> np.ndarray:
    """[texts] bool: the first texts that have `most` words in all, drawn texts before others."""
    order = np.concatenate([np.flatnonzero(drawn), np.flatnonzero(~drawn)])
    kept = np.zeros(len(texts), bool)
    kept[order[texts.lengths[order].cumsum() <= most]] = True
    return kept


def write_attended(attended: Attended, views: str | Path, states: str | Path) -> None:
    """Write weights as Parquet, and the rest as safetensors; read by `read_attended`."""
    with whole(views) as path:
        pd.DataFrame(attended.views).to_parquet(path, index=False)
    tensors = {f"state.{i}": own for i, own in enumerate(attended.states)}
    for kind, shares in (("special", attended.special), ("query", attended.asked)):
        tensors |= {f"{kind}.{name}": own for name, own in shares.items()}
    tensors |= {"logits": attended.logits, "kept": attended.kept}
    with whole(states) as path:
        save_file({name: np.ascontiguousarray(own) for name, own in tensors.items()}, path)


def read_attended(views: str | Path, states: str | Path) -> Attended:
    """Read what `write_attended` wrote."""
    table = pd.read_parquet(views)
    tensors: Mapping[str, np.ndarray] = load_file(states)
    layers = sum(name.startswith("state.") for name in tensors)

    def of(kind: str) -> dict[str, np.ndarray]:
        start = f"{kind}."
        return {n.removeprefix(start): own for n, own in tensors.items() if n.startswith(start)}

    return Attended(
        views={str(name): table[name].to_numpy() for name in table},
        special=of("special"),
        asked=of("query"),
        logits=tensors["logits"],
        states=[tensors[f"state.{i}"] for i in range(layers)],
        kept=tensors["kept"],
    )
