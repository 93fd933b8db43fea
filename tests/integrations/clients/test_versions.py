from typing import Any

from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of
from tests.support.reviews import signed_review

FIELDS = {"_id", "id", "user_name", "user_email", "class", "confidence", "report", "time"}
SIGNS = {"checklist": ["change_in_size", "oozing"]}


def listed(person: Person) -> list[dict[str, Any]]:
    headers = {
        "Accept": "application/json, text/plain, */*",
        "Origin": "http://localhost:4200",
        "Referer": "http://localhost:4200/",
    }
    found = person.call_ok("GET", "/submissions", headers=headers)
    assert all(record.keys() >= FIELDS for record in found)
    return [{name: record[name] for name in FIELDS} for record in found]


def correct(person: Person, number: int, **facts: Any) -> None:
    body = {"version": person.newest_of(number), **facts}
    person.call_ok("PUT", f"/submissions/{number}/facts", json=body)


def test_a_corrected_finding_is_one_row_with_the_newest_answer(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = predicted(ada, photo_of("melanocytic_nevus"), keep_photo="true")["id"]
    [first] = listed(ada)
    assert "this week" not in first["report"]["recommendation"]
    correct(ada, number, **SIGNS)
    [second] = listed(ada)
    same = ("_id", "id", "user_name", "user_email", "time")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert "this week" in second["report"]["recommendation"]

    said = {"label": "basal_cell_carcinoma", "certainty": "sure"}
    said |= {"urgency": "urgent_referral"}
    signed_review(doctor, number, said)
    correct(ada, number, **dict.fromkeys(SIGNS))
    [decided] = listed(ada)
    assert decided["class"] == first["class"], "the newest answer of the model"
    report = decided["report"]
    assert report["overview"].startswith("Doctor's suspicion of ")
    assert "Basal cell carcinoma. This is what counts" in report["overview"]
    assert report["recommendation"].startswith("See a doctor this week.")

    mole = {"label": "melanocytic_nevus", "certainty": "sure"}
    signed_review(doctor, number, mole)
    assert "this week" not in listed(ada)[0]["report"]["recommendation"]
    correct(ada, number, **SIGNS)
    [reopened] = listed(ada)
    for name in ("overview", "recommendation"):
        assert reopened["report"][name].startswith("See a doctor this week.")
        assert "It became more urgent, because the answers about" in reopened["report"][name]
    assert sum(map(len, reopened["report"].values())) <= 2000
    assert reopened["_id"] == first["_id"]
