"""Isolated calls: they neither change nor use the random states, threads and modes of torch."""

from collections.abc import Callable
from contextlib import ExitStack
import multiprocessing
import os
from threading import Thread
from typing import TypeVar

import numpy as np
import torch

Result = TypeVar("Result")
_PROCESS = os.getpid()


def apart(work: Callable[[], Result]) -> Result:
    """The result of `work`, computed without the caller's modes, which stay as they are.

    Inference mode, autocast, a default device and NumPy's error state are set aside; all are of
    this thread alone. In a forked process the work is done in a thread of its own: there torch
    waits for ever for the threads that the parent had (those of GNU OpenMP are not forked).
    """
    if os.getpid() == _PROCESS and multiprocessing.parent_process() is None:
        return _without_modes(work)
    found: list[Result] = []
    raised: list[BaseException] = []

    def collect() -> None:
        try:
            found.append(_without_modes(work))
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=collect)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return found[0]


def _without_modes(work: Callable[[], Result]) -> Result:
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        stack.enter_context(np.errstate(all="ignore"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        return work()
