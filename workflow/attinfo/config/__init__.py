"""The config of a study: sections, building blocks, grids, and the options of each stage."""
