"""Add to `ESTIMATORS` in attinfo/blocks/estimators.py."""

from attinfo.blocks.estimators import Estimator

BLOCK = Estimator(
    name="spheres",
    path="attinfo.information.estimators.spheres:spheres",
    label="spherical normal classes",
    statistics=True,
    summary="Normal classes with one variance for all features, cross-fitted",
)
