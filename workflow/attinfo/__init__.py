"""When do attention weights explain a text classifier? The library of the study.

Folders stand in the order of the data flow, and import only from earlier ones: config, runtime,
data, models, training, states, information, explain, agreement, statistics, claims, figures,
report. Nothing here knows of Snakemake.
"""
