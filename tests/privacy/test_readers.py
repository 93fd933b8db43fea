"""Who has read what of a patient leaves a row of the audit trail, which the patient sees."""

import pytest

from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend


@pytest.mark.parametrize("path", ["/queue", "/patients", "/patients/{id}/submissions", "/lesions"])
def test_a_list_leaves_a_row_for_each_reader_patient_and_day(backend: Backend, path: str) -> None:
    doctor = backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    predicted(ada)
    patient = backend.account(ada.email).id
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()
    path = f"/lesions/{spot['id']}" if path == "/lesions" else path.format(id=patient)
    for _ in range(3):
        assert doctor.call("GET", path).status_code == 200, path
    assert ada.call("GET", "/submissions").status_code == 200
    rows = [row for row in backend.audit() if row["action"] == "record.read"]
    assert [row["target"] for row in rows] == [patient]
    assert [one["what"] for one in ada.pages("/me/readers")] == ["record"]
