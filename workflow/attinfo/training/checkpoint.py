"""How far the training of a run has come, kept after each epoch so that a killed job goes on.

One safetensors file: tensors, and plain values as JSON in its header. Nothing is pickled.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from attinfo.runtime.atomic import whole


class Progress(NamedTuple):
    """What training needs to go on as if it had not stopped."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]  # plain, as JSON holds them


def key_of(options: Mapping[str, Any], inputs: Iterable[str | Path]) -> str:
    """What a run is trained from, as a digest: a checkpoint of another key is not gone on from.

    Args:
        options: plain values.
        inputs: files and folders; their names, sizes and times of change stand for their content.
    """
    files = []
    for path in map(Path, inputs):
        within = sorted(path.rglob("*")) if path.is_dir() else [path]
        stats = [(str(file), file.stat()) for file in within if file.is_file()]
        files += [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return sha256(json.dumps([options, files], sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """The progress of one run, in a file of its own.

    Args:
        path: of the file.
        key: of what the run is trained from, see `key_of`.
    """

    def __init__(self, path: str | Path, key: str):
        self.path = Path(path)
        self.key = key

    def save(self, progress: Progress) -> None:
        """Replace what is kept, whole or not at all."""
        held = {"key": self.key, "values": json.dumps(progress.values)}
        with whole(self.path) as path:
            save_file({k: v.contiguous() for k, v in progress.tensors.items()}, path, held)

    def read(self) -> Progress | None:
        """What is kept; None where there is nothing, or what was trained from something else."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                held = file.metadata() or {}
                if held.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError:  # a disk that lost power may hold half a file
            return None
        return Progress(tensors, json.loads(held["values"]))

    def remove(self) -> None:
        """The run is done."""
        self.path.unlink(missing_ok=True)
