"""The columns of a view: a name for each layer and head that has weights of its own."""

from attinfo.blocks.views import VIEWS


def columns_of(view: str, layers: int, heads: int) -> list[str]:
    """The columns of a view, layers and heads counted from 1.

    >>> columns_of("cls_layer", 2, 4), columns_of("rollout", 2, 4)
    (['cls_layer.1', 'cls_layer.2'], ['rollout'])
    """
    grain = VIEWS[view].grain
    if grain == "model":
        return [view]
    own = [f"{view}.{layer}" for layer in range(1, layers + 1)]
    if grain == "layer":
        return own
    return [f"{name}.{head}" for name in own for head in range(1, heads + 1)]


def view_of(column: str) -> str:
    """The view of a column."""
    return column.partition(".")[0]


def parts_of(column: str) -> tuple[str, int, int]:
    """View, layer and head of a column; 0 where it has none.

    >>> parts_of("cls_head.5.3"), parts_of("rollout")
    (('cls_head', 5, 3), ('rollout', 0, 0))
    """
    view, layer, head = [*column.split("."), "0", "0"][:3]
    return view, int(layer), int(head)
