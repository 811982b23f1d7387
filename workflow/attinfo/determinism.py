"""The same run gives the same bytes."""

import torch


def be_deterministic() -> None:
    """Use one thread for the rest of the process.

    On one CPU thread every kernel used here sums in a fixed order. (The switch
    `torch.use_deterministic_algorithms` would add nothing but an import of seconds a job.)
    """
    torch.set_num_threads(1)
