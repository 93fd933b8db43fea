# What the lab and its commands add to the Makefile.
.PHONY: lab train evaluate test_learning

# What trainings and imports in the lab need. A server that runs goes on, and uses it.
lab: $(VENV)/serving
	$(PIP) install --require-hashes -r requirements-train.txt

# make train DATA="folder,modality=clinical ..." [OPTIONS="--epochs 4 ..."]: a network from your own
# pictures, in any number of folders.
train: lab
	$(PYTHON) -m skinapi train --data $(DATA) $(OPTIONS)

# make evaluate DATA=folder [OPTIONS="--labels file.csv --out figures.json"]: the served model's figures.
evaluate: lab
	$(PYTHON) -m skinapi evaluate --images $(DATA) $(OPTIONS)

# Each of the other processes of the tests would import TensorFlow, for five seconds of processor.
ALONE += test_learning
test_learning:
	@mkdir -p build
	$(PYTHON) -m pytest $(ORDER) tests/learning > build/test_learning.txt 2>&1; \
	    status=$$?; cat build/test_learning.txt; exit $$status
