"""When do attention weights explain a text classifier? The library of the study.

A folder for each stage, in the order of the data flow; each folder imports only from earlier ones:
runtime, blocks, config, data, models, training, states, information, explain, agreement,
statistics, claims, figures, report. Nothing here depends on Snakemake.
"""
