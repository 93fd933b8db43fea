"""`python -m tests.bench.engine`: the engine against the machine's own best matrix multiplication.

Both run in OpenVINO at the same precision on the same cores, and of each the best of many runs
counts: the question is how near the network comes to what the silicon can do, not how busy the
machine is.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from skinapi.settings import Settings
from skinapi.vision.network.model import NETWORK, SHIPPED_MODEL, open_model
from skinapi.vision.network.openvino_engine import OpenVinoEngine, Precision

RUNS = 60
GEMM_SIDES = (512, 1024, 2048)
BATCHES = (1, 4, 8)


def timed(run: Callable[[], object]) -> list[float]:
    run()
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return taken


def gemm_rate(precision: Precision) -> float:
    """The best billion multiply-adds per second of a square product with constant weights."""
    rates = []
    for side in GEMM_SIDES:
        left = ops.parameter([side, side], ov.Type.f32)
        weights = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
        product = ops.matmul(left, ops.constant(weights), False, False)
        hints = {"INFERENCE_PRECISION_HINT": precision.value, "NUM_STREAMS": "1"}
        compiled = ov.Core().compile_model(ov.Model([product], [left]), "CPU", hints)
        request = compiled.create_infer_request()
        request.set_input_tensor(ov.Tensor(weights))
        rates.append(side**3 / min(timed(request.infer)) / 1e9)
    return max(rates)


def multiply_adds(network: Path) -> float:
    """Of one picture, in billions: convolutions and the head, nothing else."""
    served = ov.Core().read_model(network)
    shape = served.inputs[0].partial_shape
    shape[0] = 1
    served.reshape(shape)
    total = 0
    for node in served.get_ops():
        if node.get_type_name() in ("Convolution", "MatMul"):
            outputs, weights = node.output(0).get_shape(), node.input_value(1).get_shape()
            channels = outputs[1]
            total += int(np.prod(outputs)) * int(np.prod(weights)) // channels
    return total / 1e9


def engine_rate(folder: Path, precision: Precision, work: float) -> tuple[float, float]:
    """The best billion multiply-adds per second, and the median milliseconds of one picture."""
    side = open_model(folder).card.side
    engine = OpenVinoEngine(folder / NETWORK, precision=precision, streams=1)
    random = np.random.default_rng(0)
    rates, alone = [], 0.0
    for batch in BATCHES:
        pictures = random.normal(0, 50, (batch, side, side, 3)).astype(np.float32)
        taken = timed(partial(engine.infer, pictures))
        rates.append(batch * work / min(taken))
        if batch == 1:
            alone = float(np.median(taken))
    return max(rates), alone * 1e3


def main() -> None:
    folder = Settings().model_path or SHIPPED_MODEL
    work = multiply_adds(folder / NETWORK)
    sys.stdout.write(f"{open_model(folder).version}: {work:.2f} G multiply-adds per picture\n")
    for precision in Precision:
        gemm = gemm_rate(precision)
        rate, alone = engine_rate(folder, precision, work)
        sys.stdout.write(
            f"{precision.value}: engine {rate:.0f} G/s, best GEMM {gemm:.0f} G/s: "
            f"{rate / gemm:.0%}; one picture {alone:.1f} ms\n"
        )


if __name__ == "__main__":
    main()
