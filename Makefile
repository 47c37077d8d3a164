# `make` lists what there is. PYTHON chooses the interpreter (3.11 or newer), ARGS goes to the command.
PYTHON ?= python3
VENV_BIN := .venv/bin
# `exec`: the command must be our own child, so that it notices when we are killed.
LOCAL := exec $(PYTHON) -m local

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench chaos assets lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## run the whole platform with a paper exchange (PORT=8000; ARGS=--check for one checked trade)
	@$(LOCAL).demo $(ARGS)

test: ## run every test (ARGS="tests/ledger -k fee" for some)
	@$(LOCAL).test $(ARGS)

lint: assets ## check style, types, layers, settings and migrations
	$(VENV_BIN)/ruff check .
	$(VENV_BIN)/ruff format --check .
	DEBUG=true $(VENV_BIN)/mypy .
	DEBUG=true $(VENV_BIN)/lint-imports
	@DEBUG=false SECURE_SSL_REDIRECT=true DATABASE_OWNER_URL=postgresql://owner@localhost/copytrade $(LOCAL).engines run -- sh -ec \
		'python manage.py check --deploy --fail-level WARNING && python manage.py makemigrations --check --dry-run'

bench: assets ## run the benchmarks
	@$(LOCAL).engines run --durable -- python -m benchmarks $(ARGS)

chaos: assets ## break everything at random and compare the books with the exchange (SEED=1 ORDERS=10000)
	@SEED="$(SEED)" ORDERS="$(ORDERS)" exec $(VENV_BIN)/python -m tests.crashes $(ARGS)

assets: ## install packages and fetch the front-end files
	@$(LOCAL).assets

lock: ## renew requirements*.txt and package-lock.json
	@$(LOCAL).lock

clean: ## remove all that was installed, fetched, cached or run here
	@$(LOCAL).clean
