from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, PointFigures
from skinapi.model.context import Modality
from skinapi.model.registry.schemas import find_stated
from tests.findings.prediction.photographer import predicted
from tests.model.registry.test_models import OVERRIDE, ModelBackend
from tests.support.backends import Person
from tests.support.findings import TESTED
from tests.support.models import write_model
from tests.support.photos import photo_of

PLACE = "/models/operating-point"
# At the cautious point every lesion is sent to a doctor, at the others only what looks malignant.
SENT = {OperatingPoint.CAUTIOUS: 0.0, OperatingPoint.STANDARD: 0.5, OperatingPoint.SELECTIVE: 0.6}
FIGURES = PointFigures(
    malignant=200,
    malignant_sent=196,
    malignant_urgent=150,
    benign=1000,
    benign_sent=460,
    benign_urgent=190,
    melanomas=0,
    melanomas_sent=0,
    melanomas_urgent=0,
)


class PointsBackend(ModelBackend):
    def served(self) -> None:
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "points-1"
    figures = {OperatingPoint.STANDARD: FIGURES}
    enough = TESTED.model_copy(update={"modality": Modality.CLINICAL})
    clinical = Calibration(tested=enough, sent=SENT)
    return write_model(place, "points-1", sent=SENT, point_figures=figures, clinical=clinical)


@pytest.fixture
def backend(tmp_path: Path, folder: Path) -> Iterator[PointsBackend]:
    opened = PointsBackend(tmp_path / "instance", model_path=folder)
    yield opened
    opened.services.store.close()


def choose(person: Person, point: str) -> Any:
    return person.call("PUT", PLACE, json={"operating_point": point})


def shown(person: Person) -> str:
    return str(person.call("GET", PLACE).get_json()["operating_point"])


def test_each_point_is_shown_with_its_price(backend: PointsBackend) -> None:
    answer = backend.member(role="doctor").call("GET", PLACE).get_json()
    assert answer["operating_point"] == "cautious"
    assert (answer["has_points"], answer["model_version"]) == (True, "points-1")
    cautious, standard, _ = answer["points"]
    assert cautious == {"point": "cautious", "kinds": []}
    (kind,) = standard["kinds"]
    assert {name: kind[name] for name in PointFigures.model_fields} == FIGURES.model_dump()
    assert kind["modality"] == "dermoscopic"
    spared = kind["benign_spared_share"]
    assert spared["share"] == 0.54
    assert (round(spared["low"], 3), round(spared["high"], 3)) == (0.509, 0.571)
    assert kind["malignant_sent_share"]["share"] == 0.98
    assert kind["melanomas_sent_share"] is None


@pytest.mark.parametrize(
    ("row", "stated"),
    [
        ({"caught": 0.98, "caught_interval": [0.95, 0.99]}, (0.98, 0.95, 0.99)),
        *(({"caught": 0.98, "caught_interval": odd}, None) for odd in ({"n": 3}, 7, [1], [1, "x"])),
        ({"caught": True, "caught_interval": [0.95, 0.99]}, None),
        (7, None),
    ],
)
def test_only_an_interval_of_numbers_is_read_from_a_card(row: Any, stated: Any) -> None:
    figures = {"test": {"points": {"standard": {"clinical": row}}}}
    assert find_stated(figures, "standard", "clinical", "caught") == stated


def test_two_servers_follow_one_change(
    backend: PointsBackend, tmp_path: Path, folder: Path
) -> None:
    other = PointsBackend(tmp_path / "instance", model_path=folder)
    admin = backend.member(role="admin")
    assert choose(admin, "standard").status_code == 200
    for server in (backend, other):
        server.reloader.run_once()
        assert shown(server.member(role="admin")) == "standard"
        calibration = server.services.inference.served.model.calibration
        assert calibration.operating_point is OperatingPoint.STANDARD
    other.services.store.close()


def test_a_change_is_in_the_audit_trail_with_the_point_before(backend: PointsBackend) -> None:
    admin = backend.member(role="admin")
    for point in ("selective", "standard"):
        assert choose(admin, point).get_json()["operating_point"] == point
    by = backend.account(admin.email).id
    rows = [
        (row["by"], row["target"], row["detail"], row["outcome"])
        for row in backend.audit()
        if row["action"] == "model.operating_point"
    ]
    assert rows == [
        (by, "points-1", "cautious to selective", "done"),
        (by, "points-1", "selective to standard", "done"),
    ]


def test_a_model_without_points_is_served_by_the_old_rule_and_takes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write_model(tmp_path / "old-1", "old-1", sent={})
    backend = PointsBackend(tmp_path / "instance", model_path=old)
    assert capsys.readouterr().err.count("model without operating points") == 1
    admin = backend.member(role="admin")
    answer = choose(admin, "standard")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "no_operating_points")
    assert "old-1" in answer.get_json()["detail"]
    assert "python -m skinapi calibrate" in answer.get_json()["detail"]
    assert not admin.call("GET", PLACE).get_json()["has_points"]
    assert shown(admin) == "cautious"
    finding = predicted(backend.member())
    assert finding["operating_point"] is None
    backend.services.store.close()


def test_a_finding_keeps_the_point_under_which_it_was_made(backend: PointsBackend) -> None:
    ada, admin = backend.member(), backend.member(role="admin")
    photo = photo_of("melanocytic_nevus")
    earlier = predicted(ada, photo)
    assert choose(admin, "standard").status_code == 200
    backend.reloader.run_once()
    later = predicted(ada, photo)
    for finding, point, band, label in (
        (earlier, "cautious", "doctor_review", "cautious: sends the most cancers to a doctor"),
        (later, "standard", "self_monitoring", "standard"),
    ):
        stored = ada.call("GET", f"/submissions/{finding['id']}").get_json()
        assert (stored["operating_point"], stored["band"]) == (point, band)
        assert finding["operating_point"] == point
        report = ada.call("GET", f"/submissions/{finding['id']}/report.json").get_json()
        assert report["facts"]["operating_point"] == point
        page = ada.call("GET", f"/submissions/{finding['id']}/report.html").text
        assert "Operating point" in page
        assert label in page


def test_promotion_rollback_and_a_restart_keep_what_the_admin_chose(
    backend: PointsBackend, tmp_path: Path, folder: Path
) -> None:
    admin = backend.member(role="admin")
    backend.add(tmp_path, "next-1")
    assert choose(admin, "selective").status_code == 200
    for path, body, version in (
        ("/models/next-1/promote", OVERRIDE, "next-1"),
        ("/models/rollback", {}, "points-1"),
    ):
        assert admin.call("POST", path, json=body).status_code == 200
        assert backend.answers() == version
        calibration = backend.services.inference.served.model.calibration
        assert calibration.operating_point is OperatingPoint.SELECTIVE
    again = PointsBackend(tmp_path / "instance", model_path=folder, triage="standard")
    assert shown(again.member(role="admin")) == "selective"
    again.services.store.close()
