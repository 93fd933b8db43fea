import json
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from PIL import Image

from skinapi.model.calibration import ModelCalibration
from skinapi.model.network.engine import OUTPUTS
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    HEAD,
    LABELS,
    NETWORK,
    write_checksums,
    write_head,
)
from skinapi.model.network.picture import Scaling
from tests.support.cards import model_card

SIDE = 16
LABELS_USED = ("melanoma", "melanocytic_nevus", "normal_skin")


def write_network(path: Path, *, seed: int = 0) -> Head:
    random = np.random.default_rng(seed)
    kernel = random.normal(0, 0.1, (8, 3, 3, 3)).astype(np.float32)
    weights = random.normal(0, 1, (8, len(LABELS_USED))).astype(np.float32)
    pictures = ops.parameter([-1, SIDE, SIDE, 3], ov.Type.f32)
    channels_first = ops.transpose(pictures, ops.constant([0, 3, 1, 2]))
    convolved = ops.convolution(
        channels_first, ops.constant(kernel), [2, 2], [1, 1], [1, 1], [1, 1]
    )
    feature_map = ops.transpose(ops.relu(convolved), ops.constant([0, 2, 3, 1]))
    pooled = ops.reduce_mean(feature_map, ops.constant([1, 2]), False)
    logits = ops.matmul(pooled, ops.constant(weights), False, False)
    served = ov.Model([logits, feature_map, pooled], [pictures])
    for output, name in zip(served.outputs, OUTPUTS, strict=True):
        output.get_tensor().set_names({name})
    ov.save_model(served, path, compress_to_fp16=False)
    return Head(weights)


def write_model_folder(folder: Path) -> Path:
    folder.mkdir()
    write_head(write_network(folder / NETWORK), folder / HEAD)
    (folder / LABELS).write_text(json.dumps(LABELS_USED))
    (folder / CALIBRATION).write_text(ModelCalibration().model_dump_json())
    card = model_card(side=SIDE, scaling=Scaling.TF)
    (folder / CARD).write_text(card.model_dump_json())
    write_checksums(folder)
    return folder


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8))
