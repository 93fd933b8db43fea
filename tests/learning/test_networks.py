"""A network with fused normalisations: same answers, trainable, and its weights can be written
back.
"""

import keras
import numpy as np
import pytest

from skinapi.learning.train.networks import ARCHITECTURES, build_network, fuse, unfuse
from skinapi.model.network.picture import Tensor
from tests.learning import tiny
from tests.support.size import drill

SIDE = 32
PICTURES = np.random.default_rng(0).normal(size=(4, SIDE, SIDE, 3)).astype(np.float32)


def trained_network(architecture: str) -> keras.Model:
    """A network whose normalisations have statistics of their own, as after a training."""
    network = build_network(architecture, outputs=3, side=SIDE)
    random = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            spread = random.uniform(0.5, 2.0, variance.shape)
            layer.set_weights(
                [gamma * random.uniform(0.5, 1.5, gamma.shape), beta + 0.1, mean + 0.1, spread]
            )
    return network


def answers(network: keras.Model) -> Tensor:
    """Called plainly: to compile a prediction of four pictures takes longer than to make it."""
    return np.asarray(network([PICTURES], training=False))


# One that learns in seconds, with convolutions of both kinds; the drill takes all, in full.
CHECKED = sorted(ARCHITECTURES) if drill else [tiny.NAME]


@pytest.mark.parametrize("architecture", CHECKED)
def test_fusing_keeps_the_answers_and_unfusing_the_weights(architecture: str) -> None:
    network = trained_network(architecture)
    before, weights = answers(network), network.get_weights()
    fused = fuse(network)
    np.testing.assert_allclose(answers(fused), before, atol=2e-4, rtol=2e-4)
    unfuse(fused, network)
    for left, right in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)
