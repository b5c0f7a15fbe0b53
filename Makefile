# Every command of the project in a line: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := .venv-bootstrap/bin/uv
COMPILE := $(UV) pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links
PYTEST := $(BIN)/python -m pytest --durations=20
# What is imported is compiled once, whatever the caller prefers: a test run starts hundreds of Pythons.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPATH := $(CURDIR):$(CURDIR)/client

# Which nets: lite or full. SEEDED=1 makes and serves full nets of random weights, for tests of everything else.
PROFILE ?= $(or $(MODELHUB_PROFILE),lite)
SEEDED ?=
EXPORT := $(BIN)/python -m export --profile $(PROFILE) $(if $(SEEDED),--seeded)
SERVE_FLAGS := --profile $(PROFILE) $(if $(SEEDED),--allow-seeded)

.PHONY: help
help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-11s %s\n", $$1, $$2}'

.PHONY: demo
demo: export samples  ## set up, export, start everything, send real pictures, save annotated ones under out/, stop
	@$(BIN)/python -m embedded run $(SERVE_FLAGS) -- $(BIN)/python -m demo

.PHONY: up
up: export samples  ## the same, but serve until Ctrl-C (DETACH=1: in the background, back when ready)
	@$(BIN)/python -m embedded up $(SERVE_FLAGS) $(if $(DETACH),--detach)

.PHONY: down
down:  ## stop what `make up` started
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m embedded down

.PHONY: doctor
doctor:  ## say what is wrong with this machine, and what to do about it
	@$(or $(wildcard $(BIN)/python),$(PYTHON)) -m embedded.doctor --profile $(PROFILE)

.PHONY: test
test: dev export samples  ## run the quick tests: about ten minutes on two cores
	@$(PYTEST) -n 2 -m "not slow"

.PHONY: test-slow
test-slow: dev export samples  ## run the slow tests (KINDS="launcher or browser": these kinds alone)
	@$(PYTEST) -m "slow and ($(or $(KINDS),slow))"

.PHONY: test-all
test-all: test test-slow  ## run all tests; PyTorch's and TensorRT's environments (6 GB) are built if they are not there

.PHONY: test-random
test-random: dev export samples  ## run the tests of random inputs on new inputs, ten times as many: before a release
	@$(PYTEST) -n 2 -m "hypothesis and not slow" --hypothesis-profile=random

.PHONY: browser
browser: dev  ## find or fetch the Chromium that the tests of the page run in, and say where it is
	@$(BIN)/python -m tests.browser.chromium

.PHONY: bench
bench: export samples .venv-bentoml/.stamp .venv-litserve/.stamp  ## print latency and throughput beside bare inference, BentoML and LitServe
	@$(BIN)/python -m embedded run -- sh -c '$(BIN)/python -m bench.speed && $(BIN)/python -m bench.peers && \
		$(BIN)/python -m bench.large'

.PHONY: faults
faults: export samples  ## print what callers see of overload, kills and shortages (QUICK=1: a few minutes)
	@$(BIN)/python -m bench.faults $(if $(QUICK),--quick)

.PHONY: soak
soak: export samples  ## print what grows under a mixed load (MINUTES=30)
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),30)

.PHONY: accuracy
accuracy: dev export samples .venv-reference/.stamp  ## print accuracy against labels and reference pipelines
	@$(BIN)/python -m embedded run -- $(BIN)/python -m bench.accuracy

.PHONY: documents
documents: export samples  ## write anew what of the documents is made by code, examples and pictures too
	@$(BIN)/python -m embedded run -- $(BIN)/python -m documents

.PHONY: sbom
sbom: dev export  ## write what we ship consists of as CycloneDX, under out/sbom/
	@$(BIN)/python -m export.sbom out/sbom

.PHONY: fuzz
fuzz: export samples  ## send 20,000 fuzzed bodies and pictures and print what came of them (COUNT=20000)
	@$(BIN)/python -m embedded run -- $(BIN)/python -m bench.fuzz --count $(or $(COUNT),20000)

.PHONY: check
check: dev  ## lint, format check, who imports whom, types
	@$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/lint-imports --no-cache --no-logo && $(BIN)/mypy

.PHONY: format
format: dev  ## format and mend what the linter can
	@$(BIN)/ruff check --fix && $(BIN)/ruff format

.PHONY: export
export: setup  ## convert the checkpoints and put them into the model repository (PROFILE=full: the large ones)
	@$(EXPORT)

.PHONY: plans
plans: export .venv-tensorrt-rtx/.stamp  ## print which nets TensorRT compiles, and how large they become
	@.venv-tensorrt-rtx/bin/python -m export.tensorrt table --profile $(PROFILE)

.PHONY: samples
samples: setup
	@$(BIN)/python -m export samples

.PHONY: setup
setup: $(VENV)/.stamp  ## build the environment that serves

.PHONY: dev
dev: $(VENV)/.stamp-dev  ## add what tests and checks need

.PHONY: lock
lock: $(UV)  ## write requirements/*.txt anew from *.in
	@for name in bootstrap serve dev export reference bentoml litserve eas schemathesis training; do \
		$(COMPILE) --upgrade -o requirements/$$name.txt requirements/$$name.in || exit 1; done
	@for name in tensorrt tensorrt-rtx container; do \
		$(subst 3.11,3.10,$(COMPILE)) --upgrade -o requirements/$$name.txt requirements/$$name.in || exit 1; done

.PHONY: clean
clean:  ## remove environments, exported nets and outputs
	@rm -rf .venv .venv-* run out weights model_repository*/*_net/1

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v in [(3, 11), (3, 12)] or \
		sys.exit(f"Python 3.11 or 3.12 is needed, {v[0]}.{v[1]} found: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv-bootstrap || { echo "python3-venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@.venv-bootstrap/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.stamp: $(UV) requirements/serve.txt requirements/triton.txt client/pyproject.toml
	@echo "building the environment (about 10 s)"
	@$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --require-hashes --python $(BIN)/python -r requirements/serve.txt
	@$(UV) pip install --quiet --require-hashes --no-deps --python $(BIN)/python -r requirements/triton.txt
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python -e client
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp requirements/dev.txt
	@$(UV) pip install --quiet --require-hashes --python $(BIN)/python -r requirements/dev.txt
	@touch $@

.venv-reference/.stamp .venv-bentoml/.stamp .venv-litserve/.stamp .venv-training/.stamp .venv-tensorrt-rtx/.stamp: .venv-%/.stamp: $(UV) requirements/%.txt
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-$*
	@$(UV) pip install --quiet --require-hashes --python .venv-$*/bin/python -r requirements/$*.txt
	@sha256sum requirements/$*.txt | cut -c-64 > $@  # as export/environment.py does
