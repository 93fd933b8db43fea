from collections.abc import Iterator

from skinapi.model.conditions import Band, conditions_table
from tests.integrations.fhir.test_search import walk_patient
from tests.use_cases.test_one_truth import Told, Truth, text_of


def walk(truth: Truth) -> Iterator[Told]:
    history, number = truth.history, truth.live.number
    records = walk_patient(history.program, history.owner_of(truth.live.spot).id)
    found = {f"{record['resourceType']}/{record['id']}": record for record in records}
    path = f"DiagnosticReport/{number}"
    text = text_of(found[path]["text"]["div"])
    asks = set() if truth.waits_for == "photo" else {truth.counts.urgency}
    if not truth.is_own:
        yield Told(f"{path} text", asked_of_doctor(text), asks)
    decided = found.get(f"Observation/{number}-decided-urgency", {})
    codes = [item["code"] for item in decided.get("valueCodeableConcept", {}).get("coding", [])]
    by_doctor = asks if truth.review else set()
    yield Told(f"{path} decided-urgency", {*codes}, by_doctor)
    signed = found[path]["status"] in ("final", "amended")
    yield Told(f"{path} status", signed and truth.current is None, False)


def asked_of_doctor(text: str) -> set[Band]:
    table = conditions_table()
    labels = {band: table.band_words(band, "en").doctor_label for band in Band}
    return {band for band, said in labels.items() if f"{said}." in " ".join(text.split())}
