"""Add to `FIGURES` in attinfo/figures/catalogue.py."""

from attinfo.figures.catalogue import Figure

FIGURES = {
    "accuracy_by_encoder": Figure(
        title="Test accuracy of each encoder",
        section="blocks",
        path="attinfo.figures.families.accuracy_by_encoder:accuracy_by_encoder",
    ),
}
