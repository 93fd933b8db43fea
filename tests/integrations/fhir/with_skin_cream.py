from tests.findings.prediction.test_judging_again import Corrected
from tests.integrations.fhir.clinic import read
from tests.support.backends import Backend


def test_it_is_observed(backend: Backend) -> None:
    case = Corrected(backend, skin_cream="true")
    told = read(case.doctor, f"Observation/{case.number}-told")["component"]
    [fact] = [part for part in told if part["code"]["coding"][0]["code"] == "skin-cream"]
    assert fact["code"]["text"] == "A cream was on the skin"
    assert fact["valueBoolean"] is True
