"""The device of the models: the CPU, or one GPU of the machine for each job."""

from collections.abc import Callable, Iterator
import fcntl
import logging
import os
from pathlib import Path
import sys
from tempfile import gettempdir
from typing import IO, Literal, TypeVar

import numpy as np
import torch

from attinfo.runtime.errors import InputError

log = logging.getLogger(__name__)
Setting = Literal["auto", "cpu", "cuda"]
Result = TypeVar("Result")
_reported: set[torch.device] = set()
_held: list[IO[str]] = []  # open for the rest of the process: closing a file ends its lock


def device_of(setting: Setting) -> torch.device:
    """The device of a job: `cpu`, `cuda`, or for `auto` the second where there is one.

    On a GPU cuDNN's sums run in a fixed order, and none in reduced precision: what is computed
    there differs from the processor by rounding. A few of torch's own kernels may still sum in any
    order.

    Raises:
        InputError: `cuda` is asked for and torch finds none.
    """
    count = torch.cuda.device_count() if setting != "cpu" else 0
    if setting == "cuda" and not count:
        raise InputError(
            "device is 'cuda', but torch finds no GPU here: expected one, or 'cpu' or 'auto'"
        )
    if not count:
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda", free_gpu(count))


def free_gpu(count: int, folder: str | Path | None = None) -> int:
    """The first of the visible GPUs that no other job of the machine has, for this process.

    It is kept until the process ends, however it ends. Where all are taken, jobs share them
    evenly by their process number.

    Args:
        count: of the visible GPUs.
        folder: of the locks; the same for all jobs of the machine.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = visible if len(visible) == count and all(visible) else [str(i) for i in range(count)]
    for place, name in enumerate(names):
        path = Path(folder or gettempdir()) / f"attinfo-gpu-{name}-{os.getuid()}.lock"
        file = path.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            _held.append(file)
            return place
    return os.getpid() % count


def name_of_device(device: torch.device) -> str:
    """How a device is called in `run.json`."""
    return "cpu" if device.type == "cpu" else f"cuda: {torch.cuda.get_device_name(device)}"


def out_of_memory(device: torch.device, consequence: str) -> None:
    """Say that memory has run out, in the log each time and on stderr once; free what is unused."""
    log.warning("out of memory on %s: %s", device, consequence)
    if device not in _reported:
        _reported.add(device)
        print(f"warning: out of memory on {device}: batches are read in parts", file=sys.stderr)
    torch.cuda.empty_cache()  # does nothing where there is no GPU


def in_parts(
    chosen: np.ndarray, read: Callable[[np.ndarray], Result], device: torch.device
) -> Iterator[tuple[np.ndarray, Result]]:
    """Read some texts at once, or in halves if the memory of the device is too small.

    Args:
        chosen: [B] indices of the texts.
        read: reads the texts of these indices, or of a part of them, and returns a result.
        device: the device whose memory may run out.

    Yields:
        The indices of each part, in order, and the result of `read` for the part.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    try:
        result = read(chosen)
    except torch.OutOfMemoryError:
        if len(chosen) == 1:
            raise InputError(
                f"device: {device} has no memory for a single text; expected a smaller model, or "
                "device 'cpu'"
            ) from None
    else:
        yield chosen, result
        return
    out_of_memory(device, f"a batch of {len(chosen)} is halved")
    for half in np.array_split(chosen, 2):
        yield from in_parts(half, read, device)
