# make demo    learn on data, write report/index.html        make test    every test
# make full    the long reproductions, at the papers' scale  make lint    format, lint, types       make bench   every benchmark
# make fuzz    the numerical tests on kernels that check every index, forged model files, damaged tables, a long stream
# make docs    the documentation site, docs/_build/html/index.html (the first time it runs every example: minutes)
# make test-portable   the numerical tests and the claims as other processors would run them (an hour; for nightly jobs)
PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
# forged files: how many, of which draw, and the number of the first: after a stop go on with the last one printed
FORGED  ?= 4000
SEED    ?= 0
START   ?= 0
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed

.DEFAULT_GOAL := demo
.PHONY: demo full test test-portable fuzz lint bench docs

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(STAMP)-docs: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[docs]'
	touch $@

# One thread each: the workers of the tests fill the cores, the steps of the demo are too small to share.
demo test docs: export OMP_NUM_THREADS = 1
demo test docs: export OPENBLAS_NUM_THREADS = 1

demo: $(STAMP)
	$(BIN)/similis reproduce all --budget smoke --out report --force
	@echo "The report is at $(CURDIR)/report/index.html"

full: $(STAMP)
	$(BIN)/similis reproduce all --budget full --out report --force
	@echo "The report is at $(CURDIR)/report/index.html"

test: export MPLBACKEND = Agg
test: $(STAMP)
	$(BIN)/python -m tests.warm $(WORKERS)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

test-portable: $(STAMP)
	$(BIN)/python -m tests.portable --workers $(WORKERS) $(ARGS)

fuzz: $(STAMP)
	$(BIN)/python -m tests.portable --only tests --machines "bounds checked" --workers $(WORKERS) $(ARGS)
	$(BIN)/python -m tests.forge --n $(FORGED) --seed $(SEED) --start $(START)
	$(BIN)/python -m tests.soak --seconds 600
	$(BIN)/python -m tests.mutate --n 18000 --seed 0

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	@set -e; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

docs: export MPLBACKEND = Agg
docs: $(STAMP)-docs
	$(BIN)/python -m sphinx -b html -E -W --keep-going $(ARGS) docs docs/_build/html
	$(BIN)/python docs/_ext/check.py docs/_build/html
	@echo "The site is at $(CURDIR)/docs/_build/html/index.html"
