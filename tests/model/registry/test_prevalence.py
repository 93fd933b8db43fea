import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from skinapi.model.calibration import Calibration, NamingRule
from skinapi.model.context import Modality
from skinapi.model.registry.composition import open_served
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, settings_in
from tests.support.findings import TESTED
from tests.support.models import write_model
from tests.support.photos import photo_in

PREVALENCE = 2.0
# Half of the pictures of the calibration are cancers.
MIX = NamingRule(tau=0, prior={"melanoma": 0.3, "melanocytic_nevus": 0.3})
# Melanoma is more probable than a mole for it, and not by much.
BETWEEN = photo_in((88, 57, 45))
LENS = {"modality": "dermoscopic"}
CHANGING = {"_id", "id", "time", "processing_time_ms", "processing_time", "restated", "headline"}
CHANGING |= {"lesion", "instruction"}  # it says since when; its words stand in `action` too


def write_mixed(place: Path) -> Path:
    tested = TESTED.model_copy(update={"modality": Modality.CLINICAL})
    return write_model(
        place, "mixed-1", clinical=Calibration(tested=tested, naming=MIX), naming=MIX
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("models") / "mixed")


class Clinic(Backend):
    def served(self) -> None:
        return None


@pytest.fixture
def clinic(tmp_path: Path, folder: Path) -> Iterator[Clinic]:
    opened = Clinic(tmp_path / "instance", model_path=folder, prevalence=PREVALENCE)
    yield opened
    opened.services.store.close()


@pytest.fixture
def plain(tmp_path: Path, folder: Path) -> Iterator[Clinic]:
    opened = Clinic(tmp_path / "plain", model_path=folder)
    yield opened
    opened.services.store.close()


def odds(share: float) -> float:
    return share / (1 - share)


def test_an_answer_has_the_restated_probabilities_beside_the_models(clinic: Clinic) -> None:
    answer = predicted(clinic.member(), BETWEEN, **LENS)
    restated = answer["restated"]
    assert restated["prevalence"] == pytest.approx(PREVALENCE / 100)
    assert answer["calibrated_on"] == pytest.approx(0.5)
    shares = {item["key"]: item["probability"] for item in restated["probabilities"]}
    assert math.fsum(shares.values()) == pytest.approx(1)
    assert odds(restated["malignant_score"]) == pytest.approx(
        odds(answer["malignant_score"]) * odds(PREVALENCE / 100)
    )
    assert answer["class"] == "melanoma"
    assert restated["confidence"] == pytest.approx(100 * shares["melanoma"], abs=0.01)
    assert restated["confidence"] < answer["confidence"]


def test_nothing_that_is_decided_or_that_older_clients_read_depends_on_the_prevalence(
    clinic: Clinic, plain: Clinic
) -> None:
    here, there = (
        {
            name: value
            for name, value in predicted(item.member(email="ada@x.org"), BETWEEN, **LENS).items()
            if name not in CHANGING
        }
        for item in (clinic, plain)
    )
    assert here == there
    assert "restated" not in predicted(plain.member(), BETWEEN)


def test_a_model_whose_mix_is_unknown_or_has_fewer_cancers_is_served_with_a_notice(
    tmp_path: Path, folder: Path
) -> None:
    for model, prevalence in ((write_model(tmp_path / "unknown"), 2), (folder, 51)):
        served = open_served(settings_in(tmp_path, prevalence=prevalence))
        with structlog.testing.capture_logs() as logs:
            served.swap(model)
        warned = [log for log in logs if "PREVALENCE" in log["event"]]
        assert [item["modality"] for item in warned] == ["dermoscopic", "clinical"]
    assert served.model.calibration.not_restated
