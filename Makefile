# `make` lists what there is. PYTHON chooses the interpreter (3.11 or newer), ARGS goes to the command.
PYTHON ?= python3
VENV_BIN := .venv/bin
# `exec`: the command must be our own child, so that it notices when we are killed.
LOCAL := exec $(PYTHON) -m local

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint types style settings bench load chaos screenshots assets lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## run the whole platform with a paper exchange (PORT=8000; ARGS=--check for one checked trade)
	@$(LOCAL).demo $(ARGS)

test: ## run every test (ARGS="tests/ledger -k fee" for some)
	@$(LOCAL).test $(ARGS)

coverage: ## run the tests that need no platform and no browser, and tell which branches they take
	@$(LOCAL).coverage $(ARGS)

lint: assets ## check style, types, layers, settings and migrations
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types style settings

types: ## check types alone
	DEBUG=true $(VENV_BIN)/mypy .

style: ## check style, layers, packages and documentation alone
	$(VENV_BIN)/ruff check .
	$(VENV_BIN)/ruff format --check .
	$(VENV_BIN)/bandit --quiet --recursive --severity-level medium --exclude ./.venv,./node_modules,./tests,./benchmarks,./.run .
	$(VENV_BIN)/vulture --min-confidence 100 --ignore-names model_admin,auto_schema,app_configs,parser_context,generator,format_suffix --exclude .venv,node_modules,migrations,tests,.run .
	@$(LOCAL).package_audit
	@$(LOCAL).configuration_page
	NO_MKDOCS_2_WARNING=1 $(VENV_BIN)/mkdocs build --strict --site-dir .run/site
	DEBUG=true $(VENV_BIN)/lint-imports

settings: ## check settings and migrations alone
	@DEBUG=false SECURE_SSL_REDIRECT=true DATABASE_OWNER_URL=postgresql://owner@localhost/copytrade $(LOCAL).engines run -- sh -ec \
		'python manage.py check --deploy --fail-level WARNING && python manage.py makemigrations --check --dry-run && python -m tests.schema.migration_lint'

bench: assets ## run the benchmarks
	@$(LOCAL).engines run --durable -- python -m benchmarks $(ARGS)

load: assets ## use the whole platform as many people do, and tell how long answers take (ARGS="--seconds 300")
	@$(LOCAL).engines run --durable -- python -m benchmarks.load $(ARGS)

chaos: assets ## break everything at random and compare the books with the exchange (SEED=1 ORDERS=10000)
	@SEED="$(SEED)" ORDERS="$(ORDERS)" exec $(VENV_BIN)/python -m tests.crashes $(ARGS)

screenshots: ## take every page of a running platform into .run/screenshots/ (ARGS="follower-risk studio" for some)
	@$(LOCAL).screenshots $(ARGS)

assets: ## install packages and fetch the front-end files
	@$(PYTHON) -m local.install && $(LOCAL).assets

lock: ## renew requirements*.txt and package-lock.json
	@$(LOCAL).lock

clean: ## remove all that was installed, fetched, cached or run here
	@$(LOCAL).clean
