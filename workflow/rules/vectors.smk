"""Pretrained word vectors that embeddings start from."""


rule vectors:
    """The vectors of the words of a data set, and how many of its words have one."""
    input:
        data="results/data/{key}",
        file=lambda w: INPUTS.vector_files[w.vectors],
    output:
        vectors="results/data/vectors/{key}-{vectors}.safetensors",
    log:
        "results/data/logs/vectors/{key}-{vectors}.log",
    benchmark:
        "results/data/benchmarks/vectors/{key}-{vectors}.tsv"
    conda:
        env("vectors")
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        reads=lambda w: INPUTS.vector_files[w.vectors],
        code=code("vectors.py"),
    script:
        "../scripts/vectors.py"
