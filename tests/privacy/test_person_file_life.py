"""Asking for the file with everything about oneself, its making, its fetching, and its end."""

from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from skinapi.accounts.auth.second_factor import hash_recovery_code
from skinapi.base.errors import DiskFull
from skinapi.platform.backups.backup import write_backup
from skinapi.platform.backups.backup_file import members_of
from skinapi.platform.jobs.job import MOST_ATTEMPTS
from skinapi.platform.storage.ids import now
from skinapi.privacy.person_file.stored_files import FileEnded, PersonFiles
from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import ASKED, ask, bytes_of, fetch, job_of, made_for, make, state_of
from tests.support.access import RECOVERY_CODE
from tests.support.backends import MAIL, Backend, Person, erase


@pytest.fixture
def given() -> dict[str, Any]:
    return {**MAIL, "photos": "always"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def blobs_of(backend: Backend) -> set[str]:
    return set(backend.services.store.blobs.keys())


def patient(backend: Backend, findings: int = 1) -> Person:
    ada = backend.member()
    for _ in range(findings):
        predicted(ada, keep_photo="true")
    return ada


def refusal(person: Person, method: str, path: str, **options: Any) -> tuple[int, str]:
    answer = person.call(method, path, **options)
    return answer.status_code, answer.get_json()["code"]


def test_it_is_fetched_once_and_leaves_nothing(backend: Backend, work: Path) -> None:
    ada = patient(backend)
    before = blobs_of(backend)
    assert state_of(ada)["state"] == "none"
    ask(ada)
    assert (state_of(ada)["state"], state_of(ada)["workers"]) == ("waiting", False)
    assert refusal(ada, "GET", "/me/file/download") == (409, "person_file_not_ready")
    made = make(backend, ada, work)
    told = state_of(ada)
    assert (told["state"], told["bytes"]) == ("ready", made.bytes)
    assert fetch(ada).testzip() is None
    assert state_of(ada)["state"] == "fetched"
    assert refusal(ada, "GET", "/me/file/download") == (404, "no_person_file")
    assert blobs_of(backend) == before
    actions = [row["action"] for row in backend.audit()][-3:]
    assert actions == ["job.submit", "person_file.make", "person_file.fetch"]
    ask(ada)  # another one may follow
    assert [*work.iterdir()] == []


def test_a_download_that_breaks_off_is_begun_again(backend: Backend, work: Path) -> None:
    ada = patient(backend)
    ask(ada)
    backend.services.data.person_files.piece_bytes = 10_000
    make(backend, ada, work)
    headers = {"Authorization": f"Bearer {ada.token}"}
    answer = backend.client.get("/me/file/download", headers=headers, buffered=False)
    pieces = islice(answer.iter_encoded(), 2)
    assert sum(map(len, pieces)) == 20_000
    answer.close()
    assert state_of(ada)["state"] == "ready"
    assert fetch(ada).testzip() is None


@pytest.mark.parametrize("asked", [True, False], ids=["made", "asked for"])
def test_it_ends_after_a_day(backend: Backend, work: Path, asked: bool) -> None:
    ada = patient(backend)
    before = blobs_of(backend)
    ask(ada)
    if asked:
        until = make(backend, ada, work).expires_at
        assert timedelta(hours=23) < until - now() <= timedelta(days=1)
    files = backend.services.store.collection("person_files")
    owner = backend.account(ada.email).id
    files.update({"id": owner}, {"$set": {"expires_at": now()}})
    assert state_of(ada)["state"] == "none"
    assert refusal(ada, "GET", "/me/file/download") == (404, "no_person_file")
    backend.app.background.run("file-sweeper")
    assert (files.get(owner), blobs_of(backend)) == (None, before)
    with pytest.raises(FileEnded):
        make(backend, ada, work)
    assert blobs_of(backend) == before


def test_who_asks_gives_the_password_and_the_code_again(backend: Backend) -> None:
    ada = patient(backend, 0)
    wrong = {"current_password": "wrong horse battery"}
    assert refusal(ada, "POST", "/me/file", json=wrong) == (403, "wrong_password")
    assert refusal(ada, "POST", "/me/file", json={})[0] == 400
    add_factor_to(backend, ada)
    sessions = backend.services.store.collection("sessions")
    sessions.update_all({}, {"$set": {"factor_given": True}})
    assert refusal(ada, "POST", "/me/file", json=ASKED) == (403, "code_required")
    code = {**ASKED, "code": "abcd-efgh-jkmn-pqrt"}
    assert refusal(ada, "POST", "/me/file", json=code) == (403, "wrong_code")
    assert state_of(ada)["state"] == "none"
    assert ada.call("POST", "/me/file", json={**ASKED, "code": RECOVERY_CODE}).status_code == 202


def add_factor_to(backend: Backend, person: Person) -> None:
    factor = {"salt": "0" * 32, "confirmed": True, "used_step": 0}
    backend.edit(
        person.email, second_factor={**factor, "recovery": [hash_recovery_code(RECOVERY_CODE)]}
    )


def test_there_is_one_at_a_time(backend: Backend, work: Path) -> None:
    ada = patient(backend, 0)
    ask(ada)
    second = (409, "person_file_under_way")
    assert refusal(ada, "POST", "/me/file", json=ASKED) == second
    make(backend, ada, work)
    assert refusal(ada, "POST", "/me/file", json=ASKED) == second
    assert ada.call("DELETE", "/me/file").status_code == 200
    assert refusal(ada, "DELETE", "/me/file") == (404, "no_person_file")
    ask(ada)


def test_its_end_while_it_is_made_leaves_nothing(backend: Backend, work: Path) -> None:
    """Wherever it is: before a piece is noted, before it is stored, and after."""
    ada = patient(backend)
    before = blobs_of(backend)
    files, ends = backend.services.data.person_files, ("deleted", "outdated", "erased")
    files.piece_bytes = 5_000
    for how in ends:
        for step in ("noted", "stored"):
            ada = ada if how != "erased" else patient(backend)
            before = blobs_of(backend)
            ask(ada)
            with pytest.MonkeyPatch.context() as patch:
                _end_at(backend, ada, patch, how=how, step=step)
                with pytest.raises(FileEnded):
                    make(backend, ada, work)
            left = blobs_of(backend)
            if how == "outdated":  # another photo has come
                left = {key for key in left if key < max(before)}
            assert left <= before, (how, step)
            assert [*work.iterdir()] == []


def _end_at(
    backend: Backend, ada: Person, patch: pytest.MonkeyPatch, *, how: str, step: str
) -> None:
    """With the third piece, it ends."""
    files = backend.services.data.person_files
    blobs, count = backend.services.store.blobs, 0
    put = type(blobs).put_as

    def end() -> None:
        if how == "deleted":
            assert ada.call("DELETE", "/me/file").status_code == 200
        elif how == "outdated":
            (number,) = {item["id"] for item in ada.call("GET", "/submissions").get_json()[-1:]}
            answer = ada.call("DELETE", f"/submissions/{number}")
            assert answer.status_code == 200, answer.text
            predicted(ada, keep_photo="true")
        else:
            erase(backend.services, backend.account(ada.email))

    def put_as(self: Any, key: str, data: bytes) -> None:
        nonlocal count
        noted = files.find(backend.services.data.accounts.find_by_email(ada.email).id)  # type: ignore[union-attr]
        count += bool(noted and noted.writing == key)
        now_is_the_time, count = count == 3, count + (count == 3)
        if now_is_the_time and step == "noted":
            end()
        put(self, key, data)
        if now_is_the_time and step == "stored":
            end()

    patch.setattr(type(blobs), "put_as", put_as)


def test_what_fails_leaves_nothing_and_is_made_by_the_next_attempt(
    backend: Backend, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = patient(backend)
    before = blobs_of(backend)
    files = backend.services.data.person_files
    files.piece_bytes = 5_000
    ask(ada)
    add_piece, count = PersonFiles.add_piece, 0

    def full(self: PersonFiles, *given: Any) -> Any:
        nonlocal count
        count += 1
        if count == 4:
            raise DiskFull
        return add_piece(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(PersonFiles, "add_piece", full)
        with pytest.raises(DiskFull):
            make(backend, ada, work)
    assert blobs_of(backend) > before  # until it is tried again, or given up
    make(backend, ada, work, attempt=2)
    with pytest.raises(FileEnded):
        make_again(backend, ada, attempt=1)
    assert fetch(ada).testzip() is None
    assert blobs_of(backend) == before


def make_again(backend: Backend, person: Person, *, attempt: int) -> None:
    """What an attempt still does that was fenced."""
    files = backend.services.data.person_files
    file = files.find(backend.account(person.email).id)
    assert file is not None
    files.add_piece(file.model_copy(update={"attempt": attempt, "state": "making"}), b"late")


def test_a_finding_that_is_deleted_takes_the_file_that_tells_of_it(
    backend: Backend, work: Path
) -> None:
    ada = patient(backend, 2)
    ask(ada)
    make(backend, ada, work)
    number = ada.call("GET", "/submissions").get_json()[0]["id"]
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert state_of(ada)["state"] == "outdated"
    assert refusal(ada, "GET", "/me/file/download") == (404, "no_person_file")
    (left,) = backend.services.store.collection("submissions").find()
    assert blobs_of(backend) == {left["photo_blob"]}
    assert f'"number":{left["number"]}'.encode() in bytes_of(made_for(backend, ada, work)).replace(
        b": ", b":"
    )


def test_no_admin_sees_the_job_or_makes_it_go_on(backend: Backend) -> None:
    ada, admin = patient(backend, 0), backend.member(role="admin")
    ask(ada)
    job = job_of(backend, ada)
    assert admin.call("GET", "/jobs").get_json() == []
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/retry")):
        assert admin.call(method, f"/jobs/{job.id}{path}").status_code == 404
    assert state_of(admin)["state"] == "none"


def test_no_backup_has_it(backend: Backend, work: Path, tmp_path: Path) -> None:
    ada = patient(backend)
    ask(ada)
    before = blobs_of(backend)
    make(backend, ada, work)
    pieces = blobs_of(backend) - before
    with (tmp_path / "backup").open("wb") as out:
        write_backup(backend.services.store, out)
    names = [name for name, _ in members_of(tmp_path / "backup")]
    assert before
    assert {f"blobs/{key}" for key in before} <= {*names}
    assert not [name for name in names if "person_files" in name or name[6:] in pieces]


def test_of_one_that_was_given_up_nothing_is_left(
    backend: Backend, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = patient(backend)
    before, services = blobs_of(backend), backend.services
    services.data.person_files.piece_bytes = 5_000
    ask(ada)

    def lost(*_: Any, **__: Any) -> None:
        raise DiskFull

    with monkeypatch.context() as patch:
        patch.setattr(PersonFiles, "finish", lost)
        with pytest.raises(DiskFull):
            make(backend, ada, work)
    job = job_of(backend, ada)
    jobs = services.store.collection("jobs")
    failed = {"status": "failed", "error": "The disk is full", "error_code": "disk_full"}
    jobs.update({"id": job.id}, {"$set": {**failed, "attempts": MOST_ATTEMPTS}})
    told = state_of(ada)
    assert (told["state"], told["error_code"]) == ("failed", "disk_full")
    backend.app.background.run("file-sweeper")
    assert blobs_of(backend) == before
    ask(ada)
