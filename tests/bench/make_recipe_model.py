"""The Keras network whose weights a model folder serves, with a softmax behind it.

python -m tests.bench.make_recipe_model FOLDER FILE.keras
"""

import json
import sys
from pathlib import Path

import keras

from skinapi.learning.train.networks import build_network
from skinapi.learning.train.weights import load_weights
from skinapi.vision.network.model import CARD, LABELS, ModelCard


def main(folder: Path, destination: Path) -> None:
    card = ModelCard.model_validate_json((folder / CARD).read_bytes())
    labels = json.loads((folder / LABELS).read_bytes())
    network = build_network(card.architecture, outputs=len(labels), side=card.side)
    load_weights(network, folder)
    probabilities = keras.layers.Softmax(name="probabilities")(network.output)
    keras.Model(network.inputs, probabilities).save(destination)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
