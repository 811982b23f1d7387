"""A figure: test accuracy of each encoder."""

from matplotlib.figure import Figure

from attinfo.figures.drawing import Drawing, Missing
from attinfo.figures.tables import Tables, trained


def accuracy_by_encoder(tables: Tables) -> Drawing:
    """Test accuracy of each encoder.

    Args:
        tables: the tables of a study, of one data set.

    Returns:
        The figure, its numbers as a table, and a caption with the main number.

    Raises:
        Missing: the study has no trained model.
    """
    runs = trained(tables.runs)
    if runs.empty:
        raise Missing("No model is trained: a grid with the variant `trained` would add one.")
    data = runs.groupby("encoder", sort=False)["accuracy"].mean().reset_index()
    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.subplots()
    axes.barh(data["encoder"], data["accuracy"])
    axes.set_xlabel("test accuracy, mean over runs")
    best = data.loc[data["accuracy"].idxmax()]
    caption = f"Most accurate: {best['encoder']}, {best['accuracy']:.3f}. {len(runs)} runs."
    return Drawing(figure, data, caption)


if __name__ == "__main__":
    import pandas as pd

    empty = pd.DataFrame()
    runs = pd.DataFrame(
        {
            "encoder": ["bilstm", "bilstm", "mlp"],
            "variant": ["trained"] * 3,
            "accuracy": [0.74, 0.76, 0.72],
        }
    )
    tables = Tables(**dict.fromkeys(Tables._fields[:-2], empty))._replace(runs=runs)
    print(accuracy_by_encoder(tables).caption)
