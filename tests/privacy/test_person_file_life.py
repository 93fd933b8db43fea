from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from skinapi.accounts.auth.second_factor import hash_recovery_code
from skinapi.platform.backups.backup import write_backup
from skinapi.platform.backups.backup_file import members_of
from skinapi.platform.storage.ids import now
from skinapi.privacy.person_file import stored_files
from skinapi.privacy.person_file.stored_files import FileEnded
from tests.findings.prediction.photographer import predicted
from tests.privacy.made_files import ASKED, ask, fetch, job_of, make, state_of
from tests.stores.kills import Kills
from tests.support.access import RECOVERY_CODE
from tests.support.backends import MAIL, PASSWORD, Backend, Person, erase
from tests.support.size import size

AT_ONCE = 12
GONE = (404, "no_person_file")
UNDER_WAY = (409, "person_file_under_way")


@pytest.fixture
def given() -> dict[str, Any]:
    return {**MAIL, "photos": "always"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_files, "PIECE_BYTES", 10_000)


def blobs_of(backend: Backend) -> set[str]:
    return set(backend.services.store.blobs.keys())


def patient(backend: Backend, findings: int = 1) -> Person:
    ada = backend.member()
    for _ in range(findings):
        predicted(ada, keep_photo="true")
    return ada


def outcome(person: Person, method: str, path: str, **options: Any) -> tuple[int, str | None]:
    answer = person.call(method, path, **options)
    return answer.status_code, answer.get_json().get("code") if answer.is_json else None


def at_once(act: Callable[[], Any]) -> Counter[Any]:
    start = Barrier(AT_ONCE)

    def hand(_: int) -> Any:
        start.wait()
        return act()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(hand, range(AT_ONCE)))


def test_it_is_fetched_once_and_leaves_nothing(real_backend: Backend, work: Path) -> None:
    backend = real_backend
    ada = patient(backend)
    before = blobs_of(backend)
    assert state_of(ada)["state"] == "none"
    ask(ada)
    assert state_of(ada)["state"] == "waiting"
    assert outcome(ada, "POST", "/me/file/download") == GONE
    made = make(backend, ada, work)
    told = state_of(ada)
    assert (told["state"], told["bytes"]) == ("ready", made)
    assert fetch(ada).testzip() is None
    assert state_of(ada)["state"] == "none"
    assert outcome(ada, "POST", "/me/file/download") == GONE
    assert blobs_of(backend) == before
    rows = [(row["action"], row["outcome"]) for row in backend.audit()]
    assert rows[-3:-1] == [("person_file.make", "done"), ("person_file.fetch", "done")]
    ask(ada)  # another one may follow
    assert [*work.iterdir()] == []


def test_of_twelve_requests_at_the_same_time_one_gets_it(real_backend: Backend, work: Path) -> None:
    backend = real_backend
    ada = patient(backend)
    before = blobs_of(backend)
    asked = at_once(lambda: outcome(ada, "POST", "/me/file", json=ASKED))
    assert asked[202, None] == 1
    # Only some passwords are checked at the same time.
    assert {*asked} <= {(202, None), UNDER_WAY, (503, "unavailable")}
    make(backend, ada, work)

    def fetched() -> tuple[int, bool]:
        answer = ada.call("POST", "/me/file/download")
        return answer.status_code, answer.data.startswith(b"PK")

    assert at_once(fetched) == {(200, True): 1, (404, False): AT_ONCE - 1}
    assert blobs_of(backend) == before


def test_a_download_that_breaks_off_deletes_it(backend: Backend, work: Path) -> None:
    ada = patient(backend)
    before = blobs_of(backend)
    ask(ada)
    make(backend, ada, work)
    headers = {"Authorization": f"Bearer {ada.token}"}
    answer = backend.client.post("/me/file/download", headers=headers, buffered=False)
    assert len(next(answer.iter_encoded())) == 10_000
    answer.close()
    assert outcome(ada, "POST", "/me/file/download") == GONE
    assert blobs_of(backend) == before


@pytest.mark.parametrize("until", ["asked for", "made", "taken by a server that was killed"])
def test_it_ends_after_a_while(backend: Backend, work: Path, until: str) -> None:
    ada = patient(backend)
    before, owner = blobs_of(backend), backend.account(ada.email).id
    files = backend.services.data.person_files
    ask(ada)
    if until != "asked for":
        make(backend, ada, work)
    if until.startswith("taken"):
        files.take(owner, by=owner)
    file = files.get(owner)
    assert timedelta(minutes=59) < file.expires_at - now() <= timedelta(days=1)
    backend.services.store.collection("person_files").update(
        {"id": owner}, {"$set": {"expires_at": now()}}
    )
    assert state_of(ada)["state"] == "none"
    assert outcome(ada, "POST", "/me/file/download") == GONE
    backend.app.background.run("forgotten")
    assert (files.find(owner), blobs_of(backend)) == (None, before)
    with pytest.raises(FileEnded):
        make(backend, ada, work)
    assert blobs_of(backend) == before


def test_who_asks_gives_the_password_and_the_code_again(backend: Backend) -> None:
    ada = patient(backend, 0)
    wrong = {"current_password": "wrong horse battery"}
    assert outcome(ada, "POST", "/me/file", json=wrong) == (403, "wrong_password")
    assert outcome(ada, "POST", "/me/file", json={})[0] == 400
    factor = {"salt": "0" * 32, "confirmed": True, "used_step": 0}
    recovery = [hash_recovery_code(RECOVERY_CODE)]
    backend.edit(ada.email, second_factor={**factor, "recovery": recovery})
    sessions = backend.services.store.collection("sessions")
    sessions.update_all({}, {"$set": {"factor_given": True}})
    assert outcome(ada, "POST", "/me/file", json=ASKED) == (403, "code_required")
    code = {**ASKED, "code": "abcd-efgh-jkmn-pqrt"}
    assert outcome(ada, "POST", "/me/file", json=code) == (403, "wrong_code")
    assert state_of(ada)["state"] == "none"
    assert ada.call("POST", "/me/file", json={**ASKED, "code": RECOVERY_CODE}).status_code == 202


def test_there_is_one_at_a_time_which_can_be_deleted(backend: Backend, work: Path) -> None:
    ada = patient(backend, 0)
    before = blobs_of(backend)
    for making in (True, False):
        ask(ada)
        if not making:
            make(backend, ada, work)
        assert outcome(ada, "POST", "/me/file", json=ASKED) == UNDER_WAY
        assert ada.call("DELETE", "/me/file").status_code == 200
        assert state_of(ada)["state"] == "none"
        assert job_of(backend, ada).status == "cancelled"
    assert blobs_of(backend) == before
    ask(ada)


def delete_file(_: Backend, ada: Person) -> None:
    ada.call_ok("DELETE", "/me/file")


def delete_finding(_: Backend, ada: Person) -> None:
    (finding,) = ada.call_ok("GET", "/submissions")
    ada.call_ok("DELETE", f"/submissions/{finding['id']}")


def end_account(backend: Backend, ada: Person) -> None:
    erase(backend.services, backend.account(ada.email))


@pytest.mark.parametrize("end", [delete_file, delete_finding, end_account])
@pytest.mark.parametrize("when", ["before", "after", "ready"])
def test_what_ends_it_leaves_nothing(
    backend: Backend,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Backend, Person], None],
    when: str,
) -> None:
    """The end comes before its second piece is stored, after that, or once it can be fetched."""
    ada = patient(backend)
    ask(ada)
    if when == "ready":
        make(backend, ada, work)
        end(backend, ada)
    else:
        _call_at_second_piece(backend, monkeypatch, when, lambda: end(backend, ada))
        with pytest.raises(FileEnded):
            make(backend, ada, work)
    left = [item["photo_blob"] for item in backend.services.store.collection("submissions").find()]
    assert blobs_of(backend) == {*left}
    assert backend.services.store.collection("person_files").find() == []
    assert [*work.iterdir()] == []


def _call_at_second_piece(
    backend: Backend, patch: pytest.MonkeyPatch, when: str, call: Callable[[], None]
) -> None:
    kind = type(backend.services.store.blobs)
    put, keys = kind.put_as, list[str]()

    def put_as(self: Any, key: str, data: bytes) -> None:
        keys.append(key)
        if len(keys) == 2 and when == "before":
            call()
        put(self, key, data)
        if len(keys) == 2 and when == "after":
            call()

    patch.setattr(kind, "put_as", put_as)


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    made = Kills()
    made.install(monkeypatch)
    return made


def test_a_job_that_is_killed_anywhere_leaves_a_whole_file_or_none(
    real_backend: Backend, work: Path, kills: Kills
) -> None:
    """The next attempt makes it, or the daily sweep deletes what is left."""
    backend = real_backend
    ada = patient(backend)
    before, sweep = blobs_of(backend), backend.services.data.person_files.forget_over
    ask(ada)
    with kills.counted():
        make(backend, ada, work)
        points = kills.sent
    fetch(ada)
    files = backend.services.store.collection("person_files")
    for tried, point in enumerate(range(points - 1, 0, -size(3, 1))):
        ask(ada)
        with kills.before(point):
            make(backend, ada, work)
        if tried % 2 and state_of(ada)["state"] != "ready":
            make(backend, ada, work)
        if state_of(ada)["state"] == "ready":
            assert fetch(ada).testzip() is None
        backend.services.jobs.queue.cancel(job_of(backend, ada))
        files.update_all({}, {"$set": {"expires_at": now()}})
        sweep()
        assert (files.find(), blobs_of(backend)) == ([], before), point


def test_one_that_was_given_up_says_why_and_another_may_follow(
    backend: Backend, work: Path, kills: Kills
) -> None:
    ada = patient(backend)
    before = blobs_of(backend)
    ask(ada)
    with kills.counted():
        make(backend, ada, work)
        points = kills.sent
    fetch(ada)
    ask(ada)
    with kills.before(points - 4):
        make(backend, ada, work)
    assert blobs_of(backend) > before
    failed = {"status": "failed", "error": "The disk is full", "error_code": "disk_full"}
    jobs = backend.services.store.collection("jobs")
    jobs.update({"id": job_of(backend, ada).id}, {"$set": failed, "$unset": {"slot": True}})
    told = state_of(ada)
    assert (told["state"], told["error_code"]) == ("failed", "disk_full")
    ask(ada)
    assert blobs_of(backend) == before
    make(backend, ada, work)
    assert fetch(ada).testzip() is None


def test_no_admin_sees_the_job_or_makes_it_go_on(backend: Backend) -> None:
    ada, admin = patient(backend, 0), backend.member(role="admin")
    ask(ada)
    job = job_of(backend, ada)
    assert admin.call("GET", "/jobs").get_json() == []
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel"), ("POST", "/retry")):
        assert admin.call(method, f"/jobs/{job.id}{path}").status_code == 404
    assert state_of(admin)["state"] == "none"


def test_nobody_gets_the_file_of_a_person_with_a_log_in(backend: Backend, work: Path) -> None:
    ada, admin, other = patient(backend, 0), backend.member(role="admin"), backend.member()
    ask(ada)
    make(backend, ada, work)
    for person, refused in ((admin, (404, "not_found")), (other, (403, "forbidden"))):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/download")):
            asked = f"/me/file{path}?patient={ada.email}"
            assert outcome(person, method, asked) == refused
        body = {"current_password": PASSWORD}
        assert outcome(person, "POST", f"/me/file?patient={ada.email}", json=body) == refused
    assert state_of(ada)["state"] == "ready"


def test_no_backup_has_it(backend: Backend, work: Path, tmp_path: Path) -> None:
    ada = patient(backend)
    ask(ada)
    before = blobs_of(backend)
    make(backend, ada, work)
    pieces = blobs_of(backend) - before
    assert len(pieces) > 1
    with (tmp_path / "backup").open("wb") as out:
        write_backup(backend.services.store, out)
    names = [name for name, _ in members_of(tmp_path / "backup")]
    assert {f"blobs/{key}" for key in before} <= {*names}
    assert not [name for name in names if "person_files" in name or name[6:] in pieces]
