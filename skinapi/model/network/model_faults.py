"""Finds faults of a model before it is served: faults that would make it fail on every photo, or
give misleading results.

Each `find_*_fault` returns one sentence for people, or None if there is no fault.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from skinapi.model.bands import THRESHOLDS, OperatingPoint
from skinapi.model.calibration.model_calibration import Calibration, ModelCalibration
from skinapi.model.calibration.probability_adjustments import PatientFactsTable
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.network.engine import EngineOutput, Head
from skinapi.model.network.tensor import Tensor

# As a share of the largest logit. On 536 pictures, bfloat16 changed those of the shipped network by
# at most 0.0009, and it may change those of others by more: a good model must not be refused.
LARGEST_HEAD_DIFFERENCE = 0.05


def find_label_fault(
    labels: Sequence[str], *, written_as: Sequence[str] | None = None
) -> str | None:
    """Check the labels of a network's outputs: each must be known, none may occur twice, and there
    must be malignant and benign ones.

    `labels` are keys of the conditions table, in the order of the outputs. `written_as` are the
    words that the user wrote for them; the fault quotes these.
    """
    table = conditions_table()
    unknown = [label for label in labels if label not in table.keys]
    if unknown:
        return f"Unknown labels: {', '.join(unknown)}; expected are {', '.join(table.keys)}"
    counts = Counter(labels)
    repeats = [
        word for word, label in zip(written_as or labels, labels, strict=True) if counts[label] > 1
    ]
    if repeats:
        return (
            f"The labels {', '.join(repeats)} name a condition twice; give each output a condition "
            "of its own, or join these outputs to one"
        )
    malignant = table.malignant_keys
    # Without a malignant output no lesion would ever be urgent, and without a benign one every mole
    # would be.
    for kind, keys in (
        ("malignant", malignant),
        ("benign", {*table.keys} - malignant - {NORMAL_SKIN}),
    ):
        if not keys & {*labels}:
            known = ", ".join(key for key in table.keys if key in keys)
            return (
                f"No label names a {kind} lesion, so malignant cannot be told from benign; "
                f"a network needs an output for at least one of {known}"
            )
    return None


def find_calibration_fault(
    calibration: ModelCalibration, *, labels: Sequence[str], features: int
) -> str | None:
    """Check that a calibration was fitted to these labels and to this number of pooled features."""
    for modality, fitted in (
        ("dermoscopic", calibration.dermoscopic),
        ("clinical", calibration.clinical),
    ):
        if fitted is not None and (fault := _fault_of_modality(fitted, labels)):
            return f"{modality}: {fault}"
    table = calibration.patient_facts
    if table is not None and (fault := _fault_of_facts(table, labels)):
        return f"patient facts: {fault}"
    wrong = [n for n in _features_read(calibration) if n != features]
    if wrong:
        return f"it reads {wrong[0]} features, but the network has {features}"
    return None


def find_network_fault(output: EngineOutput, *, head: Head) -> str | None:
    """Check the shapes, types and values of the network's output for one picture."""
    answers = {
        "logits": output.logits,
        "pooled features": output.pooled,
        "mapped features": output.feature_map,
    }
    for (name, numbers), axes in zip(answers.items(), (2, 2, 4), strict=True):
        if numbers.ndim != axes or numbers.dtype != np.float32 or len(numbers) != 1:
            return f"its {name} are {numbers.dtype} of the shape {numbers.shape}"
    outputs = output.logits.shape[-1]
    if outputs != head.outputs:
        return f"it has {outputs} outputs, but its head has {head.outputs}"
    for name, features in (("pooled", output.pooled), ("mapped", output.feature_map)):
        count = features.shape[-1]
        if count != head.features:
            return f"it has {count} {name} features, but its head reads {head.features}"
    for name, numbers in answers.items():
        if not np.isfinite(numbers).all():
            return f"its {name} are not finite numbers"
    return None


def find_version_fault(readings: Sequence[EngineOutput], *, head: Head) -> str | None:
    """Check on the outputs for several pictures that the network ends in this head. Else it is the
    network of another version, and every heat map would be wrong.
    """
    # The bias of the last layer is in the network alone. Features that are finite may overflow in
    # the head; then the difference is NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        each = [reading.logits - head.answer(reading.pooled) for reading in readings]
        differences = [np.abs(rest - each[0][0]).max() for rest in each]
    for difference, reading in zip(differences, readings, strict=True):
        if not difference <= LARGEST_HEAD_DIFFERENCE * np.abs(reading.logits).max():
            return "its logits are not those of its head, so it is the network of another version"
    return None


def find_head_fault(stored: Mapping[str, Tensor]) -> str | None:
    """Check the arrays of a head file: names, shapes, and that its two layers fit together."""
    hidden = {"hidden_weights": 2, "hidden_bias": 1}
    wanted = {"weights": 2, **(hidden if stored.keys() & hidden else {})}
    for name, axes in wanted.items():
        if name not in stored:
            return f"there is no array {name} in it"
        if stored[name].ndim != axes or not stored[name].size:
            return f"its array {name} has the shape {stored[name].shape}"
    if "hidden_bias" in stored:
        lengths = len(stored["weights"]), len(stored["hidden_bias"])
        if lengths != (stored["hidden_weights"].shape[1],) * 2:
            return "its two layers do not fit together"
    return None


def _fault_of_modality(fitted: Calibration, labels: Sequence[str]) -> str | None:
    unknown = [name for name in fitted.thresholds if name not in THRESHOLDS]
    if unknown:
        return f"no band has the threshold {unknown[0]}"
    missing = [point for point in OperatingPoint if point not in fitted.sent]
    if fitted.sent and missing:
        return f"it has no threshold for the operating point {missing[0]}"
    sent = [fitted.sent[point] for point in OperatingPoint if fitted.sent]
    if sent != sorted(sent):
        return "its operating points are not in their order: the cautious one sends the most"
    lesions = {*labels} - {NORMAL_SKIN}
    for level, limits in fitted.prediction_sets.items():
        # A class without a limit would count as ruled out.
        if {*limits} - {NORMAL_SKIN} != lesions:
            odd = ", ".join(sorted(({*limits} - {NORMAL_SKIN}) ^ lesions))
            return f"the limits of the prediction set {level} and the labels differ in {odd}"
    return _fault_of_keys(
        [*(fitted.naming.prior if fitted.naming else ()), *chain(*fitted.too_few.values())], labels
    )


def _fault_of_facts(table: PatientFactsTable, labels: Sequence[str]) -> str | None:
    facts = (table.age_band, table.sex, table.body_site)
    return _fault_of_keys([key for f in facts for shifts in f.values() for key in shifts], labels)


def _fault_of_keys(keys: Sequence[str], labels: Sequence[str]) -> str | None:
    unknown = [key for key in keys if key not in labels]
    return f"{unknown[0]} is none of the labels" if unknown else None


def _features_read(calibration: ModelCalibration) -> Iterator[int]:
    for fitted in (calibration.dermoscopic, calibration.clinical):
        if fitted is not None and fitted.familiar is not None:
            yield fitted.familiar.features
    if calibration.modality is not None:
        yield calibration.modality.dermoscopic.features
    if calibration.skin is not None:
        yield calibration.skin.not_skin.features
    if calibration.other_diseases is not None:
        yield calibration.other_diseases.other.features
