# The same targets for people and for CI. `make` alone lists them.
# Written for GNU make 3.81 (macOS) and later.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport PYTHONPATH PYTHONHOME

VENV        ?= .venv
OTHER_VENV  := .venv-other-duckdb
# The models on Apache Spark: an environment of its own, since few need its 1.2 GB.
SPARK_VENV  := .venv-spark
LOCK_VENV   := .venv-lock
# The peers that benchmarks/ measures harmrank against.
BENCH_VENV         := .venv-bench
BENCH_SQLMESH_VENV := .venv-bench-sqlmesh
# What makes the pages of `make docs`.
DOCS_VENV   := .venv-docs
# Superset and what it needs.
SUPERSET_VENV := .venv-superset
BIN         := $(VENV)/bin

DUCKDB       := 2.0.0
OTHER_DUCKDB := 1.5.6

# Where `make demo` writes. The home is the one plain `dbt build` uses.
DEMO_HOME     ?= home
DEMO_EXTRACTS ?= $(DEMO_HOME)/demo/extracts
PYTEST_ARGS   ?=
# What `make docs` describes.
WAREHOUSE     := $(if $(HARMRANK_HOME),$(HARMRANK_HOME),home)/warehouse.duckdb

# Python 3.11 or later, the first that is there.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

PIP_QUIET := --quiet --quiet --disable-pip-version-check --no-input
DBT       := DBT_PROFILES_DIR=profiles DBT_SEND_ANONYMOUS_USAGE_STATS=false $(BIN)/dbt
# sqlfluff reads no macros; it meets them compiled in the models that use them.
SQL_DIRS  := models tests/singular analyses

.PHONY: help
help:  ## list the targets
	@echo "harmrank: the targets"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: env dev
env: $(VENV)/.installed  ## set up .venv with the harmrank and dbt commands
dev: $(VENV)/.installed-dev  ## the same and the tools for tests and lint

# $(call install,VENV,LOCK,WITHOUT): everything comes from one lock, by hash; then the project itself, editable,
# unless WITHOUT says anything.
define install
	@if [ -z "$(PYTHON)" ]; then \
		echo "harmrank needs Python 3.11 or later; none found (python3 is $$(python3 --version 2>&1))."; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; fi
	@echo "==> $(1): installing $(2) with $$($(PYTHON) --version) (a minute or two, once)"
	@$(PYTHON) -m venv $(1) || { \
		echo "Python's venv module is missing (on Debian: apt-get install python3-venv)."; exit 1; }
	@$(1)/bin/python -m pip install $(PIP_QUIET) --require-hashes --requirement $(2)
	@$(if $(3),,$(1)/bin/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation --editable .)
	@touch $@
endef

$(VENV)/.installed: requirements.lock pyproject.toml
	$(call install,$(VENV),requirements.lock)

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	$(call install,$(VENV),requirements-dev.lock)
	@touch $(VENV)/.installed

$(OTHER_VENV)/.installed-dev: requirements-other-duckdb.lock pyproject.toml
	$(call install,$(OTHER_VENV),requirements-other-duckdb.lock)

$(SPARK_VENV)/.installed: requirements-spark.lock pyproject.toml
	$(call install,$(SPARK_VENV),requirements-spark.lock)

$(BENCH_VENV)/.installed: requirements-bench.lock
	$(call install,$(BENCH_VENV),requirements-bench.lock,the project)

$(BENCH_SQLMESH_VENV)/.installed: requirements-bench-sqlmesh.lock
	$(call install,$(BENCH_SQLMESH_VENV),requirements-bench-sqlmesh.lock,the project)

$(DOCS_VENV)/.installed: requirements-docs.lock
	$(call install,$(DOCS_VENV),requirements-docs.lock,the project)

$(SUPERSET_VENV)/.installed: requirements-superset.lock
	$(call install,$(SUPERSET_VENV),requirements-superset.lock,the project)

.PHONY: demo
demo: env  ## invent a police force, rank it, show the top ten and where to look
	@if [ -d "$(DEMO_EXTRACTS)" ]; then \
		echo "==> 1/3 the invented extracts are there already: $(DEMO_EXTRACTS)"; \
	else \
		echo "==> 1/3 inventing monthly extracts of a police force: $(DEMO_EXTRACTS)"; \
		rm -rf "$(DEMO_EXTRACTS).part" && \
		$(BIN)/harmrank sample --out "$(DEMO_EXTRACTS).part" && mv "$(DEMO_EXTRACTS).part" "$(DEMO_EXTRACTS)"; \
	fi
	@echo "==> 2/3 landing them, building, testing and publishing: $(DEMO_HOME)"
	@$(BIN)/harmrank refresh "$(DEMO_EXTRACTS)" --home "$(DEMO_HOME)"
	@echo "==> 3/3 the head of the list (invented people)"
	@$(BIN)/harmrank top --home "$(DEMO_HOME)"
	@echo
	@echo "Where to look next:"
	@echo "  $(BIN)/harmrank explain OFFENDER_KEY --home $(DEMO_HOME)    why somebody is on the list"
	@echo "  $(BIN)/harmrank briefing --home $(DEMO_HOME) --out briefing.html    the paper for the monthly meeting"
	@echo "  $(DEMO_HOME)/published/current/                       what others read: DuckDB file, Parquet, manifest"
	@echo "  $(BIN)/dbt build                                 the same models from dbt, on the same home"
	@echo "  make docs                                        what every table and column means, as pages"

# Side by side, shared out by tests/conftest.py.
PYTEST := -m pytest -n auto --maxprocesses 4

.PHONY: test test-all test-thorough lint-fast
test: lint-fast  ## lint, then the tests of the first tier; pytest's summary comes last
	@$(call pytest,not thorough)

test-all: lint-fast  ## lint, then every test of both tiers
	@$(call pytest,thorough or not thorough)

test-thorough: dev  ## the second tier alone: Spark, Superset, a browser, damage, kills, planted faults
	@$(call pytest,thorough)

# sqlfluff takes as long as all other parts of lint together.
lint-fast: dev
	@$(MAKE) -j2 lint

pytest = echo "==> pytest: $(1) (DuckDB $$($(BIN)/python -c 'import duckdb; print(duckdb.__version__)'))" && \
	$(BIN)/python $(PYTEST) -m "$(1)" $(PYTEST_ARGS)

.PHONY: test-other-duckdb pytest-other
test-other-duckdb: $(OTHER_VENV)/.installed-dev  ## every test again on the other supported DuckDB
	@$(MAKE) pytest-other VENV=$(OTHER_VENV)

pytest-other:
	@$(call pytest,thorough or not thorough)

.PHONY: lint lint-python lint-yaml lint-dbt lint-sql lint-spark
lint: lint-sql lint-python lint-yaml lint-dbt lint-spark  ## Python, YAML, SQL, dbt and Spark gates

lint-python: dev
	@echo "==> ruff, mypy and import-linter: Python style, formatting, types, and which folder may import which"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

lint-yaml: dev
	@echo "==> yamllint"
	@$(BIN)/yamllint --strict .

lint-dbt: dev
	@echo "==> dbt parse: no warning, no deprecation; dbt-bouncer: the house rules on the manifest"
	@$(DBT) --quiet --warn-error parse --target lint --no-partial-parse --show-all-deprecations --target-path target/lint
	@$(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

lint-sql: dev
	@echo "==> sqlfluff: the SQL as DuckDB runs it"
	@DBT_PROFILES_DIR=profiles DBT_TARGET_PATH=target/sqlfluff $(BIN)/sqlfluff lint --disable-progress-bar $(SQL_DIRS)
	@$(BIN)/sqlfluff lint --disable-progress-bar --templater raw benchmarks

lint-spark: dev
	@echo "==> dbt compile and sqlfluff: the same models as Spark SQL (nothing connects)"
	@rm -rf target/spark
	@$(DBT) --quiet compile --target lint_spark --no-populate-cache --no-introspect --target-path target/spark
	@$(BIN)/sqlfluff parse --config tests/spark.sqlfluff --ignore-local-config --format none \
		target/spark/compiled/harmrank/models

.PHONY: method-figures
method-figures: demo  ## measure the rules on the invented force of make demo and write the figures of docs/method.md
	@PYTHONPATH=tests $(BIN)/python -m reliability.method_figures

# The long attacks, cheapest first; figures go into docs/reliability.md.
ATTACKS ?= damage surroundings faults rank_coverage mutations increments readers kills wrong_feeds

.PHONY: reliability
reliability: dev  ## attack harmrank for an hour or so and write docs/reliability.md
	@for attack in $(ATTACKS); do echo "==> tests/reliability/$$attack.py" && \
		PYTHONPATH=tests $(BIN)/python -m reliability.$$attack --record || exit 1; done

SITE ?= target/site

.PHONY: docs docs-env
docs: env docs-env  ## these pages, the data dictionary and dbt docs as a site without a server: target/site/index.html
	@echo "==> dbt docs$(if $(wildcard $(WAREHOUSE)),, (no warehouse at $(WAREHOUSE): without the types of staging and intermediate columns))"
	@$(DBT) --quiet docs generate --static --target-path $(SITE)-dbt $(if $(wildcard $(WAREHOUSE)),,--target lint --empty-catalog)
	@echo "==> the site"
	@rm -rf $(SITE)
	@$(DOCS_VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going \
		--conf-dir docs/site --doctree-dir $(SITE)-doctrees . $(SITE)
	@$(BIN)/python docs/site/dbt_page.py $(SITE)-dbt/static_index.html $(SITE)/dbt.html
	@echo "Open $(SITE)/index.html"

docs-env: $(DOCS_VENV)/.installed  ## set up what makes the pages of that site

.PHONY: dictionary
dictionary: dev  ## write docs/dictionary.md and draw docs/images/flow.svg from models/, and the forms in docs/extracts.md
	@$(DBT) --quiet compile --target lint --no-populate-cache --no-introspect --target-path target/dictionary
	@$(BIN)/python docs/site/dictionary.py target/dictionary/manifest.json docs/dictionary.md
	@$(BIN)/python docs/site/flow.py target/dictionary/manifest.json docs/images/flow.svg
	@$(BIN)/python docs/site/forms.py docs/extracts.md

.PHONY: pictures
pictures: dev demo  ## draw the pictures of README and docs again from the demo's home (the briefing's needs Chromium)
	@$(BIN)/python docs/pictures.py "$(DEMO_HOME)"

# make bi BI_HOME=/srv/harmrank BI_PORT=8090 shows another home elsewhere.
BI_HOME   ?= $(if $(HARMRANK_HOME),$(HARMRANK_HOME),home)
BI_PORT   ?= 8088
BI_BUNDLE := target/superset/harmrank.zip

.PHONY: bi bi-env bi-assets
bi: bi-env bi-assets  ## show the published mart in Superset, on this machine (docs/bi.md)
	@echo "==> Superset for $(BI_HOME)"
	@$(SUPERSET_VENV)/bin/python bi/superset/serve.py --home "$(BI_HOME)" --bundle $(BI_BUNDLE) --port $(BI_PORT)

bi-env: env $(SUPERSET_VENV)/.installed  ## set up the environment of Superset

bi-assets: env  ## what Superset imports, as one file: datasets made from dbt's manifest, charts, dashboards
	@$(DBT) --quiet parse --target lint --target-path target/superset
	@$(BIN)/python bi/superset/assets.py target/superset/manifest.json $(BI_BUNDLE)
	@echo "==> $(BI_BUNDLE)"

.PHONY: bi-export
bi-export:  ## write charts and dashboards as they are in Superset now back into bi/superset
	@$(SUPERSET_VENV)/bin/python bi/superset/export.py --home "$(BI_HOME)"

.PHONY: spark-env parity
spark-env: $(SPARK_VENV)/.installed  ## set up .venv-spark with Apache Spark, which needs Java 17

# make parity PARITY_ARGS="--extracts DIR" compares what you have; python -m parity --help says more.
PARITY_ARGS ?=

parity: spark-env  ## build the same extracts on DuckDB and on Spark, compare every mart value for value
	@echo "==> tests/parity $(PARITY_ARGS)"
	@PYTHONPATH=tests $(SPARK_VENV)/bin/python -m parity $(PARITY_ARGS)

.PHONY: bench-env
bench-env: dev $(BENCH_VENV)/.installed $(BENCH_SQLMESH_VENV)/.installed  ## set up the environments of the peers

# make bench BENCH_ARGS="--sizes 1 --runs 3" measures as you like and writes nothing into docs/.
BENCH_ARGS ?= --record

.PHONY: bench
bench: bench-env  ## time harmrank and its peers on feeds of two shapes, about three hours; write docs/performance.md
	@echo "==> benchmarks/bench.py $(BENCH_ARGS)"
	@$(BIN)/python benchmarks/bench.py $(BENCH_ARGS)

BENCH_SPARK_ARGS ?= --work target/bench-spark

.PHONY: bench-spark
bench-spark: spark-env  ## time Spark beside DuckDB on the same extracts: the figures of docs/scale-figures.md
	@echo "==> benchmarks/spark.py $(BENCH_SPARK_ARGS)"
	@PYTHONPATH=. $(SPARK_VENV)/bin/python benchmarks/spark.py $(BENCH_SPARK_ARGS)

.PHONY: bench-duckdb
bench-duckdb: dev  ## time the supported DuckDB versions on the work harmrank does
	@echo "==> benchmarks/duckdb_versions.py"
	@$(BIN)/python benchmarks/duckdb_versions.py

.PHONY: lock
lock: lock-tool  ## resolve the locks again (make lock UPGRADE=--upgrade for newer versions)
	@echo "==> resolving the locks"
	@$(call resolve,requirements-dev.lock) --extra dev --upgrade-package duckdb==$(DUCKDB)
	@$(call resolve,requirements.lock) --extra postgres --constraint requirements-dev.lock --upgrade-package duckdb==$(DUCKDB)
	@cp requirements-dev.lock requirements-other-duckdb.lock
	@$(call resolve,requirements-other-duckdb.lock) --extra dev --upgrade-package duckdb==$(OTHER_DUCKDB)
	@$(call resolve,requirements-spark.lock) --extra spark --constraint requirements-dev.lock --upgrade-package duckdb==$(DUCKDB)
	@$(MAKE) lock-bench lock-docs lock-superset

.PHONY: lock-bench
lock-bench: lock-tool  ## resolve the locks of the benchmarks' peers alone
	@$(compile) --group bench --output-file requirements-bench.lock
	@$(compile) --group bench-sqlmesh --output-file requirements-bench-sqlmesh.lock

.PHONY: lock-docs
lock-docs: lock-tool  ## resolve the lock of the docs site's tools alone
	@$(compile) --group docs --output-file requirements-docs.lock

.PHONY: lock-superset
lock-superset: lock-tool  ## resolve the lock of the dashboards' environment alone
	@$(compile) --group superset --output-file requirements-superset.lock

.PHONY: lock-tool
lock-tool:
	@test -x $(LOCK_VENV)/bin/uv || { $(PYTHON) -m venv $(LOCK_VENV) && $(LOCK_VENV)/bin/pip install $(PIP_QUIET) uv; }

compile = $(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-strip-extras --custom-compile-command "make lock" $(UPGRADE)
resolve = $(compile) --group build pyproject.toml --output-file $(1)

.PHONY: clean
clean:  ## remove what the other targets made, except your own homes
	rm -rf .venv $(OTHER_VENV) $(LOCK_VENV) $(BENCH_VENV) $(BENCH_SQLMESH_VENV) $(DOCS_VENV) $(SPARK_VENV) $(SUPERSET_VENV) target logs build dist home/demo .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
