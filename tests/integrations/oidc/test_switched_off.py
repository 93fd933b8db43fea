from pathlib import Path

from skinapi.app.integrity_check import check_integrity
from skinapi.integrations.oidc.service import RoundTrips
from tests.support.backends import PASSWORD, Backend


def test_what_was_stored_goes_with_the_account(tmp_path: Path) -> None:
    backend = Backend(tmp_path, areas="none")
    patient = backend.member()
    trips = backend.services.get(RoundTrips)
    trips.add("s" * 32, provider="hospital", account=backend.account(patient.email).id)
    assert list(check_integrity(backend.services)) == []
    patient.call_ok("DELETE", "/me", json={"current_password": PASSWORD})
    assert trips.find_by_secret("s" * 32) is None
