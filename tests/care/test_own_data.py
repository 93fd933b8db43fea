"""What is stored about a person, for that person alone: counted, and whole as one file."""

from datetime import timedelta
from typing import Any

from skinapi.care.own_data.routes import OwnData
from skinapi.storage.ids import now
from tests.care.conversation import Talk
from tests.care.test_letters import Practice
from tests.prediction.photographer import predicted
from tests.support.backends import PASSWORD, Backend, Person


def summary(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = person.call("GET", "/me/data/summary").get_json()
    return told


def data_of(person: Person) -> dict[str, Any]:
    answer = person.call("GET", "/me/data")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    whole: dict[str, Any] = answer.get_json()
    return whole


def test_all_that_a_person_sees_is_in_the_file(any_backend: Backend) -> None:
    practice = Practice(any_backend)
    ada = practice.ada
    practice.sign(practice.draft())
    practice.draft()  # which nobody else sees
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    body = {"text": "Does it itch?"}
    assert practice.doctor.call("POST", f"/lesions/{spot}/messages", json=body).status_code == 201
    whole = data_of(ada)
    assert whole["account"] == ada.call("GET", "/me").get_json()
    assert whole["sessions"] == ada.call("GET", "/me/sessions").get_json()
    assert whole["spots"] == ada.call("GET", "/lesions").get_json()
    conversation = ada.call("GET", f"/lesions/{spot}/messages").get_json()
    assert whole["messages"] == [{**one, "lesion": spot} for one in conversation]
    (finding,) = whole["findings"]
    seen = ada.call("GET", f"/submissions/{practice.number}").get_json()
    for beside in ("model", "instruction"):  # of today, and not of the finding
        seen.pop(beside, None)
    assert {name: finding[name] for name in seen} == seen
    assert finding["reviews"] == ada.call("GET", f"/submissions/{practice.number}/reviews").json
    (letter,) = finding["letters"]
    assert (letter["signed_by"], letter["superseded"]) == ("Dr Grace Hopper", None)
    counted = {"findings": 1, "photos": 1, "spots": 1, "letters": 1, "messages": 1}
    assert summary(ada) == {**counted, "since": whole["account"]["created_at"]}


def test_its_links_lead_to_photos_and_reports(backend: Backend) -> None:
    ada = backend.member()
    kept, not_kept = (predicted(ada, keep_photo=keep)["id"] for keep in ("true", "false"))
    address = backend.settings.address
    first, second = data_of(ada)["findings"]
    assert first["page"] == f"{address}/#/finding/{kept}"
    assert first["photos"] == [f"{address}/submissions/{kept}/photo"]
    for link in (*first["photos"], first["report_pdf"]):
        assert ada.call("GET", link.removeprefix(address)).status_code == 200, link
    assert (second["id"], second["photos"]) == (not_kept, [])
    assert summary(ada)["photos"] == 1


def test_it_is_what_the_description_says(backend: Backend) -> None:
    talk = Talk(backend)
    talk.sent(talk.ada)
    predicted(talk.ada)
    whole = data_of(talk.ada)
    schema = backend.client.get("/openapi.json").get_json()["components"]["schemas"]["OwnData"]
    assert whole.keys() == schema["properties"].keys() == OwnData.model_fields.keys()


def test_nobody_elses_is_in_it(backend: Backend) -> None:
    talk, other = Talk(backend), Talk(backend)
    other.sent(other.ada, "nobody else's words")
    predicted(other.ada)
    for person in (talk.ada, talk.grey):
        whole = data_of(person)
        assert (whole["findings"], whole["messages"]) == ([], [])
    assert len(data_of(talk.ada)["spots"]) == 1
    assert summary(talk.grey)["messages"] == 0


def test_no_secret_is_in_it(backend: Backend) -> None:
    ada = backend.member()
    ada.call("POST", "/me/second-factor", json={"current_password": PASSWORD})
    account = backend.account(ada.email)
    text = ada.call("GET", "/me/data").text
    assert account.password_hash not in text
    assert ada.token not in text
    assert account.second_factor
    assert account.second_factor.salt not in text


def test_what_a_doctor_holds_back_is_neither_counted_nor_told(backend: Backend) -> None:
    practice = Practice(backend, reviewed=False)
    until = (now() + timedelta(days=2)).isoformat()
    practice.review("melanoma", urgency="urgent_referral", hold_until=until)
    practice.sign(practice.draft())
    (finding,) = data_of(practice.ada)["findings"]
    assert (finding["decision"], finding["reviews"], finding["letters"]) == (None, [], [])
    assert summary(practice.ada)["letters"] == 0
