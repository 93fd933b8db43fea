"""Runs the commands of docs/integrate/ehr.md, and a FHIR client whose models refuse unknown
fields.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.diagnosticreport import DiagnosticReport
from fhirclient.models.fhirsearch import FHIRSearch
from fhirclient.models.media import Media
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient

from tests.integrations.docs_commands import run_page
from tests.integrations.test_docs_commands import token
from tests.served.server import Server, serving
from tests.support.photos import photo_of

FINDINGS = 3
pytestmark = pytest.mark.xdist_group("served fhir")  # one server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), workers=1) as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: Server) -> str:
    made = token(server, "user")
    for _ in range(FINDINGS):
        answer = requests.post(
            f"http://127.0.0.1:{server.port}/predict",
            headers={"Authorization": f"Bearer {made}"},
            files={"image": ("lesion.jpg", photo_of("melanoma"))},
            data={"keep_photo": "true"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
    return made


def test_the_page_for_health_records_works_as_written(
    server: Server, ada: str, tmp_path: Path
) -> None:
    assert ada
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    own = {"ADMIN_TOKEN": token(server, "admin"), "ADMIN_PASSWORD": ""}
    said = run_page("docs/integrate/ehr.md", server, tmp_path, **own)
    assert said.startswith("4.0.1\n")
    assert "DiagnosticReport preliminary\n" in said
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    reports = json.loads((tmp_path / "reports.json").read_text())
    [newest] = json.loads((tmp_path / "newest.json").read_text())["entry"]
    found = [item["resource"] for item in reports["entry"]]
    assert newest["resource"] in found
    assert {item["subject"]["reference"] for item in found} == {
        newest["resource"]["subject"]["reference"]
    }


def test_a_client_of_fhir_searches_reads_and_follows_pages(server: Server, ada: str) -> None:
    address = f"http://127.0.0.1:{server.port}/fhir"
    fhir = FHIRClient(settings={"app_id": "test", "api_base": address}).server
    fhir.session.headers["Authorization"] = f"Bearer {ada}"
    assert fhir.capabilityStatement.fhirVersion == "4.0.1"

    def search(kind: Any, **parameters: Any) -> list[Any]:
        return list(FHIRSearch(kind, parameters).perform_resources_iter(fhir))

    (patient,) = search(Patient)
    reports = search(DiagnosticReport, patient=patient.id, _count="2")
    assert [type(item) for item in reports] == [DiagnosticReport] * FINDINGS
    report = DiagnosticReport.read(reports[0].id, fhir)
    assert report.as_json() == reports[0].as_json()
    observations = search(Observation, patient=f"Patient/{patient.id}", _count="7")
    named = {item.reference for each in reports for item in each.result}
    assert named == {f"Observation/{observation.id}" for observation in observations}
    media = search(Media)
    photo = fhir.request_data(media[0].content.url, headers={"Accept": "image/jpeg"})
    assert photo.startswith(b"\xff\xd8")
