"""Time to compute, write and read a file of hidden states."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from attinfo.states.extract import states_of
from attinfo.states.store import read_states, write_states
from benchmarks.timing import interleaved, measure
from benchmarks.training import WIDTH, classifier, sentences


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows for the file of hidden states against a plain file of the same bytes."""
    texts = sentences(500 if quick else 4000)
    model = classifier("bilstm", "additive", "softmax").eval()
    arrays = states_of(model, texts)
    content = sum(array.nbytes for array in arrays.values())
    with TemporaryDirectory() as folder:
        store, plain = Path(folder) / "states.safetensors", Path(folder) / "plain"
        raw = np.concatenate([array.view(np.uint8).ravel() for array in arrays.values()])
        seconds, gave = interleaved(
            {
                "run": lambda: states_of(model, texts),
                "write": lambda: write_states(store, arrays),
                "plain write": lambda: raw.tofile(plain),
                "read": lambda: read_states(store, hidden=True),
                "plain read": lambda: np.fromfile(plain, np.uint8),
            }
        )
        size = store.stat().st_size
    tokens = len(texts.token_ids)
    found = gave["read"]
    apart = float(np.abs(found.hidden - arrays["hidden"]).max())
    for work in ("write", "read"):
        note = f"{content / 1e6 / float(np.median(seconds[work])):,.0f} MB/s"
        rest = {"lower": True, "difference": apart, "tolerance": 0.0, "note": note}
        theirs = seconds[f"plain {work}"]
        label = f"{tokens:,} tokens"
        yield measure("states", work, "plain file", label, seconds[work], theirs, **rest)
    both = [run + write for run, write in zip(seconds["run"], seconds["write"], strict=True)]
    rate = f"{content / 1e6 / float(np.median(both)):,.0f} MB/s"
    per_token = f"{size / tokens:,.0f} bytes per token on disk, {4 * WIDTH} of them the state"
    rest = {"lower": True, "note": f"{rate}; {per_token}"}
    yield measure("states", "run and write", "run", label, both, seconds["run"], **rest)
