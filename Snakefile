"""The study, from the root of a clone. The workflow itself is workflow/Snakefile."""


include: "workflow/Snakefile"


workflow.default_target = "all"  # Snakemake takes no default from a file that is included
