import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from pydantic import ValidationError

from skinapi.base.errors import ModelDamaged
from skinapi.model.assessment import assess
from skinapi.model.bands import THRESHOLDS, OperatingPoint, threshold_scores
from skinapi.model.calibration import Calibration, ModelCalibration, NamingRule, PointFigures
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Context
from skinapi.model.detectors import LinearClassifier, ModalityDetector, OutOfDistributionDetector
from skinapi.model.network.engine import EngineOutput, Precision
from skinapi.model.network.grad_cam import Head
from skinapi.model.network.model import (
    CALIBRATION,
    CHECKSUMS,
    LABELS,
    SERVED_FILES,
    open_model,
    write_checksums,
)
from skinapi.model.network.model_checks import (
    find_calibration_fault,
    find_label_fault,
    find_version_fault,
)
from skinapi.model.patient_facts import PatientFactsTable
from tests.model.networks import LABELS_USED, picture, write_model_folder

FEATURES = 8
UNTOLD = Context()
ROWS = np.random.default_rng(0).random((6, FEATURES + 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model_folder(tmp_path / "mine")


def test_both_precisions_answer_nearly_alike_on_one_core(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_model(folder)
    made = []
    monkeypatch.setattr(openvino, "Core", lambda: made.append("another"))
    answers = [open_model(folder, precision=p).read([picture()]).logits for p in Precision]
    np.testing.assert_allclose(answers[0], answers[1], atol=0.05)
    assert made == []


def test_a_changed_or_missing_file_is_named(folder: Path) -> None:
    for name in SERVED_FILES:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b" ")
        with pytest.raises(ModelDamaged, match=name):
            open_model(folder)
        (folder / name).unlink()
        with pytest.raises(ModelDamaged, match=name):
            open_model(folder)
        (folder / name).write_bytes(content)
    (folder / CHECKSUMS).unlink()
    with pytest.raises(ModelDamaged, match=CHECKSUMS):
        open_model(folder)


def fault_of(**calibration: Any) -> str | None:
    return find_calibration_fault(
        ModelCalibration(**calibration), labels=LABELS_USED, features=FEATURES
    )


def fault_of_one(**calibration: Any) -> str | None:
    return fault_of(dermoscopic=Calibration(**calibration))


def test_every_set_of_labels_that_is_accepted_is_judged_and_can_reach_both_ends() -> None:
    pooled = np.zeros(FEATURES)
    for count in range(1, 9):
        for labels in combinations(conditions_table().keys, count):
            if find_label_fault(labels):
                continue
            scores = []
            for output in range(count):
                found = assess(
                    ModelCalibration(),
                    labels=labels,
                    logits=np.eye(count)[output] * 20,
                    pooled=pooled,
                    context=UNTOLD,
                )
                scores.append(threshold_scores(found.probabilities)["malignant"])
            limit = THRESHOLDS["malignant"].cautious
            assert min(scores) < limit <= max(scores), labels


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([], "malignant"),
        (["melanoma"], "benign"),
        (["melanoma", "normal_skin"], "benign"),
        (["melanoma", "basal_cell_carcinoma"], "benign"),
        (["melanocytic_nevus", "benign_keratosis"], "malignant"),
        (["melanoma", "melanoma", "melanocytic_nevus"], "melanoma, melanoma name a condition"),
        (["melanoma", "freckle"], "Unknown labels: freckle; expected are melanoma"),
    ],
)
def test_labels_without_an_answer_are_told_why(labels: list[str], says: str) -> None:
    assert says in (find_label_fault(labels) or "")


def test_a_calibration_of_these_labels_has_no_fault() -> None:
    lesions = {"melanoma": 0.1, "melanocytic_nevus": 0.2}
    calibration = Calibration(
        thresholds={"melanoma": 0.1},
        unlike_training=-3.0,
        familiar=OutOfDistributionDetector.learn(ROWS[:, :FEATURES]),
        naming=NamingRule(tau=0.5, prior=lesions),
        prediction_sets={"0.90": lesions},
        too_few={"0.90": ("melanoma",)},
    )
    assert fault_of(dermoscopic=calibration, clinical=calibration) is None


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"thresholds": {"naevus": 0.1}}, "no band has the threshold naevus"),
        (
            {"familiar": OutOfDistributionDetector.learn(ROWS)},
            "it reads 9 features, but the network has 8",
        ),
        ({"naming": NamingRule(tau=1, prior={"dermatofibroma": 1})}, "dermatofibroma"),
        ({"prediction_sets": {"0.90": {"melanoma": 0.1}}}, "differ in melanocytic_nevus"),
        (
            {"sent": {OperatingPoint.CAUTIOUS: 0.1}},
            "it has no threshold for the operating point standard",
        ),
        (
            {"sent": dict(zip(OperatingPoint, (0.3, 0.2, 0.1), strict=True))},
            "its operating points are not in their order",
        ),
        ({"too_few": {"0.90": ("vascular_lesion",)}}, "vascular_lesion is none of the labels"),
    ],
)
def test_a_calibration_that_does_not_fit_is_told_why(fault: dict[str, Any], says: str) -> None:
    assert says in (fault_of_one(**fault) or "")


@pytest.mark.parametrize("wrong", [{"malignant_sent": 11}, {"benign_urgent": 9}])
def test_an_operating_point_sends_no_more_lesions_than_were_tested(wrong: dict[str, int]) -> None:
    right = {"malignant": 10, "malignant_sent": 9, "malignant_urgent": 5}
    right |= {"benign": 10, "benign_sent": 8, "benign_urgent": 3}
    right |= {"melanomas": 4, "melanomas_sent": 4, "melanomas_urgent": 3}
    assert PointFigures(**right)
    with pytest.raises(ValidationError, match="of those tested"):
        PointFigures(**{**right, **wrong})


def test_what_belongs_to_no_single_modality_must_fit_as_well() -> None:
    detector = ModalityDetector(dermoscopic=LinearClassifier.from_weights(ROWS[0], 0.0), sure=0.9)
    assert "9 features" in (fault_of(modality=detector) or "")
    unknown = PatientFactsTable(sex={"female": {"dermatofibroma": 0.1}})
    assert "dermatofibroma" in (fault_of(clinical=Calibration(patient_facts=unknown)) or "")


def test_limits_for_told_facts_are_checked_as_the_others_are() -> None:
    unordered: Any = {
        "thresholds": {},
        "sent": {"cautious": 0.2, "standard": 0.1, "selective": 0.3},
    }
    told = PatientFactsTable(limits={"age": unordered})
    assert "not in their order" in (fault_of(clinical=Calibration(patient_facts=told)) or "")


def test_a_folder_is_opened_only_with_a_calibration_of_its_own(folder: Path) -> None:
    strange = ModelCalibration(clinical=Calibration(thresholds={"naevus": 0.1}))
    (folder / CALIBRATION).write_text(strange.model_dump_json())
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match=r"mine.*clinical: no band has.*skinapi calibrate"):
        open_model(folder)
    assert open_model(folder, calibrated=False).calibration == ModelCalibration()
    (folder / CALIBRATION).write_text('{"clinical": {"thresholds": {"melanoma": 2}}}')
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match=r"mine.*calibration\.json: clinical\.thresholds\.mel"):
        open_model(folder)


def test_a_network_with_other_outputs_than_its_head_is_refused_when_it_warms(folder: Path) -> None:
    open_model(folder).warm()
    (folder / LABELS).write_text(json.dumps(LABELS_USED[:2]))
    narrow = np.zeros((FEATURES, 2), np.float32)
    np.savez(folder / "head.npz", allow_pickle=False, weights=narrow)
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="it has 3 outputs, but its head has 2"):
        open_model(folder).warm()


def test_the_network_of_another_version_is_refused_when_it_warms(folder: Path) -> None:
    with np.load(folder / "head.npz") as stored:
        weights = stored["weights"]
    nearly = weights + np.random.default_rng(1).normal(0, 0.1, weights.shape).astype(np.float32)
    np.savez(folder / "head.npz", allow_pickle=False, weights=nearly)
    write_checksums(folder)
    with pytest.raises(ModelDamaged, match="another version"):
        open_model(folder).warm()


def test_a_head_of_two_layers_fits_whatever_the_bias_of_the_last() -> None:
    random = np.random.default_rng(0)
    hidden, last = (random.normal(size=s).astype(np.float32) for s in ((8, 5), (5, 3)))
    head = Head(last, hidden, np.full(5, -0.5, np.float32))
    pooled = random.random((4, 8), np.float32)
    logits = np.maximum(pooled @ hidden - 0.5, 0) @ last + np.array([1, 2, 3], np.float32)
    maps = np.zeros((1, 2, 2, 8), np.float32)
    readings = [EngineOutput(logits[[row]], maps, pooled[[row]]) for row in range(4)]
    assert find_version_fault(readings, head=head) is None
    assert find_version_fault(readings, head=Head(last, hidden, np.zeros(5, np.float32)))


def test_features_that_overflow_in_the_head_do_not_pass_for_its_own() -> None:
    head = Head(np.full((8, 3), 2, np.float32))
    logits, huge = np.array([[0, 9, 0]], np.float32), np.full((1, 8), 3e38, np.float32)
    reading = EngineOutput(logits, np.zeros((1, 2, 2, 8), np.float32), huge)
    assert find_version_fault([reading], head=head)
