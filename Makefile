# Trunkline: everything a contributor or a newcomer does, by one word.
SHELL := /bin/bash
VENV ?= .venv
# Debian's own Python is built with profile-guided optimisation and carries a call about a sixth cheaper than a plain build.
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK = 1
COUNTERPARTS := sip-tester baresip-core multimon-ng kamailio kamailio-websocket-modules kamailio-tls-modules rtpengine-daemon secsipidx iproute2 nftables

.PHONY: help setup compile counterparts demo test verify bench lint docs clean

help: ## Show this page
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(VENV)/.compiled ## Make the virtual environment and install Trunkline into it

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Trunkline needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "installing python3-venv ..."; \
			apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); \
		else echo "python3-venv is missing: apt-get install python3-venv"; exit 1; fi; }
	@echo "installing Trunkline and its tools into $(VENV) ..."
	@$(PY) -m pip install -q -e '.[dev,uvloop]'
	@touch $@

$(VENV)/.compiled: $(VENV)/.ready
	@echo "compiling the call path ..."
	@$(PY) compile.py
	@touch $@

compile: setup ## Compile the call path to machine code again, after an edit (until then it runs as plain Python)
	@$(PY) compile.py

counterparts: ## Install the SIP programs that tests and benches talk to (Debian packages)
	@missing=""; for p in $(COUNTERPARTS); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
			S=""; [ "$$(id -u)" = 0 ] || S="sudo -n"; echo "installing$$missing ..."; \
			$$S apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$S apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		elif [ -n "$$CI" ]; then echo "CI must have$$missing"; exit 1; \
		else echo "NOT INSTALLED:$$missing: the tests that need them will be skipped (install them, or run as root)"; fi; fi

demo: setup ## Run a node, three carriers and a dialer placing 500 calls; ends in under a minute
	@$(VENV)/bin/trunkline demo

lint: $(VENV)/.ready ## ruff and mypy --strict
	@$(VENV)/bin/ruff check compile.py src tests bench examples docs compliance
	@$(VENV)/bin/mypy

test: ## Everything CI runs: lint, types, units, flows, a smoke run per real counterpart
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target setup counterparts lint
	@$(PY) -m pytest -n 4 --dist loadfile -q -m "not verify"
	@TRUNKLINE_PURE=1 $(PY) -m pytest -q tests/flows/test_flows.py tests/calls tests/compliance

verify: setup counterparts ## Every "must show" item in full; writes compliance/VERIFY.md
	@set -o pipefail; { echo "# Verified"; echo; echo "Commit $$(git rev-parse --short HEAD), $$(date -u +%F), $$($(PY) --version), $$(uname -sm)."; echo; \
		echo '```'; $(PY) -m pytest -q -n 4 --dist loadfile --tb=short --show-capture=no | tail -40; $(PY) compliance/fuzz.py --seconds 120 2>&1 | grep -E 'Done|average_exec|ERROR'; \
		echo '```'; } | tee compliance/VERIFY.md

bench: setup counterparts ## Every bench, as JSON into bench/results/
	@$(PY) -m pip install -q -e '.[bench]'
	@$(PY) -c 'import sys, trunkline; sys.exit(not trunkline.compiled)' || $(PY) compile.py
	@mkdir -p bench/results
	@for b in signalling delay memory micro relay studio tones numbers; do echo "bench $$b ..."; $(PY) -m bench.$$b --json > bench/results/$$b.json || exit 1; done

docs: setup ## Regenerate the pages made from the code
	@$(PY) docs/generate.py

clean: ## Remove what the other targets made
	@test ! -x $(PY) || $(PY) compile.py --clean
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis var
