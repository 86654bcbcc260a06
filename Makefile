# `make run` starts jobtracker; `make check` is the gate. README.md says more.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := uv --version >/dev/null 2>&1
# A third of the suite is waiting for processes, so three share two cores well. The suite orders
# its files itself (tests/conftest.py); xdist would put those with many tests first.
PYTEST := $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder
# What kills and restarts whole installations: left to `make check-faults`, and part of `make test`.
UNDER_FAULTS := tests/chaos $(patsubst %,tests/live/test_%.py,fault_points kills_under_up \
  rolling_restart database_restart)
# The Unix time from which `make check` leaves that out: for a machine that ends late runs.
FAULTS_BY ?= 9999999999

# The tests start a hundred programs: compile them once, not at each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test check check-faults bench chaos lock chromium redis
.DELETE_ON_ERROR:

# Installs a Debian package where root may, else names it.
define apt
{ if [ "$$(id -u)" != 0 ]; then echo "Please install $(1) (apt install $(1)), then try again." >&2; exit 1; fi; \
  echo "Installing $(1) ..."; export DEBIAN_FRONTEND=noninteractive; \
  apt-get install -y -qq $(1) >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq $(1) >/dev/null; }; }
endef

# Installs a lock with hashes: fast by uv where it is there, else by pip.
define install
@echo "Installing $(1) ..."
@if $(UV); then uv pip install -q --python $(BIN)/python --require-hashes -r $(1); \
else $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); fi
@touch $@
endef

# Sets what .env says, values as they stand; what is set already wins.
define dotenv
[ ! -f .env ] || while IFS= read -r line || [ -n "$$line" ]; do case "$$line" in [A-Z]*=*) \
  printenv "$${line%%=*}" >/dev/null || export "$$line";; esac; done <.env
endef

run: $(VENV)/run.stamp
	@$(dotenv); OUTBOUND_ALLOW="$${OUTBOUND_ALLOW-127.0.0.1:8099}" exec $(BIN)/python manage.py up

demo: $(VENV)/run.stamp
	@$(dotenv); OUTBOUND_ALLOW="$${OUTBOUND_ALLOW-127.0.0.1:8099}" $(BIN)/python manage.py demo

test: $(VENV)/dev.stamp chromium
	@$(PYTEST)

check: $(VENV)/dev.stamp chromium
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://tracker.example $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PYTEST) $(addprefix --ignore=,$(UNDER_FAULTS))
	@if [ "$$(date +%s)" -lt $(FAULTS_BY) ]; then $(MAKE) --no-print-directory check-faults; \
	else echo "It is too late for the faults: they are left out (make check-faults)."; fi

# The end of `make check`. By itself, since beside other tests everything here would take its time:
# installations under kills and restarts, what fails at each fault point, the harness without a
# safeguard, and the harness.
check-faults: $(VENV)/dev.stamp
	CHAOS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(UNDER_FAULTS)
	$(MAKE) --no-print-directory chaos SEED=1 JOBS=300 FAULTS=15

# Each program in benchmarks/ prints its own table too.
bench: $(VENV)/dev.stamp $(VENV)/bench.stamp chromium redis
	@$(BIN)/python benchmarks/all.py

# Jobs under faults: SEED, JOBS, FAULTS, KINDS (of the faults); or POINTS=all, each fault point.
SEED ?= 1
JOBS ?= 300
FAULTS ?= 15
chaos: $(VENV)/dev.stamp
	@$(BIN)/python $(if $(POINTS),-m tests.chaos.points $(filter-out all,$(POINTS)),-m tests.chaos \
	  --seed $(SEED) --jobs $(JOBS) --faults $(FAULTS) $(if $(KINDS),--kinds $(KINDS)))

lock:
	for name in requirements requirements-sftp requirements-dev requirements-bench; do \
	  uv pip compile -q --no-header --python-version 3.11.0 --generate-hashes \
	    $$name.in -o $$name.txt || exit 1; done

redis:
	@command -v redis-server >/dev/null || $(call apt,redis-server)

chromium:
	@command -v chromium >/dev/null || $(call apt,chromium)

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	$(call install,requirements.txt)

$(VENV)/dev.stamp: requirements-dev.txt | $(BIN)/python
	$(call install,requirements-dev.txt)

$(VENV)/bench.stamp: requirements-bench.txt | $(BIN)/python
	$(call install,requirements-bench.txt)

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; PYTHON=... names one." >&2; exit 1; }
	@if $(UV); then uv venv -q --python "$(PYTHON)" $(VENV); else \
	  "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || $(call apt,python3-venv); \
	  "$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; fi
