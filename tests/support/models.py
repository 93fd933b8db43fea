"""The smallest network with a heat map, as a model. It distinguishes conditions by their colour."""

import atexit
import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.context import Modality
from skinapi.model.detectors import LinearClassifier, ModalityDetector, SkinDetector
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    HEAD,
    LABELS,
    NETWORK,
    Model,
    write_checksums,
    write_head,
)
from skinapi.model.network.picture import Scaling
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.prediction_pool import PredictionPool, ServedModel, open_warm
from tests.support.cards import model_card
from tests.support.findings import TESTED
from tests.support.photos import COLOURS

SIDE = 224
CELL = 32
CERTAINTY = 40.0
VERSION = "tiny-1"
# The threshold of a model that has none, at each operating point.
SENT = dict.fromkeys(OperatingPoint, 0.1)


def write_model(
    folder: Path,
    version: str = VERSION,
    colours: Mapping[str, tuple[int, int, int]] = COLOURS,
    *,
    clinical: Calibration | None = None,
    modality: ModalityDetector | None = None,
    skin: SkinDetector | None = None,
    **calibration: Any,
) -> Path:
    """Write a model folder as an export does. It is tested on enough dermoscopic pictures for the
    figures alone to set the band. `sent={}` is the calibration of older code.
    """
    folder.mkdir(parents=True)
    weights, bias = _nearest_colour(colours)
    ov.save_model(_network(weights, bias), folder / NETWORK, compress_to_fp16=False)
    write_head(Head(weights), folder / HEAD)
    card = model_card(
        version=version,
        side=SIDE,
        scaling=Scaling.TF,
        limits=("Knows colours, and nothing of skin",),
        figures={"test": {"balanced_accuracy": 0.5}},
    )
    (folder / LABELS).write_text(json.dumps(list(colours)))
    (folder / CARD).write_text(card.model_dump_json())
    fitted = ModelCalibration(
        dermoscopic=Calibration(**{"tested": TESTED, "sent": SENT, **calibration}),
        clinical=clinical,
        modality=modality,
        skin=skin,
    )
    (folder / CALIBRATION).write_text(fitted.model_dump_json())
    write_checksums(folder)
    return folder


def folder_of_run() -> Path:
    folder = Path(mkdtemp(prefix="skinapi-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def tiny_model() -> Path:
    return write_model(folder_of_run() / "tiny")


@cache
def tested_model() -> Path:
    """It is tested on enough pictures of both kinds: no band is raised for little testing."""
    enough = TESTED.model_copy(update={"modality": Modality.CLINICAL})
    folder = tiny_model().parent / "tested"
    return write_model(folder, clinical=Calibration(tested=enough, sent=SENT))


# What is greenish is doubted to be skin, and what is bright green is surely something else: the
# features are the mean colour, from -1 to 1.
GREEN_IS_NO_SKIN = SkinDetector(
    not_skin=LinearClassifier.from_weights(np.array([-8.0, 16.0, -8.0], np.float32), -1.0),
    limit=0.6,
    sure=0.9999,
)


@cache
def asking_model() -> Path:
    """A `tested_model` that asks about green photos."""
    return write_model(
        tiny_model().parent / "asking",
        clinical=Calibration(
            tested=TESTED.model_copy(update={"modality": Modality.CLINICAL}), sent=SENT
        ),
        skin=GREEN_IS_NO_SKIN,
    )


def served_of(folder: Path) -> ServedModel:
    served = ServedModel(open_warm)
    served.swap(folder)
    return served


def registry_of(folder: Path, *, queue: int = 16) -> InferenceService:
    return InferenceService(served=served_of(folder), pool=PredictionPool(streams=2, queue=queue))


@cache
def tiny_registry() -> InferenceService:
    return registry_of(tiny_model())


def served_once(folder: Path) -> ServedModel:
    """Loaded once: hundreds of backends can share the model, each in a holder of its own."""

    def opened(other: Path) -> Model:
        return _opened_once(other) if other == folder else open_warm(other)

    served = ServedModel(opened)
    served.swap(folder)
    return served


@cache
def _opened_once(folder: Path) -> Model:
    return open_warm(folder)


def _nearest_colour(colours: Mapping[str, tuple[int, int, int]]) -> tuple[Any, Any]:
    """The logit of a condition falls with the square of the distance to its colour."""
    points = np.array(list(colours.values()), np.float32) / 127.5 - 1
    return 2 * CERTAINTY * points.T, -CERTAINTY * np.square(points).sum(axis=1)


def _network(weights: Any, bias: Any) -> ov.Model:
    shown = op.parameter([-1, SIDE, SIDE, 3], np.float32, name="shown")
    upright = op.transpose(shown, np.array([0, 3, 1, 2]))
    cells = op.avg_pool(upright, [CELL, CELL], [0, 0], [0, 0], [CELL, CELL], exclude_pad=True)
    feature_map = op.transpose(cells, np.array([0, 2, 3, 1]))
    pooled = op.reduce_mean(feature_map, np.array([1, 2]))
    logits = op.add(op.matmul(pooled, weights, False, False), bias)
    outputs = {"logits": logits, "feature_map": feature_map, "pooled": pooled}
    for name, node in outputs.items():
        node.output(0).get_tensor().set_names({name})
    return ov.Model([op.result(node) for node in outputs.values()], [shown], "tiny")
