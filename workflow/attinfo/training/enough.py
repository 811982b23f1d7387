"""Whether a model was trained enough, judged by the history of its training alone.

The dev loss has *settled* at the first epoch whose dev loss is at most `SLACK` above the lowest. A
model was trained enough if its kept epoch is not before that epoch, and `ENOUGH` epochs or more
follow it. So a model that was stopped while its dev loss still fell was not trained enough, whether
the patience or a fixed number of epochs stopped the training.

The rule looks at the loss of the labels only. For the variant `adversarial`, which learns the
outputs of the trained model, it says whether the outputs have settled, not whether the weights
could diverge further. A model that stays at chance for longer than the patience has settled too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

ENOUGH = 3  # epochs after the dev loss has settled
SLACK = 0.005  # nats; on easy texts the dev loss nears zero and falls for ever


def ending(history: Sequence[Mapping[str, Any]], patience: int) -> dict[str, Any]:
    """Say how a training ended.

    Args:
        history: a row for each epoch, with `epoch`, `dev_loss` and `kept`, as `train` returns it.
        patience: epochs without improvement after which training stopped.

    Returns:
        `lowest_dev_loss_epoch`, the epoch with the lowest dev loss. `stopped_by`: `patience`,
        `epochs` if all epochs were done, or `untrained`. `trained_enough`: see the module; true
        for a model that is not trained, as it has nothing to learn.
    """
    last = history[-1]["epoch"]
    kept = next(row["epoch"] for row in history if row["kept"])
    losses = [row["dev_loss"] for row in history]
    lowest = min(losses)
    settled = next(row["epoch"] for row in history if row["dev_loss"] <= lowest + SLACK)
    stopped_by = "patience" if last - kept >= patience else "epochs"
    return {
        "lowest_dev_loss_epoch": history[losses.index(lowest)]["epoch"],
        "stopped_by": stopped_by if last else "untrained",
        "trained_enough": not last or (settled <= kept and last - settled >= ENOUGH),
    }
