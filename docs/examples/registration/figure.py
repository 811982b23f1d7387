"""Add to `DRAWERS` in attinfo/figures/registry.py and `ENTRIES` in attinfo/figures/catalogue.py."""

from attinfo.figures.catalogue import Entry
from attinfo.figures.families.accuracy_by_encoder import accuracy_by_encoder

ENTRIES = {
    "accuracy_by_encoder": Entry("blocks"),
}
DRAWERS = (accuracy_by_encoder,)
