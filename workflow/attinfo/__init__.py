"""When do attention weights explain a text classifier? The library of the study.

Modules stand in the order of the data flow, and import only from earlier ones:
config, data, models, training, states, information, agreement, claims, figures, report.
Nothing here knows of Snakemake.
"""
