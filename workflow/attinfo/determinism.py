"""The same run gives the same bytes."""

import torch


def be_deterministic() -> None:
    """One thread and deterministic kernels, for the rest of the process."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # Only guards against reading memory never written, at a tenth of the training time.
    torch.utils.deterministic.fill_uninitialized_memory = False
