"""The pictures of the README. No part of a study: `snakemake --cores 1 pictures` makes them."""


rule pictures:
    """The top of the study's page, and the graph of the rules."""
    input:
        page=rules.report.output.report,
    output:
        page="docs/report.png",
        rules="docs/rulegraph.png",
    log:
        log_of("pictures", "pictures"),
    conda:
        env("report")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        code=code("pictures.py"),
    script:
        "../scripts/pictures.py"
