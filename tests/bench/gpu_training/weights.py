"""Carries weights between a model folder and `train.py`.

    python -m tests.bench.gpu_training.weights start MODEL OUT     the fused network, float16
    python -m tests.bench.gpu_training.weights average MODEL TRAINED.npz OUT.npz
                                                                   half the model, half the trained one

`train.py` returns kernels with the scale of their normalisation, as they are served.
"""

import json
import sys
from pathlib import Path

import numpy as np

from skinapi.learning.train.networks import fuse, unfuse
from skinapi.learning.train.recipe import RECIPES
from skinapi.learning.train.weights import load_weights


def fused(folder):
    labels = json.loads((folder / "labels.json").read_text())
    network = RECIPES["whole"].build(len(labels), compute="float32")
    load_weights(network, folder, outputs=labels)
    return network, fuse(network)


def start(folder, out):
    _, network = fused(folder)
    arrays = {
        f"{layer.name}/{n}": a
        for layer in network.layers
        for n, a in enumerate(layer.get_weights())
    }
    np.savez(out, **{k: a.astype(np.float16) if a.ndim > 1 else a for k, a in arrays.items()})


def average(folder, trained, out):
    network, twin = fused(folder)
    new = np.load(trained)
    for layer in twin.layers:
        weights = layer.get_weights()
        if not weights:
            continue
        scale = weights[2] if len(weights) == 3 else np.ones(1, np.float32)
        kernel = new[f"{layer.name}/kernel"].astype(np.float32)
        kernel = np.divide(kernel, scale, where=scale != 0, out=np.zeros_like(kernel))
        means = [(weights[0] + kernel) / 2, (weights[1] + new[f"{layer.name}/bias"]) / 2]
        layer.set_weights([*means, *weights[2:]])
    unfuse(twin, network)
    arrays = {
        f"{layer.name}/{n}": a
        for layer in network.layers
        for n, a in enumerate(layer.get_weights())
    }
    np.savez(out, **arrays)


if sys.argv[1] == "start":
    start(Path(sys.argv[2]), Path(sys.argv[3]))
else:
    average(*map(Path, sys.argv[2:5]))
