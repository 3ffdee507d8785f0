# Two commands matter: `make demo` watches the loop run on a real notebook, `make test` proves that it works.
# Each sets everything up by itself: a virtual environment in .venv with the pinned packages of requirements.lock.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
SIBLING := $(abspath ../shared/data)
export EMENDO_DATA ?= $(if $(wildcard $(SIBLING)),$(SIBLING))
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check release-check bench lock docs clean help base-ar base-hand base-fields

help:
	@echo "make demo    read a notebook, learn from 300 corrected lines, read it again"
	@echo "make test    all tests"
	@echo "make check   ruff, mypy, import layers"
	@echo "make release-check  the whole loop on made-up material, against what was recorded"
	@echo "make bench   every figure of docs/benchmarks.md (hours on 2 cores)"
	@echo "make base-ar the Arabic base from nothing but fonts and word lists, into build/base-ar (hours on 2 cores)"
	@echo "make base-hand the handwriting base from the data sets hands_fr and hands_en, into build/base-hand (40 minutes)"
	@echo "make base-fields the model of fields from made-up documents and the data set invoices, into build/base-fields (an hour)"
	@echo "make docs    write the generated pages (docs/help.md, docs/settings.md)"
	@echo "make lock    write requirements.lock anew from pyproject.toml"

$(VENV)/installed: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "emendo needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/installed
	$(BIN)/emendo demo

# Two processes, each with whole files of tests: one that crashes is named, and the other goes on.
JOBS ?= 2
test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --max-worker-restart 2

check: $(VENV)/installed
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

release-check: $(VENV)/installed
	$(BIN)/emendo release check --out build/release-check

bench: $(VENV)/installed
	$(BIN)/emendo bench all

# The Arabic base: free fonts, set lines, training, the form that is shipped. LINES=600 PASSES=1 is a rehearsal.
LINES ?= 40000
PASSES ?= 2.5
BASE_AR ?= build/base-ar
base-ar: $(VENV)/installed
	$(BIN)/emendo synth fonts
	test -d $(BASE_AR)/lines || $(BIN)/emendo synth lines -n $(LINES) --seed 1 --language ar --fonts fetched \
		--out $(BASE_AR)/lines
	$(BIN)/emendo train --base base --data $(BASE_AR)/lines --recipe script --set passes=$(PASSES) \
		$(if $(wildcard $(BASE_AR)/run/run.yaml),--resume) --out $(BASE_AR)/run
	$(BIN)/python benchmarks/ship.py $(BASE_AR)/run --name base-ar --card docs/base-ar.md --language auto \
		--data $(BASE_AR)/lines --out $(BASE_AR)/base-ar

# The handwriting base: real lines of many writers.
BASE_HAND ?= build/base-hand
HANDS ?= $(EMENDO_DATA)/hands_fr $(EMENDO_DATA)/hands_en
base-hand: $(VENV)/installed
	$(BIN)/emendo train --base base $(HANDS:%=--data %) --recipe hands \
		$(if $(wildcard $(BASE_HAND)/run/run.yaml),--resume) --out $(BASE_HAND)/run
	$(BIN)/python benchmarks/ship.py $(BASE_HAND)/run --name base-hand --card docs/base-hand.md --language auto \
		--data $(firstword $(HANDS)) --out $(BASE_HAND)/base-hand

# The model of fields: made-up documents, then real sheets beside them.
BASE_FIELDS ?= build/base-fields
base-fields: $(VENV)/installed
	test -d $(BASE_FIELDS)/documents || $(BIN)/emendo synth invoices -n 600 --seed 21 --out $(BASE_FIELDS)/documents
	$(BIN)/emendo train --base fields --data $(BASE_FIELDS)/documents --set drawn=16000 --set steps=3600 --set evaluations=9 \
		$(if $(wildcard $(BASE_FIELDS)/made-up/run.yaml),--resume) --out $(BASE_FIELDS)/made-up
	$(BIN)/emendo train --base $(BASE_FIELDS)/made-up --data $(EMENDO_DATA)/invoices \
		--set steps=300 --set drawn=5000 --set replay=0.8 --set parties=false \
		$(if $(wildcard $(BASE_FIELDS)/run/run.yaml),--resume) --out $(BASE_FIELDS)/run
	$(BIN)/python benchmarks/ship.py $(BASE_FIELDS)/run --name base-fields --card docs/base-fields.md \
		--licence "Apache-2.0 (emendo)" --licence "MIT (sheets of invoice-x/invoice2data, seen in training)" \
		--licence "Apache-2.0 (sheets of ZUGFeRD/corpus, seen in training)" \
		--data $(BASE_FIELDS)/documents --out $(BASE_FIELDS)/base-fields

docs: $(VENV)/installed
	$(BIN)/python docs/make_help.py
	$(BIN)/python docs/make_settings.py

lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --upgrade pip hatchling
	build/lock/bin/pip install --quiet torch==2.13.0
	build/lock/bin/pip install --quiet ".[train,dev]"
	build/lock/bin/pip freeze --exclude emendo | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV) build dist
