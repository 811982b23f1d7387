# make run    environment, data, study and report
# make test   the tests
# make slow   the tests that take minutes: kills, Slurm, the default study, checked
# make docs   the site in site/, from docs/ and the docstrings
# make benchmark   our numbers and our speed beside those of others (QUICK=1: only whether it runs)
# make benchmark-compare   what has become slower since benchmarks/baseline.json
PYTHON ?= python3
CORES ?= all
# Live progress bars where somebody is watching, plain lines in a log.
PROGRESS := $(shell test -t 2 && echo --logger rich)
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run test slow docs benchmark benchmark-compare clean

run: .venv/installed
	snakemake --cores $(CORES) $(PROGRESS)

test: .venv/installed-test
	pytest -n auto --dist loadfile --no-loadscope-reorder

# The default study takes all cores, so it has them to itself.
slow: .venv/installed-test
	pytest -m slow -n auto --dist loadfile --no-loadscope-reorder --ignore tests/test_default_study.py
	pytest -m slow tests/test_default_study.py

# With the results of the smoke study, the notebooks are executed and shown with their figures.
docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 EXECUTE_NOTEBOOKS=$(if $(wildcard results/smoke/report.html),true,false) \
		mkdocs build --strict

benchmark: .venv-benchmark/installed
	.venv-benchmark/bin/python -m benchmarks $(if $(QUICK),--quick)

benchmark-compare: .venv-benchmark/installed
	.venv-benchmark/bin/python -m benchmarks --compare benchmarks/baseline.json

.venv/installed: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[study,fast]'
	touch $@

.venv/installed-docs: .venv/installed
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/installed-test: .venv/installed
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

# Other packages for the same work, some of which ask for versions that they do not need.
.venv-benchmark/installed: benchmarks/requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv-benchmark
	.venv-benchmark/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[study,fast,pretrained]'
	.venv-benchmark/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement benchmarks/requirements.txt
	touch $@

clean:
	rm -rf .venv .venv-benchmark .snakemake
