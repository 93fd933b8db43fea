"""A broken glass opens nothing to a health record."""

from tests.findings.prediction.photographer import predicted
from tests.privacy.test_break_glass import opened
from tests.support.backends import Backend


def test_it_opens_nothing_here(backend: Backend) -> None:
    admin, ada = backend.admin(), backend.member()
    found = predicted(ada, keep_photo="true")
    opened(admin, number=found["id"])
    number = found["id"]
    assert admin.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    for path in (
        *(f"/fhir/Binary/{number}-{part}" for part in ("report", "1")),
        f"/fhir/DiagnosticReport/{number}",
    ):
        assert admin.call("GET", path).status_code == 404, path
