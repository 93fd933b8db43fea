"""The closed form of Grad-CAM against finite differences; learning tests it against the tape."""

import numpy as np

from skinapi.vision.network.engine import Head
from skinapi.vision.network.tensor import Tensor

RANDOM = np.random.default_rng(3)


def logit(head: Head, pooled: Tensor, output: int) -> float:
    if head.hidden_weights is None or head.hidden_bias is None:
        return float(pooled @ head.weights[:, output])
    hidden = np.maximum(pooled @ head.hidden_weights + head.hidden_bias, 0)
    return float(hidden @ head.weights[:, output])


def some(*shape: int) -> Tensor:
    return RANDOM.normal(size=shape).astype(np.float32)


def heat_by_differences(feature_map: Tensor, head: Head, output: int) -> Tensor:
    """Each feature's mean gradient is its whole gradient here: pooling spreads it evenly."""
    exact = feature_map.astype(np.float64)
    pooled, step, cells = exact.mean(axis=(0, 1)), 1e-4, exact.shape[0] * exact.shape[1]
    gradient = []
    for feature in range(pooled.size):
        nudged = pooled.copy()
        nudged[feature] += step
        difference = logit(head, nudged, output) - logit(head, pooled, output)
        gradient.append(difference / step / cells)
    return np.asarray(np.maximum(exact @ np.array(gradient), 0), np.float32)


def test_one_dense_layer() -> None:
    feature_map, head = np.abs(some(7, 7, 12)), Head(some(12, 4))
    heat = head.heat(feature_map, feature_map.mean(axis=(0, 1)), 2)
    np.testing.assert_allclose(heat, heat_by_differences(feature_map, head, 2), atol=1e-5)


def test_a_hidden_layer_with_relu() -> None:
    feature_map, head = np.abs(some(7, 7, 12)), Head(some(9, 4), some(12, 9), some(9))
    heat = head.heat(feature_map, feature_map.mean(axis=(0, 1)), 0)
    np.testing.assert_allclose(heat, heat_by_differences(feature_map, head, 0), atol=1e-5)


def test_heat_is_never_negative() -> None:
    feature_map, head = np.abs(some(7, 7, 5)), Head(-np.abs(some(5, 2)))
    pooled = feature_map.mean(axis=(0, 1))
    assert not head.heat(feature_map, pooled, 1).any()
