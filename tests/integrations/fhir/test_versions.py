from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.findings.prediction.photographer import predicted
from tests.integrations.fhir.clinic import Clinic, read
from tests.integrations.fhir.test_search import ids, walk
from tests.integrations.fhir.validation import assert_valid
from tests.support.photos import photo_of

TOLD = {"age": "50", "sex": "female", "body_site": "back", "checklist": "none"}
SIGNS = ["change_in_size", "oozing"]


class Corrected:
    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        sent = {"keep_photo": "true", **TOLD}
        self.number = predicted(self.clinic.ada, photo_of("melanocytic_nevus"), **sent)["id"]

    def correct(self, **facts: Any) -> None:
        seen = {"version": self.clinic.ada.newest_of(self.number)}
        body = {**TOLD, "checklist": ["none"], **seen, **facts}
        self.clinic.ada.call_ok("PUT", f"/submissions/{self.number}/facts", json=body)

    def report(self) -> Any:
        return read(self.clinic.doctor, f"DiagnosticReport/{self.number}")

    def observed(self, name: str) -> Any:
        return read(self.clinic.doctor, f"Observation/{self.number}-{name}")

    def observations(self) -> list[Any]:
        path = f"Observation?patient={self.clinic.patient}"
        found = walk(self.clinic.doctor, path)
        return [record for record in found if record["id"].startswith(f"{self.number}-")]


def test_a_correction_is_another_version_of_the_same_report(tmp_path: Path) -> None:
    found = Corrected(tmp_path)
    before, told = found.report(), found.observed("told")
    found.correct(age=51, body_site="chest")
    after = found.report()
    reports = walk(found.clinic.doctor, f"DiagnosticReport?patient={found.clinic.patient}")
    assert ids(reports) == [str(found.number)]
    assert after["meta"]["versionId"] != before["meta"]["versionId"]
    assert after["meta"]["lastUpdated"] > before["meta"]["lastUpdated"]
    assert after["issued"] > before["issued"]
    assert after["effectiveDateTime"] == before["effectiveDateTime"], "it is the same photo"
    assert (before["status"], after["status"]) == ("preliminary", "preliminary")
    assert "version" not in before["text"]["div"]
    assert "version 2 · corrected before: Age, Body site<" in after["text"]["div"]
    since = quote(before["meta"]["lastUpdated"])
    for kind, known in (
        ("DiagnosticReport", 1),
        ("Observation", len(after["result"])),
        ("Media", 1),
    ):
        changed = walk(found.clinic.doctor, f"{kind}?_lastUpdated=gt{since}")
        assert len(changed) == known, kind
    assert [item["component"][0]["valueInteger"] for item in (told, found.observed("told"))] == [
        50,
        51,
    ]
    assert found.observed("told")["bodySite"]["coding"][0]["code"] == "chest"
    assert_valid([after, *found.observations()])


def test_a_corrected_side_is_read_and_told_to_who_asks_what_has_changed(tmp_path: Path) -> None:
    found = Corrected(tmp_path)
    arm = {"body_site": "upper_extremity", "body_side": "rear"}
    found.correct(**arm)
    for side in ("left", "right"):
        before = found.report()
        found.correct(**arm, body_laterality=side)
        after, since = found.report(), quote(before["meta"]["lastUpdated"])
        assert "Corrected: " in after["text"]["div"]
        assert after["issued"] > before["issued"]
        changed = walk(found.clinic.doctor, f"DiagnosticReport?_lastUpdated=gt{since}")
        assert changed == [after]
        records = [*found.observations(), read(found.clinic.doctor, f"Media/{found.number}-1")]
        for record in records:
            codes = [(item["system"], item["code"]) for item in record["bodySite"]["coding"]]
            assert codes == [
                ("urn:skinapi:body-sites", "upper_extremity"),
                ("urn:skinapi:laterality", side),
                ("urn:skinapi:sides", "rear"),
            ]
            assert (
                record["bodySite"]["text"]
                == f"upper extremity, {side}, rear, as told with the photo"
            )
        assert_valid(records)


def test_what_is_told_no_more_is_entered_in_error(tmp_path: Path) -> None:
    found = Corrected(tmp_path)
    assert found.observed("told")["status"] == "preliminary"
    found.correct(age=None, sex=None, checklist=None)
    told = found.observed("told")
    assert told["status"] == "entered-in-error"
    assert "component" not in told
    assert f"Observation/{told['id']}" not in {
        item["reference"] for item in found.report()["result"]
    }
    assert_valid([told])
