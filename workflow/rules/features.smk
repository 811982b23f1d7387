"""Features of frozen pretrained encoders, computed once for all runs that read them."""


rule features:
    """Features of all tokens of a data set."""
    input:
        data="results/data/{key}",
        pretrained=lambda w: INPUTS.pretrained_files(w.pretrained),
    output:
        features=directory("results/data/features/{key}-{pretrained}"),
    log:
        "results/data/logs/features/{key}-{pretrained}.log",
    benchmark:
        "results/data/benchmarks/features/{key}-{pretrained}.tsv"
    conda:
        env("features")
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        options=lambda w: INPUTS.pretrained[w.pretrained] | {"device": STUDY.device},
        reads=lambda w: INPUTS.pretrained_files(w.pretrained),
        code=code("features.py"),
    script:
        "../scripts/features.py"
