"""Tasks with known information, on which the stage `calibrate` checks the estimators of a study.

To add a task, write a function in `information/tasks.py` and describe the function here:

    def name(n: int, width: int, classes: int, rank: float, target: float, seed: int) -> Task
"""

from attinfo.blocks.block import Block, registry

MODULE = "attinfo.information.tasks"

TASKS = registry(
    Block(
        name="gaussian",
        path=f"{MODULE}:gaussian",
        summary="Normal classes that differ along the components of most variance",
    ),
    Block(
        name="imbalanced",
        path=f"{MODULE}:imbalanced",
        summary="Normal classes, each four times as frequent as the next",
    ),
    Block(
        name="ten_classes",
        path=f"{MODULE}:ten_classes",
        summary="Ten normal classes that differ along the components of most variance",
    ),
    Block(
        name="low_variance",
        path=f"{MODULE}:low_variance",
        summary="Normal classes that differ along the quarter of components with least variance",
    ),
    Block(
        name="xor",
        path=f"{MODULE}:xor",
        label="XOR",
        summary="A grid of normal clouds, the output the sum of row and column modulo C: "
        "XOR for two",
    ),
    Block(
        name="spirals",
        path=f"{MODULE}:spirals",
        summary="One spiral arm for each class, of one turn, blurred by noise of the angle",
    ),
    Block(
        name="atoms",
        path=f"{MODULE}:atoms",
        summary="Fifty distinct states that repeat exactly, "
        "each with an output distribution of its own",
    ),
)
