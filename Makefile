# Everything that these targets create is in .venv/ and .local/. Another interpreter: make demo PYTHON=/path/to/python3.12
PYTHON ?= python3
UV ?= $(firstword $(wildcard .local/uv/bin/uv) uv)
# What installs the packages: the uv that requirements-uv.txt pins, or pip. Where uv cannot be had, pip does.
INSTALLER := uv
BIN := .venv/bin
LOCAL := $(BIN)/python -m lakehouse.local
SEED ?= 1
MINUTES ?= 5
WITHIN ?= 60
# Of the command line alone: some systems have a NAME of their own in the environment.
NAME :=
ROLE :=
REMOVE :=
LIVE :=
LOCKS := spark/jars.lock spark/compiler.lock debezium/jars.lock scripts/lakehouse/local/kafka.lock
JAVA_SOURCES := $(shell find spark/java -name '*.java')

# What other installations set for themselves does not reach ours: scripts/lakehouse/environment.py has the reasons.
FOREIGN := SPARK_% PYSPARK_% HADOOP_% HDFS_% YARN_% HIVE_% LOG4J_% JAVA_% JDK_% _JAVA_% PG% PYTHON% \
  CLASSPATH VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__
OURS := JAVA_HOME SPARK_MASTER SPARK_UI_PORT PYTHON PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE
unexport $(filter-out $(OURS),$(filter $(FOREIGN),$(.VARIABLES)))
# Of pip's, those that say how it reaches packages stay; the others would install elsewhere, or something else.
PIP_OURS := PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_TRUSTED_HOST PIP_CERT PIP_CLIENT_CERT \
  PIP_PROXY PIP_TIMEOUT PIP_DEFAULT_TIMEOUT PIP_RETRIES PIP_KEYRING_PROVIDER PIP_CONFIG_FILE PIP_CACHE_DIR
unexport $(filter-out $(PIP_OURS),$(filter PIP_%,$(.VARIABLES)))

.PHONY: help preflight install install-locked classes demo up down reset status logs slack user sample lint check test test-all coverage chaos bench lock sbom audit pin-images
.PHONY: tests-of-services tests-of-spark surroundings
# Targets run one after another, except for the two halves of the tests.
ifndef HALVES
.NOTPARALLEL:
endif
SELECTED = $(or $(HALVES),-m "not long")
.DEFAULT_GOAL := help

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

preflight: ## print what this machine has and what is needed (nothing is downloaded)
	@$(PYTHON) scripts/lakehouse/local/preflight.py

# One installation at a time. It first hashes each jar, since a stamp says nothing of what became of a file.
install: ## download Python packages and jars, and compile our Java
	@$(PYTHON) scripts/lakehouse/local/install_lock.py $(MAKE) --no-print-directory install-locked

install-locked:
	@$(PYTHON) scripts/lakehouse/local/jar_check.py
	@$(MAKE) --no-print-directory --silent .local/jars/installed

classes: install ## build Java's cache of Spark's classes; make up does it beside the services' start
	@$(LOCAL) classes

demo: preflight install ## all of it: services, files in, a refresh, 20 activities, the figures
	@$(LOCAL) demo

up: preflight install ## start the services and wait until they are ready; figures always fresh: make up LIVE=15s
	@$(if $(LIVE),REFRESH_INTERVAL="$(LIVE)" )$(LOCAL) up

down: ## stop them; the data stays
	@test ! -x $(BIN)/python || $(LOCAL) down

reset: ## stop them and delete the data, not the downloads
	@test ! -x $(BIN)/python || $(LOCAL) reset

status: install ## what runs, the rows of each captured table in Postgres and Silver, and what is owed
	@$(LOCAL) status

logs: install ## follow the logs; one service's: make logs SERVICE=connect
	@$(LOCAL) logs $(SERVICE)

slack: install ## the messages Slack got, or would get
	@$(BIN)/python scripts/Jobs_Spark/slack_new_activity_notifier.py --show

dsn: install ## the source database's address for your own tools, with its password: make dsn, or ROLE=reader
	@$(BIN)/python -m lakehouse.local.source_address $(if $(ROLE),--role "$(ROLE)")

psql: install ## open the source database: make psql, or ROLE=reader
	@$(BIN)/python -m lakehouse.local.source_address --psql $(if $(ROLE),--role "$(ROLE)")

user: install ## who may read: make user NAME=marie ROLE=rh, or REMOVE=yes; without NAME, the list
	@$(BIN)/python scripts/Jobs_Spark/thrift_users.py $(if $(NAME),--name "$(NAME)") $(if $(ROLE),--role "$(ROLE)") \
	  $(if $(REMOVE),--remove)

sample: install ## regenerate data/sample with the seeded generator
	@$(BIN)/python -m lakehouse.simulator.sample_company

lint: install ## format, linter, types, import rules, names
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -c 'import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())'
	PYTHONPATH=tests $(BIN)/python -m support.naming

check: lint ## lint and the unit tests: what to run before each commit
	$(BIN)/python -m pytest tests/unit

test: lint ## lint, the tests, a minute of chaos; on free ports, whatever else runs
	@$(MAKE) --no-print-directory --jobs 2 HALVES='-m "not long"' tests-of-services tests-of-spark
	@$(MAKE) --no-print-directory chaos SEED=1 MINUTES=1 WITHIN=600  # a slow machine must not fail a test

test-all: lint ## the same with the long ones
	@$(MAKE) --no-print-directory --jobs 2 HALVES='-m "long or not long"' tests-of-services tests-of-spark
	@$(MAKE) --no-print-directory chaos WITHIN=600

tests-of-services: classes
	$(BIN)/python -m pytest $(SELECTED) tests/stack

tests-of-spark: classes
	$(BIN)/python -m pytest $(SELECTED) tests/unit tests/spark

surroundings: install ## the first load, a refresh and the preflight in a folder and an environment as people have them
	sh .ci/surroundings.sh

coverage: install ## the lines and branches that the unit and Spark tests do not run; pages in .local/coverage
	$(BIN)/python -m pytest -m "not long" tests/unit tests/spark --cov --cov-report=term --cov-report=html

chaos: classes ## inject random faults into a system, and count what they cost: make chaos SEED=1 MINUTES=5, or PLANT=all
	@PYTHONPATH=tests $(BIN)/python -m chaos.run --seed $(SEED) --minutes $(MINUTES) --within $(WITHIN) \
	  $(if $(BUSY),--busy) $(if $(KEEP),--keep) $(if $(PLANT),--plant $(PLANT))

bench: classes ## measure everything, next to plain settings and the limits: make bench SECTIONS="latency thrift" AGAINST=HEAD~1
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.run $(if $(SECTIONS),--sections $(SECTIONS)) \
	  $(if $(SIZES),--sizes $(SIZES)) $(if $(AGAINST),--against "$(AGAINST)" $(if $(ROUNDS),--rounds $(ROUNDS))) $(BENCH)

lock: ## resolve requirements*.in again, by the uv of an installation or of PATH
	for name in requirements requirements-local requirements-uv; do \
	  $(UV) pip compile --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url \
	    --quiet --output-file $$name.txt $$name.in || exit; \
	done

sbom: install ## list each wheel, jar and image with its licence: .local/sbom.cdx.json (CycloneDX), and NOTICE
	@$(BIN)/python -m lakehouse.local.sbom

pin-images: install ## ask the registries for the images' digests, for docker-compose.pinned.yml; needs docker
	@$(BIN)/python -m lakehouse.local.pin_images

audit: ## look each locked wheel up among the known vulnerabilities, with pip-audit in an environment of its own
	@umask 077; $(PYTHON) -m venv .local/audit
	@umask 077; .local/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@.local/audit/bin/pip-audit --disable-pip --require-hashes --requirement requirements-local.txt

# A path from there, since Python reads a .pth in the locale's encoding.
define PTH
import os, sysconfig
packages = sysconfig.get_path("purelib")
with open(os.path.join(packages, "lakehouse.pth"), "w") as pth:
    pth.write(os.path.relpath("scripts", os.path.realpath(packages)) + "\n")
    pth.write('import importlib.util as u; u.find_spec("lakehouse") and __import__("lakehouse")\n')
endef
export PTH

# The stamps are written last, so that an interrupted installation is repeated. A .pth and not `pip install -e`:
# it works with any pip, and downloads no build tools. Its import lets Ctrl-C end each program without a traceback.
.venv/installed: requirements-local.txt requirements-uv.txt
	@$(PYTHON) scripts/lakehouse/local/preflight.py --no-ports
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  { (umask 077; : >.local/venv.log); $(PYTHON) -m venv --clear .venv 2>.local/venv.log; } || { cat .local/venv.log >&2; exit 1; }  # Ctrl-C: no traceback
	@echo "Python packages: about 1 GB into .venv, a minute the first time; some minutes by pip"
	@umask 077; mkdir -p .local/tmp
	@TMPDIR="$$PWD/.local/tmp" PIP_CACHE_DIR="$${PIP_CACHE_DIR:-$$PWD/.local/pip}" \
	  UV_CACHE_DIR="$${UV_CACHE_DIR:-$$PWD/.local/uv-cache}" \
	  $(BIN)/python scripts/lakehouse/local/install_packages.py "$(INSTALLER)"
	@$(BIN)/python -c "$$PTH"
	@rm -rf .local/pip .local/uv-cache
	@touch $@

.local/jars/installed: .venv/installed $(LOCKS) $(JAVA_SOURCES)
	@$(BIN)/python -m lakehouse.local.jars
	@umask 077; touch $@
