from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from skinapi.integrations.webhooks import endpoints, service
from skinapi.integrations.webhooks.endpoints import MOST_ENDPOINTS, ROTATED_FOR, EventType
from skinapi.integrations.webhooks.service import DISABLED_AFTER
from skinapi.platform.notices import delivery_sender
from skinapi.platform.notices.delivery_sender import DeliverySender
from skinapi.platform.storage.ids import now
from tests.care.clinic import URGENT, compare_pending, file_for, patient_in_care
from tests.care.test_comparisons import grown
from tests.care.test_lesions import begin, sort
from tests.findings.prediction.photographer import predicted
from tests.integrations.webhooks.receiver import (
    Answer,
    Receiver,
    drips,
    never_answers,
    receiving,
    says,
    says_ten_gigabytes,
    takes,
)
from tests.privacy.test_moving_accounts import move_all
from tests.support.access import add_model
from tests.support.backends import MAIL, Backend, Person, erase
from tests.support.reviews import signed_review

ALL = [event.value for event in EventType]


@pytest.fixture
def given(request: pytest.FixtureRequest) -> dict[str, Any]:
    more = getattr(request, "param", {})
    return {**MAIL, "webhook_private_ranges": "127.0.0.0/8", **more}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def admin(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr(delivery_sender, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(delivery_sender, "LONGEST_PAUSE_S", 0.0)
    return backend.admin()


def add(admin: Person, url: str, events: list[str] | None = None, **more: Any) -> dict[str, Any]:
    body = {"url": url, "events": events or ALL, **more}
    added: dict[str, Any] = admin.call_ok("POST", "/webhooks", json=body, status=201)
    return added


def change(admin: Person, webhook: dict[str, Any], **fields: Any) -> None:
    names = ("url", "events", "clinical", "enabled")
    body = {**{name: webhook[name] for name in names}, **fields}
    assert admin.call("PUT", f"/webhooks/{webhook['id']}", json=body).status_code == 200


def send(backend: Backend) -> None:
    backend.services.get(DeliverySender).finish_pass()


def sent(admin: Person, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    return admin.pages(f"/webhooks/{webhook['id']}/deliveries?limit=2")


def shown(admin: Person) -> dict[str, Any]:
    [webhook] = admin.call("GET", "/webhooks").get_json()
    found: dict[str, Any] = webhook
    return found


def due_at_once(backend: Backend) -> None:
    rows = backend.services.store.collection("deliveries")
    for row in rows.find({"lane": {"$gt": ""}}):
        rows.update({"id": row["id"]}, {"$set": {"due_at": now()}})


def test_each_event_arrives_signed_with_ids_and_links_alone(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    webhook = add(admin, receiver.url)
    doctor, colleague = backend.member(role="doctor"), backend.member(role="doctor")
    ada = backend.member("ada@example.org", doctor_id=backend.account(doctor.email).id)
    number = predicted(ada, keep_photo="true")["id"]
    path = f"/submissions/{number}"
    assert ada.call("PUT", f"{path}/facts", json={"sex": "male"}).get_json()["version"] == 2
    doctor.call_ok("PUT", f"{path}/second-opinion", json={"colleague": colleague.email})
    said = {"label": "melanoma", "certainty": "sure", "note": "a secret note"}
    for review in (said, {"certainty": "suspected", "photo_wanted": True}):
        signed_review(doctor, number, review)
    drafted = doctor.call("POST", f"{path}/letters", json={"reader": "patient"}).get_json()
    signed = {name: drafted[name] for name in ("text", "version", "spot_version")}
    doctor.call_ok("POST", f"/letters/{drafted['_id']}/sign", json=signed)
    back = {"reason": "the wrong patient"}
    doctor.call_ok("POST", f"/letters/{drafted['_id']}/withdrawal", json=back)
    job = backend.services.jobs.submit(kind="train", owner=admin_id(backend, admin), request={})
    backend.services.jobs.cancel(job_id=job.id, owner=None, by="-")
    add_model(backend, "next-1")
    models = backend.services.models
    models.promote(version="next-1", by="-", override=True, reason="for the test of webhooks")
    send(backend)
    spare = predicted(ada)["id"]
    assert ada.call("DELETE", f"/submissions/{spare}").status_code == 200
    send(backend)
    ada_id = backend.account(ada.email).id
    assert move_all(admin, backend.member().email, ada.email).status_code == 200
    erase(backend.services, backend.account(ada.email))
    send(backend)
    assert sorted({*receiver.types()}) == sorted(ALL)
    gone = {item.type: item.read()["data"]["ids"] for item in receiver.messages}
    assert receiver.types().count("finding.deleted") == 1, "an erasure names none of its findings"
    spot = gone["finding.deleted"].pop("spot")
    assert gone["finding.deleted"] == {"finding": spare, "patient": ada_id}
    assert gone["account.erased"] == {"patient": ada_id}
    for message in receiver.messages:
        assert message.verify(webhook["secret"]) == message.read()
        assert message.path == "/hooks?from=skin"
        assert message.read().keys() == {"type", "timestamp", "data"}
        assert message.read()["data"].keys() == {"ids", "links"}
        assert b"melanoma" not in message.body
        assert b"secret note" not in message.body
        assert b"ada@" not in message.body
    stored = next(item for item in receiver.messages if item.type == "finding.stored").read()
    ids = {"finding": number, "patient": ada_id, "spot": stored["data"]["ids"]["spot"]}
    assert ids["spot"] != spot
    assert (stored["data"]["ids"], gone["finding.changed"]) == (ids, {**ids, "version": 2})
    assert stored["data"]["links"] == {
        "finding": f"http://127.0.0.1:5000/submissions/{number}",
        "console": f"http://127.0.0.1:5000/#/finding/{number}",
    }
    requests = [
        item.read()["data"]["ids"] for item in receiver.messages if item.type == "request.made"
    ]
    assert [request["request"] for request in requests] == ["new_picture"]
    assert {item["state"] for item in sent(admin, webhook)} == {"delivered"}


def test_a_review_of_deleted_photos_is_told_without_a_finding(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    doctor, ada = patient_in_care(backend)
    filed = file_for(backend, ada, URGENT)
    ada.call_ok("DELETE", f"/submissions/{filed.number}")
    webhook = add(admin, receiver.url, ["review.signed", "request.made"], clinical=True)
    assert webhook["clinical"]
    version = backend.services.findings.records.spots.get(filed.lesion).spot.version
    said = {"photo_wanted": True, "urgency": URGENT, "spot_version": version}
    signed = doctor.call_ok("POST", f"/lesions/{filed.lesion}/reviews", json=said, status=201)
    send(backend)
    ids = {"patient": backend.account(ada.email).id, "spot": filed.lesion}
    told = [message.read()["data"] for message in receiver.messages]
    assert told == [
        {"ids": {**ids, "review": signed["_id"]}, "links": {}},
        {"ids": {**ids, "request": "new_picture"}, "links": {}},
    ]


def test_a_change_that_a_comparison_has_found_is_told_once(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    add(admin, receiver.url, ["finding.changed"])
    ada = backend.member()
    lesion = begin(ada)
    _, after = grown(backend, ada, lesion)
    for _ in range(2):
        compare_pending(backend)
    send(backend)
    ids = {"finding": after, "patient": backend.account(ada.email).id, "spot": lesion, "version": 1}
    assert [message.read()["data"]["ids"] for message in receiver.messages] == [ids]


def test_of_sorting_each_finding_of_the_spots_is_told_once(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    ada = backend.member()
    chest, back = begin(ada), begin(ada)
    first, second = (predicted(ada, lesion=spot)["id"] for spot in (chest, back))
    add(admin, receiver.url, ["finding.stored", "finding.changed", "finding.deleted"])

    def told() -> list[tuple[int, str | None]]:
        before = len(receiver.messages)
        send(backend)
        ids = [message.read()["data"]["ids"] for message in receiver.messages[before:]]
        return sorted((item["finding"], item.get("spot")) for item in ids)

    assert sort(ada, first, back).status_code == 200
    assert told() == [(first, back), (second, back)]
    alone = sort(ada, first, None).get_json()["lesion"]
    assert told() == [(first, alone), (second, back)]
    assert sort(ada, first, None).status_code == 200
    assert told() == [], "nothing is changed by that"
    assert sort(ada, first, back).status_code == 200
    assert told() == [(first, back), (second, back)]
    third = predicted(ada, lesion=back)["id"]
    assert told() == [(third, back)], "its own event tells"


def test_a_corrected_place_of_a_spot_is_told_once(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    ada, place = backend.member(), {"site": "upper_extremity", "laterality": "right"}
    spot = ada.call("POST", "/lesions", json={"place": place}).get_json()["id"]
    number = predicted(ada, lesion=spot)["id"]
    add(admin, receiver.url, ["finding.changed"])
    left = {"place": {**place, "laterality": "left"}}
    for _ in range(2):
        assert ada.call("PATCH", f"/lesions/{spot}", json=left).status_code == 200
    send(backend)
    told = [message.read()["data"]["ids"]["finding"] for message in receiver.messages]
    assert told == [number]


def test_each_finding_that_is_moved_to_another_account_is_told(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    add(admin, receiver.url, ["finding.changed", "finding.deleted", "account.erased"])
    old, ada = backend.member(), backend.member()
    number = predicted(old)["id"]
    emptied, other = (backend.account(item.email).id for item in (old, ada))
    assert move_all(admin, old.email, ada.email).status_code == 200
    send(backend)
    messages = [message.read() for message in receiver.messages]
    told = {item["type"]: item["data"]["ids"] for item in messages}
    assert len(messages) == len(told)
    changed = told["finding.changed"]
    assert (changed["finding"], changed["patient"]) == (number, other)
    assert told["account.erased"] == {"patient": emptied}


def admin_id(backend: Backend, admin: Person) -> str:
    return backend.account(admin.email).id


def test_an_endpoint_that_an_admin_allows_it_gets_the_result_but_no_names(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    add(admin, receiver.url, ["finding.stored", "review.signed"], clinical=True)
    doctor = backend.member(role="doctor", name="Grace Hopper")
    of_doctor = backend.account(doctor.email).id
    ada = backend.member("ada@example.org", name="Ada Lovelace", doctor_id=of_doctor)
    answered = predicted(ada)
    send(backend)
    review = {"label": "melanoma", "certainty": "sure"}
    signed_review(doctor, answered["id"], review)
    send(backend)
    message, reviewed = receiver.messages
    assert reviewed.read()["data"]["finding"]["decision"]["label"] == "melanoma"
    assert b"Hopper" not in reviewed.body
    finding = message.read()["data"]["finding"]
    assert finding.keys() == {
        *("class", "headline", "band", "probabilities", "codes", "malignant_score"),
        *("uncertain", "reasons", "model_version", "decision", "instruction"),
    }
    assert {name: finding[name] for name in ("class", "band", "model_version")} == {
        name: answered[name] for name in ("class", "band", "model_version")
    }
    for name in (b"Lovelace", b"ada@example.org"):
        assert name not in message.body


def test_a_finding_that_is_gone_meanwhile_is_told_by_its_ids(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    add(admin, receiver.url, ["finding.stored", "finding.deleted"], clinical=True)
    ada = backend.member()
    for in_error in (True, False):
        number = predicted(ada)["id"]
        if in_error:
            path, body = f"/submissions/{number}/entered-in-error", {"reason": "Of Bob."}
            assert admin.call("POST", path, json=body).status_code == 200
        else:
            assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
        send(backend)
        stored, gone = (message.read() for message in receiver.messages[-2:])
        assert stored["data"].keys() == gone["data"].keys() == {"ids", "links"}
        assert gone["type"] == "finding.deleted"
        assert gone["data"]["ids"].get("entered_in_error", False) is in_error
    erase(backend.services, backend.account(ada.email))
    assert backend.stored().get("deliveries", []) == []


def test_a_secret_is_shown_once_and_both_sign_while_it_is_replaced(
    backend: Backend, admin: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = add(admin, receiver.url)
    assert first["secret"].startswith("whsec_")
    assert "secret" not in shown(admin)
    assert first["secret"].removeprefix("whsec_") not in str(backend.stored())
    answer = admin.call("POST", f"/webhooks/{first['id']}/secret")
    second = answer.get_json()
    assert second["secret"] != first["secret"]
    path = f"/webhooks/{first['id']}/test"
    assert admin.call("POST", path).status_code == 202
    send(backend)
    [message] = receiver.messages
    for item in (first, second):
        message.verify(item["secret"])
    later = now() + ROTATED_FOR + timedelta(seconds=1)
    monkeypatch.setattr(endpoints, "now", lambda: later)
    admin.call("POST", path)
    send(backend)
    receiver.messages[-1].verify(second["secret"])
    with pytest.raises(WebhookVerificationError):
        receiver.messages[-1].verify(first["secret"])
    with pytest.raises(WebhookVerificationError):
        receiver.messages[-1].verify(add(admin, receiver.url)["secret"])


def test_a_former_secret_of_the_server_still_signs(tmp_path: Path, receiver: Receiver) -> None:
    listed: dict[str, Any] = {"webhook_private_ranges": "127.0.0.0/8"}
    old, new = "k7Yw2pQz9Xv4Rb6Nt8Lm3Jd5Hf1Gs0Ac", "Zx8Cv6Bn4Mq2Wl0Ek9Rj7Th5Yg3Uf1Ipd"
    first = Backend(tmp_path, jwt_secret_key=old, **listed)
    webhook = add(first.admin(), receiver.url)
    first.services.store.close()
    second = Backend(tmp_path, jwt_secret_key=new, former_jwt_secret_keys=old, **listed)
    second.admin().call("POST", f"/webhooks/{webhook['id']}/test")
    send(second)
    receiver.messages[-1].verify(webhook["secret"])
    second.services.store.close()


METADATA = "http://169.254.169.254/latest/meta-data/"
FAILS: dict[str, tuple[Answer, int | None, str]] = {
    "an error": (says(500), 500, "status"),
    "a redirect": (says(302, Location=METADATA), 302, "redirect"),
    "silent": (never_answers, None, "deadline"),
    "drips": (drips, None, "deadline"),
}


@pytest.mark.parametrize("name", FAILS)
def test_what_fails_is_tried_again_and_shows_why(
    backend: Backend,
    admin: Person,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    answer, code, fault = FAILS[name]
    if fault == "deadline":
        monkeypatch.setattr(service, "DEADLINE_S", 0.5)
    webhook = add(admin, receiver.url)
    admin.call("POST", f"/webhooks/{webhook['id']}/test")
    receiver.answer = answer
    send(backend)
    [tried] = sent(admin, webhook)
    assert (tried["state"], tried["answer"], tried["fault"]) == ("waiting", code, fault)
    assert tried["due_at"]
    assert shown(admin)["failing_since"]
    receiver.answer = takes
    due_at_once(backend)
    monkeypatch.setattr(service, "DEADLINE_S", 60.0)
    send(backend)
    [tried] = sent(admin, webhook)
    assert (tried["state"], tried["attempts"], tried["answer"]) == ("delivered", 2, 204)
    assert shown(admin)["failing_since"] is None
    assert {message.id for message in receiver.messages} == {tried["id"]}
    assert len(receiver.messages) == 2


def test_an_answer_of_ten_gigabytes_is_not_read(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    webhook = add(admin, receiver.url)
    admin.call("POST", f"/webhooks/{webhook['id']}/test")
    receiver.answer = says_ten_gigabytes
    send(backend)
    [delivered] = sent(admin, webhook)
    assert (delivered["state"], delivered["answer"]) == ("delivered", 200)


def test_410_disables_at_once_and_tells_the_admins(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    webhook = add(admin, receiver.url)
    for _ in range(2):
        admin.call("POST", f"/webhooks/{webhook['id']}/test")
    receiver.answer = says(410)
    send(backend)
    assert len(receiver.messages) == 1
    assert {item["state"] for item in sent(admin, webhook)} == {"failed"}
    assert (shown(admin)["enabled"], shown(admin)["disabled_because"]) == (False, "gone")
    [notice] = backend.stored()["outbox"]
    assert notice["kind"] == "webhook_disabled"
    said = backend.client.get("/readyz").get_json()["notes"]
    assert said == ["Webhooks that were disabled because they failed: 1"]
    predicted(backend.member())
    assert len(sent(admin, webhook)) == 2
    refused = admin.call("POST", f"/webhooks/{webhook['id']}/test")
    assert refused.status_code == 409
    change(admin, shown(admin), enabled=True)
    receiver.answer = takes
    again = f"/webhooks/{webhook['id']}/deliveries/{sent(admin, webhook)[0]['id']}/again"
    assert admin.call("POST", again).status_code == 202
    send(backend)
    assert sent(admin, webhook)[0]["state"] == "delivered"
    assert shown(admin)["disabled_because"] is None


def test_only_after_a_week_of_failures_it_is_disabled(
    backend: Backend, admin: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = add(admin, receiver.url)
    receiver.answer = says(503)
    start = now()
    for days, enabled in ((0, True), (6.9, True), (7.1, False)):
        moment = start + DISABLED_AFTER * (days / 7)
        moment = moment.replace(microsecond=0)
        monkeypatch.setattr(service, "now", lambda moment=moment: moment)
        admin.call("POST", f"/webhooks/{webhook['id']}/test")
        due_at_once(backend)
        send(backend)
        assert shown(admin)["enabled"] is enabled, days
    assert shown(admin)["disabled_because"] == "failing"
    rows = [row for row in backend.stored()["audit"] if row["action"] == "webhook.disable"]
    assert [(row["by"], row["detail"]) for row in rows] == [("system", "failing")]


def test_all_that_an_admin_does_is_in_the_audit_trail(
    backend: Backend, admin: Person, receiver: Receiver
) -> None:
    webhook = add(admin, receiver.url, ["job.ended"], clinical=True)
    path = f"/webhooks/{webhook['id']}"
    change(admin, webhook, enabled=False)
    change(admin, webhook, enabled=True)
    admin.call("POST", f"{path}/secret")
    admin.call("POST", f"{path}/test")
    send(backend)
    delivery = sent(admin, webhook)[0]["id"]
    admin.call("POST", f"{path}/deliveries/{delivery}/again")
    assert admin.call("DELETE", path).status_code == 200
    rows = [row for row in backend.stored()["audit"] if row["action"].startswith("webhook.")]
    assert [row["action"].removeprefix("webhook.") for row in rows] == [
        *("add", "change", "change", "rotate_secret", "send_test", "send_again", "delete")
    ]
    assert {row["target"] for row in rows} == {webhook["id"]}
    assert rows[0]["detail"] == "job.ended, clinical content"
    assert backend.stored()["deliveries"] == []
    for method, missing in (("PUT", path), ("DELETE", path), ("POST", f"{path}/secret")):
        body = {"url": receiver.url, "events": ALL}
        assert admin.call(method, missing, json=body).status_code == 404
    assert admin.call("GET", f"{path}/deliveries").status_code == 404
    assert admin.call("POST", f"{path}/deliveries/{delivery}/again").status_code == 404


def test_a_webhook_that_is_none_gets_a_sentence(backend: Backend, admin: Person) -> None:
    good: dict[str, Any] = {"url": "https://example.org/hooks", "events": ALL}
    for name, value in (
        *(("events", []), ("events", ["finding.eaten"]), ("events", "finding.stored")),
        *(("clinical", "yes"), ("url", 7), ("url", None), ("secret", "mine")),
    ):
        answer = admin.call("POST", "/webhooks", json={**good, name: value})
        assert (answer.status_code, bool(answer.get_json()["detail"])) == (400, True), value
    assert backend.stored()["webhooks"] == []


def test_so_many_webhooks_can_be_set(backend: Backend, admin: Person) -> None:
    for number in range(MOST_ENDPOINTS):
        add(admin, f"https://example.org/{number}")
    answer = admin.call("POST", "/webhooks", json={"url": "https://example.org/", "events": ALL})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_webhooks")
