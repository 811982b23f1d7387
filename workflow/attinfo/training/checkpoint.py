"""Checkpoints: the progress of a training run after each epoch, so that a killed job can resume.

A checkpoint is one safetensors file: tensors, and plain values as JSON in the header. Nothing is
pickled.
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
    """Everything that training needs to resume as if it had not stopped."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]  # plain values that JSON can hold


def key_of(options: Mapping[str, Any], inputs: Iterable[str | Path]) -> str:
    """A digest of everything that a run is trained from.

    Training resumes only from a checkpoint that has the same key.

    Args:
        options: the options of the run as plain values.
        inputs: files and folders that the run reads. Their names, sizes and times of change stand
            for their content.
    """
    files = []
    for path in map(Path, inputs):
        within = sorted(path.rglob("*")) if path.is_dir() else [path]
        stats = [(str(file), file.stat()) for file in within if file.is_file()]
        files += [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return sha256(json.dumps([options, files], sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """The file that holds the progress of one run.

    Args:
        path: the file; it need not exist.
        key: digest of everything that the run is trained from, see `key_of`.
    """

    def __init__(self, path: str | Path, key: str):
        self.path = Path(path)
        self.key = key

    def save(self, progress: Progress) -> None:
        """Replace the file in one step: a killed job leaves the old file or the new one."""
        header = {"key": self.key, "values": json.dumps(progress.values)}
        with whole(self.path) as path:
            save_file({k: v.contiguous() for k, v in progress.tensors.items()}, path, header)

    def read(self) -> Progress | None:
        """The saved progress; None if there is no usable file or its key is another."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("key") != self.key:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError:  # after a power failure the file may be incomplete
            return None
        return Progress(tensors, json.loads(header["values"]))

    def remove(self) -> None:
        """Delete the file, if it exists. Call this when the outputs of the run are written."""
        self.path.unlink(missing_ok=True)
