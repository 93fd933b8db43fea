"""A clock that was wrong, even for seconds, erases nothing, and is an alarm afterwards."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.app.integrity_check import check_integrity
from skinapi.platform.storage.clock_watch import ALARM, STEADY
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.support.backends import MAIL, PASSWORD, Backend, Person
from tests.support.clock import Clock

DAY = timedelta(days=1)
WAIT, YEARS = 7, 1


@pytest.fixture
def backend(tmp_path: Path, clock: Clock) -> Backend:
    given: dict[str, Any] = {"deletion_wait_days": WAIT, "record_retention": YEARS}
    return Backend(tmp_path, waiting_account_days=30, **given)


def make_passes(backend: Backend) -> None:
    backend.services.erasure.begin_due()
    backend.services.erasure.finish_begun()
    backend.app.background.run("waiting-expiry")


def live(backend: Backend, clock: Clock, days: int) -> None:
    for _ in range(days):
        clock.ahead += DAY
        make_passes(backend)


def leave(person: Person) -> None:
    answer = person.call("DELETE", "/me", json={"current_password": PASSWORD})
    assert answer.status_code == 200, answer.text


def signed(backend: Backend) -> Person:
    """A patient, of whom a doctor has signed something."""
    talk = Talk(backend)
    number = predicted(talk.ada)["id"]
    said = {"label": "melanoma", "certainty": "sure"}
    assert talk.grey.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    return talk.ada


def accounts(backend: Backend) -> set[str]:
    return {item["id"] for item in backend.services.store.collection("accounts").find()}


def to_reach(backend: Backend) -> list[Any]:
    backend.app.background.run("forgotten")
    return [*backend.services.data.people_to_reach.walk_all()]


def alarm(backend: Backend) -> dict[str, Any] | None:
    admin = backend.member(role="admin")
    answer = admin.call("GET", "/admin/overview")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] | None = answer.get_json()["clock_alarm"]
    return shown


def notes(backend: Backend) -> list[str]:
    said: list[str] = backend.client.get("/readyz").get_json()["notes"]
    return [item for item in said if "clock" in item]


def test_a_clock_that_is_ahead_for_seconds_erases_nobody_and_the_deletion_is_taken_back(
    backend: Backend, clock: Clock
) -> None:
    make_passes(backend)
    ada = backend.member()
    leave(ada)
    backend.register("waits@example.org")
    assert notes(backend) == []
    before = accounts(backend)
    clock.ahead = 40 * DAY
    make_passes(backend)
    make_passes(backend)
    assert accounts(backend) == before
    wrong = alarm(backend)
    assert wrong is not None
    assert (wrong["set_right"], wrong["spared_accounts"], wrong["spared_records"]) == (None, 1, 0)
    assert "nothing goes by it" in notes(backend)[0]
    gauge = backend.services.data.clock.gauges()
    assert [(item.name, item.value) for item in gauge] == [("skinapi_clock_jumped", 1.0)]
    clock.ahead = timedelta(minutes=1)
    make_passes(backend)
    assert accounts(backend) >= before
    ada = backend.log_in(ada.email)  # sessions may have ended by the wrong clock
    assert ada.call("DELETE", "/me/deletion").status_code == 200
    ended = alarm(backend)
    assert ended is not None
    assert ended["set_right"] is not None
    assert ended["spared_accounts"] == 1
    assert "Not erased by it: accounts 1, medical records 0" in notes(backend)[0]
    live(backend, clock, ALARM.days + 1)
    assert notes(backend) == []
    assert alarm(backend) is None


def test_a_record_that_the_law_keeps_outlives_a_clock_that_is_years_ahead(
    backend: Backend, clock: Clock
) -> None:
    make_passes(backend)
    ada = signed(backend)
    account = backend.account(ada.email).id
    leave(ada)
    live(backend, clock, WAIT + 1)
    assert backend.services.data.accounts.get(account).is_record
    clock.ahead += 400 * DAY
    make_passes(backend)
    kept = backend.services.data.accounts.get(account)
    assert kept.is_record
    assert [item.account for item in to_reach(backend)] == [account]
    assert backend.services.findings.find_kept_record(account)
    shown = alarm(backend)
    assert shown is not None
    assert (shown["spared_accounts"], shown["spared_records"]) == (0, 1)
    live(backend, clock, STEADY.days + 1)
    assert to_reach(backend) == []


def test_who_deletes_the_account_while_the_clock_is_years_ahead_leaves_the_record_too(
    backend: Backend, clock: Clock
) -> None:
    make_passes(backend)
    ada = signed(backend)
    account = backend.account(ada.email).id
    clock.ahead = 400 * DAY
    make_passes(backend)
    assert backend.services.findings.retention.find_record(account)


def test_after_a_long_stop_what_is_due_goes_after_a_week(backend: Backend, clock: Clock) -> None:
    """Nobody can tell it from a clock that is ahead."""
    make_passes(backend)
    ada = backend.member()
    account = backend.account(ada.email).id
    leave(ada)
    clock.ahead = 30 * DAY
    make_passes(backend)
    live(backend, clock, STEADY.days - 1)
    assert account in accounts(backend)
    live(backend, clock, 1)
    assert account not in accounts(backend)
    assert notes(backend) == []


def test_a_hold_goes_on_while_the_clock_is_ahead(tmp_path: Path, clock: Clock) -> None:
    """Nothing shows, mails or sorts by its end."""
    backend = Backend(tmp_path, **MAIL)
    backend.services.erasure.begin_due()
    talk = Talk(backend)
    lesion = talk.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    number = predicted(talk.ada, lesion=lesion)["id"]
    path, store = f"/submissions/{number}", backend.services.store
    said = {"label": "basal_cell_carcinoma", "certainty": "sure", "told_by": "doctor"}

    def decided(reader: Person) -> Any:
        reader = backend.log_in(reader.email)
        decision = reader.call("GET", path).get_json()["decision"]
        signed = reader.call("GET", f"{path}/reviews").get_json()
        return decision and decision["label"], [item.get("held_until") for item in signed]

    def pass_by() -> tuple[int, int, Any, Any]:
        """Reviewed mails, reminders, the hold's key, and what the patient reads."""
        for task in ("ended-holds", "reminders"):
            backend.app.background.run(task)
        outbox = store.collection("outbox")
        mails = [outbox.count({"kind": kind}) for kind in ("reviewed", "reminder")]
        (found,) = store.collection("submissions").find({"number": number})
        return mails[0], mails[1], found.get("hold_key"), decided(talk.ada)

    until = talk.grey.call("POST", f"{path}/review", json=said).get_json()["held_until"]
    before = pass_by()
    assert (before[0], before[3]) == (0, (None, []))
    clock.ahead = 4 * DAY
    assert pass_by() == before
    assert decided(talk.grey) == ("basal_cell_carcinoma", [until])
    written = backend.log_in(talk.grey.email)
    letter = written.call("POST", f"{path}/letters", json={"reader": "patient"}).get_json()
    body = {name: letter[name] for name in ("text", "version", "decision")}
    signed = written.call("POST", f"/letters/{letter['_id']}/sign", json=body).get_json()
    assert signed["held_until"] == until
    assert pass_by() == before
    clock.ahead = timedelta(minutes=1)
    assert pass_by() == before
    assert list(check_integrity(backend.services)) == []
    for _ in range(3):
        clock.ahead += DAY
        backend.services.erasure.begin_due()
    mails, _, key, read = pass_by()
    assert (mails, key, read) == (1, None, ("basal_cell_carcinoma", [None]))


def test_what_is_signed_while_the_clock_is_a_month_behind_is_mailed_by_the_right_one(
    tmp_path: Path, clock: Clock
) -> None:
    backend = Backend(tmp_path, **MAIL)
    make_passes(backend)
    clock.ahead = -40 * DAY
    talk = Talk(backend)
    number = predicted(talk.ada)["id"]
    said = {"label": "melanoma", "certainty": "sure", "told_by": "server"}
    answer = talk.grey.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status_code == 201, answer.text
    admin = backend.member(role="admin")
    assert admin.call("PATCH", f"/users/{talk.ada.email}/suspend").status_code == 200
    clock.ahead = timedelta(minutes=1)
    assert len(to_reach(backend)) == 1
    outbox = backend.services.data.outbox
    assert f"finding/{number}" in [item["about"] for item in outbox.find_due(9)]
    clock.ahead = 40 * DAY
    before = [*outbox.walk_all()]
    outbox.retry(before)
    clock.ahead = timedelta(minutes=2)
    assert {item["id"] for item in outbox.find_due(99)} == {item.id for item in before}


def held_back(backend: Backend) -> tuple[Talk, str]:
    make_passes(backend)
    return held_back_of(backend)


def held_back_of(backend: Backend) -> tuple[Talk, str]:
    talk = Talk(backend)
    path = f"/submissions/{predicted(talk.ada)['id']}"
    said = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    assert talk.grey.call("POST", f"{path}/review", json=said).status_code == 201
    return talk, path


def label_of(backend: Backend, talk: Talk, path: str) -> Any:
    backend.app.background.run("ended-holds")
    decision = backend.log_in(talk.ada.email).call("GET", path).get_json()["decision"]
    return decision and decision["label"]


def test_a_hold_ends_by_the_time_that_passes_while_the_clock_is_ahead(
    backend: Backend, clock: Clock
) -> None:
    talk, path = held_back(backend)
    for _ in range(2):
        assert label_of(backend, talk, path) is None
        clock.ahead += timedelta(hours=62)
        make_passes(backend)
        assert label_of(backend, talk, path) is None
        live(backend, clock, 1)
    clock.ahead += timedelta(minutes=1)
    assert label_of(backend, talk, path) == "melanoma"


def test_a_hold_ends_by_the_clock_where_the_server_was_off_over_the_weekend(
    tmp_path: Path, clock: Clock
) -> None:
    before = Backend(tmp_path)
    talk, path = held_back(before)
    clock.ahead = timedelta(hours=62)
    before.services.store.close()
    after = Backend(tmp_path)
    second, new = held_back_of(after)
    make_passes(after)
    assert label_of(after, second, new) is None, "signed in the first second"
    assert notes(after), "nothing else goes by it"
    assert label_of(after, talk, path) == "melanoma"
    after.services.store.close()


def test_a_hold_of_a_clock_that_was_ahead_is_no_longer_than_others(
    backend: Backend, clock: Clock
) -> None:
    make_passes(backend)
    clock.ahead = 40 * DAY
    make_passes(backend)
    talk, path = held_back(backend)
    clock.ahead = timedelta(minutes=1)
    make_passes(backend)
    assert label_of(backend, talk, path) is None
    live(backend, clock, 2)
    assert label_of(backend, talk, path) == "melanoma"


def test_a_hold_of_a_server_that_was_started_by_a_clock_that_was_ahead_ends(
    tmp_path: Path, clock: Clock
) -> None:
    before = Backend(tmp_path)
    make_passes(before)
    before.services.store.close()
    clock.ahead = 40 * DAY
    after = Backend(tmp_path)
    make_passes(after)
    talk, path = held_back(after)
    clock.ahead = timedelta(minutes=1)
    make_passes(after)
    assert label_of(after, talk, path) is None
    live(after, clock, 2)
    assert label_of(after, talk, path) == "melanoma"
    after.services.store.close()


def test_a_doctor_ends_a_hold_while_the_clock_is_ahead(backend: Backend, clock: Clock) -> None:
    make_passes(backend)
    talk = Talk(backend)
    number = predicted(talk.ada)["id"]
    path = f"/submissions/{number}"
    said = {"label": "melanoma", "certainty": "sure", "told_by": "doctor"}
    assert talk.grey.call("POST", f"{path}/review", json=said).status_code == 201
    clock.ahead = 4 * DAY
    ended = backend.log_in(talk.grey.email).call("DELETE", f"{path}/hold").get_json()
    assert len(ended["shown"]) == 1
    ada = backend.log_in(talk.ada.email)
    assert ada.call("GET", path).get_json()["decision"]["label"] == "melanoma"


def test_a_milder_review_that_is_signed_while_the_clock_is_ahead_waits_with_what_is_held(
    backend: Backend, clock: Clock
) -> None:
    make_passes(backend)
    talk = Talk(backend)
    lesion = talk.ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first, second = (predicted(talk.ada, lesion=lesion)["id"] for _ in range(2))
    said = {"label": "melanoma", "histology_result": "melanoma", "told_by": "doctor"}
    held = talk.grey.call("POST", f"/submissions/{first}/review", json=said).get_json()
    clock.ahead = 4 * DAY
    mole = {"label": "melanocytic_nevus", "certainty": "sure"}
    grey = backend.log_in(talk.grey.email)
    signed = grey.call("POST", f"/submissions/{second}/review", json=mole).get_json()
    assert signed["held_until"] == held["held_until"]
    ada = backend.log_in(talk.ada.email)
    for number in (first, second):
        assert ada.call("GET", f"/submissions/{number}").get_json()["decision"] is None


def test_a_damaged_note_of_the_time_takes_nobody_the_findings(backend: Backend) -> None:
    make_passes(backend)
    talk = Talk(backend)
    number = predicted(talk.ada)["id"]
    backend.services.store.collection("clock").update(
        {"id": "clock"}, {"$unset": {"right_at": True}}
    )
    assert talk.ada.call("GET", f"/submissions/{number}").status_code == 200
    assert talk.ada.call("GET", "/submissions").get_json()[0]["id"] == number
