"""Attention flow: maximum flows through the layers."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow
import torch
from torch import Tensor

from attinfo.audit.reading import Reading

UNITS = 10**6  # capacities are whole numbers: millionths of a unit of attention


def flow(reading: Reading, *, longest: int = 48) -> Tensor:
    """[B, 1, P] the maximum flow from the classifying token's last state to each subword.

    The nodes are the states of all layers. An edge leads from each state to each state of the layer
    below, with the capacity (mean head + identity) / 2. NaN for texts that are not drawn or have
    more than `longest` subwords.

    Reference: Abnar & Zuidema 2020, "Quantifying attention flow in transformers", section 3.
    """
    found = torch.full(reading.real.shape, torch.nan)
    for i in reading.drawn.nonzero()[:, 0].tolist():
        size = int(reading.real[i].sum())
        if size <= longest:
            layers = [own[i, :, :size, :size].mean(0) for own in reading.attention]
            matrix = torch.stack(layers).double().cpu().numpy()
            read = reading.read[i, :size].double().cpu().numpy()
            found[i, :size] = torch.from_numpy(flows(matrix, read)).float()
            found[i, size:] = 0
    return found[:, None].to(reading.read.device)


def flows(attention: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Maximum flows in one text.

    Args:
        attention: [L, P, P] mean heads, the first layer first.
        read: [P] shares of the last states that flow starts from.

    Returns:
        [P] flow to each subword, to a precision of `UNITS`.
    """
    layers, size, _ = attention.shape
    capacity = (attention + np.eye(size)) / 2
    upper, lower = np.indices((size, size)).reshape(2, -1)
    # Node l P + p is state p below layer l; the source is the last node.
    rows = [layer * size + size + upper for layer in range(layers)]
    columns = [layer * size + lower for layer in range(layers)]
    source = (layers + 1) * size
    rows.append(np.full(size, source))
    columns.append(layers * size + np.arange(size))
    weights = np.concatenate([capacity.ravel(), np.where(read > 0, 1.0, 0.0)])
    whole = np.rint(weights * UNITS).astype(np.int32)
    edges = np.concatenate(rows), np.concatenate(columns)
    kept = whole > 0
    graph = csr_array(
        (whole[kept], (edges[0][kept], edges[1][kept])), shape=(source + 1, source + 1)
    )
    return np.array([maximum_flow(graph, source, to).flow_value for to in range(size)]) / UNITS
