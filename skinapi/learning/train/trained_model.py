from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from skinapi.base.errors import BadDataset
from skinapi.learning.data.datasets import Dataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.measure import metrics
from skinapi.learning.measure.evaluation import evaluate_model, with_test_figures
from skinapi.learning.measure.predictions import ModelOutputs, predict, run_model
from skinapi.learning.measure.stress import measure_stress
from skinapi.learning.progress import Report
from skinapi.learning.train.card import with_clinic_figures, write_readable_card
from skinapi.learning.train.fit_calibration import calibrate_model
from skinapi.learning.train.networks import ARCHITECTURES, round_to_float16
from skinapi.learning.train.openvino_export import (
    export_servable,
    make_servable,
    write_model_files,
)
from skinapi.learning.train.recipe import Recipe, TrainingData, load_tensor
from skinapi.learning.train.weights import save_norms
from skinapi.model.calibration import ModelCalibration
from skinapi.model.network.engine import Precision
from skinapi.model.network.model import Model, open_model
from skinapi.model.network.picture import SEEN

COMPARED = 200
MAX_BF16_LOSS = 0.002


def export_trained(
    network: keras.Model, recipe: Recipe, data: TrainingData, folder: Path
) -> dict[str, Any]:
    if not data.validation:
        raise BadDataset("No lesion is left for validation; more pictures are needed")
    round_to_float16(network)
    probe = np.stack([load_tensor(sample, recipe) for sample in data.validation[:COMPARED]])
    difference = export_servable(
        make_servable(network), folder, labels=data.classes, probe=probe, float16=True
    )
    save_norms(network, folder)
    return {
        "architecture": recipe.architecture,
        "side": recipe.side,
        "scaling": ARCHITECTURES[recipe.architecture].scaling.value,
        "seen": SEEN,
        "precision": Precision.F32.value,
        "difference_from_keras": {"largest": difference, "pictures": len(probe)},
    }


def measure_again(
    folder: Path,
    card: dict[str, Any],
    *,
    validation: Sequence[Sample],
    test: Dataset,
    not_skin: Path | None,
    report: Report,
) -> dict[str, Any]:
    """Measure a calibrated model, and write its card, page and notices. A network without a record
    of its training gets no page.
    """
    model = open_model(folder)
    figures, outputs = evaluate_model(model, test, report=report, not_skin=not_skin)
    card["figures"] = {
        "test": figures,
        "validation": {"stress": measure_stress(model, validation, report=report)},
        "precision": card.get("figures", {}).get("precision", {}),
    }
    if "training" in card:
        write_readable_card(folder, card, model.version)
    calibration = with_clinic_figures(with_test_figures(model, outputs).calibration, card)
    write_model_files(folder, card=card, calibration=calibration)
    return figures


def calibrate_trained(
    folder: Path,
    data: TrainingData,
    card: Mapping[str, Any],
    not_skin: Path | None,
    report: Report,
) -> tuple[Model, dict[str, float]]:
    """bfloat16 is faster, and is chosen if it costs at most MAX_BF16_LOSS of the macro AUC."""
    write_model_files(folder, card=card, calibration=ModelCalibration())
    models = {p: open_model(folder, precision=p) for p in Precision}
    outputs = {p: run_model(m, data.validation, report=report) for p, m in models.items()}
    aucs = {p.value: _macro_auc(models[p], outputs[p]) for p in Precision}
    loss = aucs[Precision.F32] - aucs[Precision.BF16]
    chosen = Precision.BF16 if loss <= MAX_BF16_LOSS else Precision.F32
    calibration = calibrate_model(
        models[chosen],
        train=data.train,
        validation=data.validation,
        not_skin=not_skin,
        others=data.others,
        report=report,
    )
    write_model_files(folder, card={**card, "precision": chosen.value}, calibration=calibration)
    return open_model(folder), aucs


def _macro_auc(model: Model, outputs: ModelOutputs) -> float:
    predictions = predict(model, outputs)
    return metrics.macro_auc(predictions.probabilities, predictions.labels)
