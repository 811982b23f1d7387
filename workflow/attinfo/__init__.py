"""When do attention weights explain a text classifier? The library of the study.

Modules stand in the order of the data flow, and import only from earlier ones:
config, data, models, training, states, information, agreement, claims, figures, report.
Nothing here knows of Snakemake, but that its jobs are processes with no other work.
"""

import gc
import sys

# A job looks for garbage only from `errors.reporting` on: imports leave none, and to look for it
# takes a sixth of their time.
if hasattr(sys.modules["__main__"], "snakemake"):
    gc.disable()
