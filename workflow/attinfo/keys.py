"""The columns that identify a row in the tables of a study: data set, blocks, variant, seed."""

BLOCKS = ["encoder", "attention", "normaliser"]  # the building blocks of a model
CELL = ["dataset", *BLOCKS]
GROUP = [*CELL, "variant"]  # the models of a cell that were trained or changed in one way
RUN = [*GROUP, "seed"]
PLACE = ["text", "token", "drawn"]  # the columns of `importance.parquet` that are no measures
GIVEN = "scores:"  # before the names of measures that come from a table of scores
ALL = "all"  # in the column `dataset`: the mean over the data sets of the study
HALF = "#"  # before the number of the half, in names of columns by probes of half the texts
HALVES = (f"{HALF}1", f"{HALF}2")
