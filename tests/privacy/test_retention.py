from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from skinapi.__main__ import main
from skinapi.accounts.auth.owners import AccountUses
from skinapi.base.errors import UnsafeSettings
from skinapi.base.languages import LANGUAGES
from skinapi.base.settings.privacy import (
    LEAVES_RECORD,
    PrivacySettings,
    RetainedKind,
    faults_of_retention,
)
from skinapi.care.message_records import Thread
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.records.waiting_spots import WaitingSpot, WaitingSpots
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band
from skinapi.platform.storage.ids import now
from skinapi.privacy.retention.service import RetentionService
from tests.care.clinic import ROUTINE, file_for, patient_of
from tests.console.test_static import read_words
from tests.findings.prediction.photographer import predicted
from tests.repository.documents import PAGES
from tests.stores.kills import Kills
from tests.support.backends import MAIL, SECRET, Backend, Person, put_in, settings_in
from tests.support.clock import Clock
from tests.support.models import tiny_model
from tests.support.reviews import mark_told, signed_review
from tests.support.size import size

DAY = timedelta(days=1)
# Fewer days than the settings allow, because a test simulates each.
PHOTOS, FINDINGS, MESSAGES, ACCOUNTS = 20, 30, 15, 50
DAYS = dict(zip(RetainedKind, (PHOTOS, FINDINGS, MESSAGES, ACCOUNTS), strict=True))
SETTINGS: dict[str, Any] = {**MAIL, "photos": "always", "retain_accounts_days": 500}


@pytest.fixture
def given() -> dict[str, Any]:
    return SETTINGS


class Clinic:
    """A clinic whose days pass at once."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self.backend, self.clock = backend, clock
        self.doctor = backend.member(role="doctor")
        self.boss = backend.member(role="admin").email
        self.keep(DAYS)

    @property
    def service(self) -> RetentionService:
        return self.backend.services.retention

    def keep(self, days: Mapping[RetainedKind, int | None]) -> None:
        put_in(self.service, days={**dict.fromkeys(RetainedKind), **days})

    def photo(self, of: Person, band: Band = ROUTINE, **fields: Any) -> StoredFinding:
        blob = self.backend.services.store.blobs.put(b"a photo")
        return file_for(self.backend, of, band, photo_blob=blob, **fields)

    def live(self, days: int, *, passing: bool = True) -> None:
        """Let this many days pass, with one sweep each."""
        for _ in range(days):
            self.clock.ahead += DAY
            if passing:
                self.service.run_once()

    def find(self, filed: StoredFinding) -> StoredFinding | None:
        return self.backend.services.findings.records.find(filed.id)

    def has_photo(self, filed: StoredFinding) -> bool:
        found = self.find(filed)
        return found is not None and found.photo_blob is not None

    def admin(self) -> Person:
        return self.backend.log_in(self.boss)

    def write_message(self, who: Person, *, read: bool) -> None:
        account = self.backend.account(who.email)
        messages = self.backend.services.data.messages
        thread = Thread(account.id, None)
        sent = messages.add(thread, author=account.id, text="x", to="-")
        if read:
            messages.mark_done(thread, by="-", last=sent.id)

    def log_doctor_in(self) -> None:
        self.doctor.token = self.backend.token_of(self.backend.account(self.doctor.email))

    def review(self, filed: StoredFinding, **said: Any) -> None:
        self.log_doctor_in()
        body = {"label": "melanocytic_nevus", "certainty": "sure", **said}
        signed_review(self.doctor, filed.number, body)


@pytest.fixture
def clinic(clock: Clock, backend: Backend) -> Clinic:
    return Clinic(backend, clock)


@pytest.fixture
def real_clinic(clock: Clock, real_backend: Backend) -> Clinic:
    return Clinic(real_backend, clock)


def test_a_reviewed_photo_goes_after_its_time_and_its_finding_later(clinic: Clinic) -> None:
    clinic.keep({**DAYS, RetainedKind.ACCOUNTS: None})
    filed = clinic.photo(patient_of(clinic.backend, clinic.doctor))
    clinic.live(10)
    clinic.review(filed)
    clinic.live(PHOTOS - 1)
    assert clinic.has_photo(filed)
    clinic.live(1)
    assert not clinic.has_photo(filed)
    found = clinic.find(filed)
    assert found is not None
    assert found.photo_removed_at is not None
    assert list(clinic.backend.services.store.blobs.keys()) == []
    clinic.live(FINDINGS - PHOTOS - 1)
    assert clinic.find(filed) is not None
    clinic.live(1)
    assert clinic.find(filed) is None
    rows = [row["action"] for row in clinic.backend.audit() if row["by"] == "system"]
    assert rows == ["retention.photo", "retention.spot"]


Wait = Callable[[Clinic, Person, StoredFinding], object]


def ask_colleague(clinic: Clinic, _: Person, filed: StoredFinding) -> None:
    clinic.review(filed)
    body = {"colleague": clinic.backend.member(role="doctor").email}
    clinic.doctor.call_ok("PUT", f"/submissions/{filed.number}/second-opinion", json=body)


def write(clinic: Clinic, ada: Person, filed: StoredFinding) -> None:
    clinic.review(filed)
    path = f"/conversations/{filed.lesion}/messages"
    ada.call_ok("POST", path, status=201, json={"text": "It itches."})


def name_cancer_and_tell(clinic: Clinic, _: Person, filed: StoredFinding) -> None:
    clinic.review(filed, label="melanoma")
    assert mark_told(clinic.doctor, filed.lesion, filed.number).status_code == 200


WAITS: Mapping[WaitingKind, Wait] = {
    WaitingKind.REVIEW: lambda *_: None,
    WaitingKind.RESULT: lambda clinic, _, filed: clinic.review(filed, sample="waiting"),
    WaitingKind.PHOTO: lambda clinic, _, filed: clinic.review(filed, photo_wanted=True),
    WaitingKind.OPINION: ask_colleague,
    WaitingKind.ANSWER: write,
    WaitingKind.VISIT: name_cancer_and_tell,
    WaitingKind.TELLING: lambda clinic, _, filed: clinic.review(filed, label="melanoma"),
}


@pytest.mark.parametrize("kind", WaitingKind)
def test_what_a_spot_waits_for_keeps_it_with_its_photos_and_its_account(
    clinic: Clinic, kind: WaitingKind
) -> None:
    ada = patient_of(clinic.backend, clinic.doctor)
    waiting, other = clinic.photo(ada), clinic.photo(ada)
    clinic.review(other)
    WAITS[kind](clinic, ada, waiting)
    rows = clinic.backend.services.data.waiting.list_of("lesion", [waiting.lesion])
    assert kind in {row.kind for row in rows}
    for days in (ACCOUNTS - 20, 25, 25):
        clinic.live(days - 1, passing=False)
        clinic.live(1)
    assert clinic.has_photo(waiting)
    assert clinic.find(other) is None


def test_a_spot_without_a_doctor_waits_for_its_review_too(clinic: Clinic) -> None:
    waiting = clinic.photo(clinic.backend.member())
    clinic.live(ACCOUNTS + 40)
    assert clinic.has_photo(waiting)


def test_a_finding_stays_if_its_spot_begins_to_wait_after_a_sweep_has_selected_it(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.keep({RetainedKind.FINDINGS: FINDINGS})
    filed = clinic.photo(patient_of(clinic.backend, clinic.doctor))
    clinic.review(filed, photo_wanted=True)
    clinic.live(FINDINGS + 1, passing=False)
    list_of, selecting = WaitingSpots.list_of, [list[WaitingSpot]()]
    monkeypatch.setattr(
        WaitingSpots,
        "list_of",
        lambda self, *of: selecting.pop() if selecting else list_of(self, *of),
    )
    clinic.service.run_once()
    assert selecting == []
    assert clinic.find(filed)


def test_a_message_is_kept_so_long_after_it_was_answered_not_after_it_was_seen(
    clinic: Clinic,
) -> None:
    ada = patient_of(clinic.backend, clinic.doctor)
    clinic.write_message(ada, read=False)
    messages, owner = clinic.backend.services.data.messages, clinic.backend.account(ada.email).id
    messages.mark_seen(Thread(owner, None), to="-", last="f" * 32)
    clinic.live(MESSAGES + 5)
    messages.mark_answered(Thread(owner, None), by="-")
    clinic.live(MESSAGES - 1)
    assert messages.count_of(owner) == 1
    clinic.live(1)
    assert messages.count_of(owner) == 0


def test_a_sweep_deletes_what_a_dry_run_counts(real_clinic: Clinic) -> None:
    clinic = real_clinic
    backend, service = clinic.backend, clinic.service
    unused, ada = backend.member(), patient_of(backend, clinic.doctor)
    spots = [clinic.photo(ada) for _ in range(4)]
    for filed in spots[:3]:
        clinic.review(filed)
    clinic.write_message(ada, read=True)
    clinic.write_message(ada, read=False)
    clinic.live(1)
    clinic.live(PHOTOS, passing=False)
    due = {RetainedKind.PHOTOS: 3, RetainedKind.FINDINGS: 0, RetainedKind.MESSAGES: 1}
    assert service.count_due() == {**due, RetainedKind.ACCOUNTS: 0}
    service.run_once()
    assert [clinic.has_photo(filed) for filed in spots] == [False] * 3 + [True]
    assert backend.services.data.messages.count_of(spots[0].owner) == 1
    assert set(service.count_due().values()) == {0}
    clinic.live(FINDINGS - PHOTOS, passing=False)
    assert service.count_due()[RetainedKind.FINDINGS] == 3
    service.run_once()
    assert [bool(clinic.find(filed)) for filed in spots] == [False] * 3 + [True]
    clinic.live(ACCOUNTS - FINDINGS + 2, passing=False)
    assert service.count_due()[RetainedKind.ACCOUNTS] == 1
    service.run_once()
    assert backend.services.data.accounts.find_by_email(unused.email) is None
    assert [*backend.services.findings.check_integrity()] == []


def test_the_command_prints_what_is_due_and_deletes_nothing(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "INSTANCE_DIR": str(clinic.backend.settings.instance_dir),
        "JWT_SECRET_KEY": SECRET,
        "MODEL_PATH": str(tiny_model()),
        "RETAIN_PHOTOS_DAYS": "120",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ada = patient_of(clinic.backend, clinic.doctor)
    old, waiting = clinic.photo(ada), clinic.photo(ada)
    clinic.review(old)
    clinic.clock.ahead += 121 * DAY
    clinic.review(clinic.photo(ada))
    assert main(["retention", "--dry-run"]) == 0
    assert capsys.readouterr().out == "RETAIN_PHOTOS_DAYS=120: 1 due\n"
    assert clinic.has_photo(old)
    assert clinic.has_photo(waiting)


def test_a_spot_rests_as_one_and_a_new_photo_of_it_keeps_the_old_ones(clinic: Clinic) -> None:
    ada = patient_of(clinic.backend, clinic.doctor)
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    clinic.keep({RetainedKind.PHOTOS: PHOTOS})
    first, lone = clinic.photo(ada, lesion=spot), clinic.photo(ada)
    clinic.review(first)
    clinic.review(lone)
    clinic.live(PHOTOS - 5)
    second = clinic.photo(ada, lesion=spot)
    clinic.live(PHOTOS + 5)
    # The newest waits for its review: what it is compared with stays too.
    assert (clinic.has_photo(first), clinic.has_photo(second)) == (True, True)
    assert clinic.find(lone) is not None
    assert not clinic.has_photo(lone)
    clinic.review(second)
    clinic.live(PHOTOS - 1)
    assert clinic.has_photo(first)
    clinic.live(1)
    assert (clinic.has_photo(first), clinic.has_photo(second)) == (False, False)


def test_a_spot_goes_whole_with_what_is_left_of_deleted_findings(real_clinic: Clinic) -> None:
    """A process that is killed during the deletion deletes all of it or nothing."""
    clinic = real_clinic
    ada = patient_of(clinic.backend, clinic.doctor)
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    filed = [clinic.photo(ada, lesion=spot) for _ in range(3)]
    clinic.review(filed[0])
    ada.call_ok("DELETE", f"/submissions/{filed[1].number}")
    spots = clinic.backend.services.data.lesions
    assert len(spots.get(spot).stubs) == 1
    clinic.review(filed[0])
    clinic.live(FINDINGS - 1)
    clinic.clock.ahead += DAY
    kills = Kills()
    with pytest.MonkeyPatch.context() as patch:
        kills.install(patch)
        for point in range(0, 400, size(7, 1)):
            with kills.before(point):
                clinic.service.run_once()
            there = [clinic.find(item) is not None for item in filed]
            assert there in ([True, False, True], [False] * 3), point
            clinic.clock.ahead += timedelta(minutes=6)  # until the lease ends
    clinic.service.run_once()
    assert not any(clinic.find(item) for item in filed)
    assert spots.find(spot) is None
    assert list(clinic.backend.services.store.blobs.keys()) == []


def test_a_spot_of_deleted_findings_alone_goes_too(clinic: Clinic) -> None:
    ada = patient_of(clinic.backend, clinic.doctor)
    filed = clinic.photo(ada)
    clinic.review(filed)
    ada.call_ok("DELETE", f"/submissions/{filed.number}")
    clinic.live(FINDINGS - 1)
    assert clinic.backend.services.data.lesions.find(filed.lesion)
    clinic.live(1)
    assert clinic.backend.services.data.lesions.find(filed.lesion) is None


def test_keep_stops_retention_of_one_account_and_its_owner_still_deletes(clinic: Clinic) -> None:
    backend, admin = clinic.backend, clinic.admin
    held, other = (patient_of(backend, clinic.doctor) for _ in "12")
    kept, gone = clinic.photo(held), clinic.photo(other)
    clinic.review(kept)
    clinic.review(gone)
    path, account = f"/users/{held.email}/keep", backend.account(held.email).id
    assert admin().call("PUT", path, json={"reason": "a complaint"}).status_code == 200
    clinic.live(PHOTOS + 5)
    assert (clinic.has_photo(kept), clinic.has_photo(gone)) == (True, False)
    seen = admin().call("GET", "/retention").get_json()
    assert seen["kept"] == [{"id": account, "email": held.email, "reason": "a complaint"}]
    held.token = backend.token_of(backend.account(held.email))
    assert held.call("DELETE", f"/submissions/{kept.number}").status_code == 200
    assert clinic.find(kept) is None
    admin().call_ok("PUT", path, json={"reason": None})
    assert admin().call("GET", "/retention").get_json()["kept"] == []
    acts = {row["action"] for row in backend.audit() if row["target"] == account}
    assert {"account.keep", "account.end_keep"} <= acts


def test_an_account_that_is_kept_while_a_sweep_selects_stays(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = patient_of(clinic.backend, clinic.doctor)
    kept, why = clinic.photo(held), {"reason": "a complaint"}
    clinic.review(kept)
    path = f"/users/{held.email}/keep"
    assert clinic.admin().call("PUT", path, json=why).status_code == 200
    monkeypatch.setattr(AccountUses, "list_kept", lambda _: [])  # as it was a moment before
    clinic.live(ACCOUNTS + 35)
    assert clinic.has_photo(kept)
    assert clinic.backend.account(held.email).keep


def test_an_account_that_nobody_uses_goes_after_its_owner_was_told(clinic: Clinic) -> None:
    backend = clinic.backend
    clinic.live(1)
    unused, used, cared = backend.member(), backend.member(), patient_of(backend, clinic.doctor)
    waiting = clinic.photo(cared)
    doctor = backend.account(clinic.doctor.email)
    clinic.live(ACCOUNTS - 31)
    assert _told(backend) == []
    clinic.live(2)
    ids = {item.email: backend.account(item.email).id for item in (unused, used, cared)}
    assert sorted(_told(backend)) == sorted([ids[unused.email], ids[used.email]])
    used.token = backend.token_of(backend.account(used.email))
    assert used.call("GET", "/me").status_code == 200
    clinic.live(29)
    assert backend.services.data.accounts.by_ids({ids[unused.email]})
    clinic.live(2)
    left = backend.services.data.accounts.by_ids({*ids.values(), doctor.id})
    assert left.keys() == {ids[used.email], ids[cared.email], doctor.id}
    assert clinic.has_photo(waiting)
    acts = [row["action"] for row in backend.audit() if row["target"] == ids[unused.email]]
    assert acts == ["retention.warn", "retention.account", "account.erase"]


def _told(backend: Backend) -> list[str]:
    found = backend.services.store.collection("outbox").find({"kind": "account_unused"})
    return [record["account"] for record in found]


def test_a_server_with_settings_that_contradict_each_other_does_not_start(tmp_path: Path) -> None:
    settings: list[tuple[dict[str, Any], str]] = [
        ({"retain_photos_days": 700, "retain_findings_days": 365}, "RETAIN_PHOTOS_DAYS=700"),
        ({"retain_photos_days": 119}, "retain_photos_days"),
        ({"retain_photos_days": 3650, "record_retention": 10}, "3660 at least"),
        ({"retain_findings_days": 400, "record_retention": 2}, "732 at least"),
    ]
    for wrong, says in settings:
        with pytest.raises((UnsafeSettings, ValidationError), match=says):
            Backend(tmp_path, **wrong)


def test_a_finding_says_until_when_its_photo_is_kept_and_that_it_went(clinic: Clinic) -> None:
    ada = patient_of(clinic.backend, clinic.doctor)
    put_in(clinic.backend.services.findings.photos, days=PHOTOS)
    clinic.live(8)
    ada.token = clinic.backend.token_of(clinic.backend.account(ada.email))
    number = predicted(ada, keep_photo="true")["id"]
    path = f"/submissions/{number}"
    told = ada.call("GET", path).get_json()
    assert told["photo_retention"] == {"days": PHOTOS, "until": None}
    filed = clinic.backend.services.data.findings.find_by_number(number)
    assert filed
    assert ada.call("GET", f"{path}/report.pdf").status_code == 200
    clinic.review(filed)
    until = datetime.fromisoformat(
        ada.call("GET", path).get_json()["photo_retention"]["until"].replace("Z", "+00:00")
    )
    assert timedelta() <= until - now() <= PHOTOS * DAY
    clinic.live(PHOTOS + 1)
    ada.token = clinic.backend.token_of(clinic.backend.account(ada.email))
    told = ada.call("GET", path).get_json()
    assert "photo_retention" not in told
    assert told["photo_removed_at"]
    assert told["photo_kept"] is False
    for part in ("photo", "thumbnail"):
        answer = ada.call("GET", f"{path}/{part}")
        assert (answer.status_code, "any more" in answer.get_json()["detail"]) == (404, True)
    report = ada.call("GET", f"{path}/report.html")
    assert "No photo is kept" in report.text
    assert ada.call("GET", f"{path}/report.pdf").status_code == 200
    assert len([*clinic.backend.services.store.blobs.keys()]) == 1  # the report that was drawn anew


def test_what_a_doctor_must_keep_goes_when_the_record_of_its_patient_ends(clinic: Clinic) -> None:
    put_in(clinic.service.records, years=1)
    ada = patient_of(clinic.backend, clinic.doctor)
    old, newer = clinic.photo(ada), clinic.photo(ada)
    clinic.review(old)
    clinic.live(10)
    clinic.review(newer)
    clinic.live(FINDINGS + 1)
    clinic.live(330, passing=False)
    clinic.live(1)
    assert (clinic.has_photo(old), clinic.has_photo(newer)) == (True, True)
    clinic.live(5)
    assert (clinic.find(old), clinic.find(newer)) == (None, None)


def test_each_kind_has_a_setting_and_words() -> None:
    settings = {name for name in PrivacySettings.model_fields if name.startswith("retain_")}
    assert {kind.setting.lower() for kind in RetainedKind} == settings
    needed = {f"retained{of}_{kind}" for of in ("Kind", "Rule") for kind in RetainedKind}
    for language in LANGUAGES:
        assert needed - read_words(language).keys() == set()
    for kind in RetainedKind:
        assert f"| `{kind.setting}` |" in PAGES["docs/operate/privacy.md"]


@pytest.mark.parametrize("kind", RetainedKind)
def test_no_setting_deletes_what_the_law_keeps(kind: RetainedKind, tmp_path: Path) -> None:
    given = {kind.setting.lower(): 731, "record_retention": 2}
    faults = [*faults_of_retention(settings_in(tmp_path, **given))]
    assert [fault.partition("=")[0] for fault in faults] == [kind.setting] * (
        kind not in LEAVES_RECORD
    )


def test_without_the_setting_nobody_notes_when_an_account_was_used(clinic: Clinic) -> None:
    """If it is set again, the days begin again."""
    ada = clinic.backend.member()
    clinic.live(ACCOUNTS - 1)
    assert clinic.backend.account(ada.email).warned_at
    clinic.keep({})
    clinic.live(1)
    account = clinic.backend.account(ada.email)
    assert (account.seen_at, account.warned_at) == (None, None)
    clinic.keep(DAYS)
    clinic.live(ACCOUNTS - 1)
    assert clinic.backend.account(ada.email)
