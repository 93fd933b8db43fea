"""A person is taken over from another server by a file: whole and equal, or not at all."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from skinapi.__main__ import REFUSED, main
from skinapi.auth.consents import PURPOSES
from skinapi.composition.privacy_services import open_person_import
from skinapi.privacy.person_file.importing import TakenOver
from skinapi.privacy.person_file.received_file import BrokenPersonFile
from skinapi.privacy.person_file.signature import FileSigner
from skinapi.settings import Settings
from skinapi.storage import faults, make_store, open_store
from tests.privacy.person_files import PersonZip, canonical, file_of, mutated, other_server
from tests.privacy.year import NEW_PASSWORD, WORDS, Year, live_a_year, settings_of_year
from tests.served.ready_process import ReadyProcess
from tests.support.backends import (
    Backend,
    Person,
    change_account,
    erase,
    settings_in,
    store_of_kind,
)
from tests.support.models import tiny_model
from tests.support.openrouter import running_openrouter
from tests.support.size import in_drill, size

EMAIL = WORDS["email"]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    with running_openrouter() as llm:
        backend = Backend(folder, clinic_name="The old clinic", **settings_of_year(llm))
        with closing(backend.services.store):
            yield live_a_year(backend, folder / "backups", backups=False)


@pytest.fixture(scope="module")
def file(year: Year) -> PersonZip:
    return file_of(year.backend, EMAIL)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Another server, on which a test leaves nothing."""
    backend = other_server(tmp_path_factory.mktemp("here"))
    with closing(backend.services.store):
        yield backend


def take_over(
    backend: Backend,
    content: bytes,
    folder: Path,
    *,
    signed_by: str | None,
    email: str | None = None,
) -> TakenOver:
    path = folder / "person.zip"
    path.write_bytes(content)
    service = open_person_import(backend.settings, backend.services)
    return service.import_person(path, signed_by=signed_by, email=email, by="system")


def left_of(backend: Backend) -> Any:
    """All that is stored of persons; and the files."""
    stored = backend.stored()
    kept = {name: many for name, many in stored.items() if many and name not in LEFT_ALONE}
    return kept, sorted(backend.services.store.blobs.keys())


# Numbers that were taken, counts of a day, and what happened.
LEFT_ALONE = {"counters", "audit", "daily_counts", "erased_ids", "erasure_receipts"}


@pytest.mark.parametrize("kind", ["sqlite", "mongod"])
def test_what_was_imported_is_exported_again_as_it_was(
    kind: str, file: PersonZip, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue("emptied_database_uri") if kind == "mongod" else None
    store = store_of_kind(kind, tmp_path, uri)
    with closing(store):
        backend = Backend(tmp_path, store)
        take_over(backend, file.content, tmp_path, signed_by=file.fingerprint)
        again = file_of(backend, EMAIL)
        assert canonical(again) == canonical(file)
        for path in ("account.json", "consents.json", "audit.json"):
            assert again.files[f"imported/{path}"] == file.files[path]
        assert again.files["imported/manifest.sig"] == file.signed[1]
        assert [fault.message for fault in backend.services.faults()] == []


def test_what_was_signed_elsewhere_teaches_no_model_and_makes_no_record_here(
    file: PersonZip, tmp_path: Path
) -> None:
    backend = other_server(tmp_path)
    services = backend.services
    with closing(services.store):
        account = take_over(backend, file.content, tmp_path, signed_by=file.fingerprint).account
        change_account(
            services, account.id, status="approved", consents=dict.fromkeys(PURPOSES, True)
        )
        assert services.records.retention.find_signed(account.id) is None
        report = services.lab.from_reviews.findings.gather("reviews").report
        assert report["taken"] == 0
        assert report["left_out"]["signed_elsewhere"] > 0
        researcher = backend.member(role="researcher")
        rows = researcher.call("GET", "/research/findings?format=ndjson")
        assert (rows.status_code, rows.text) == (200, "")


def test_the_account_waits_for_an_admin_who_hands_it_a_link(
    file: PersonZip, tmp_path: Path
) -> None:
    backend = other_server(tmp_path)
    with closing(backend.services.store):
        take_over(backend, file.packed(), tmp_path, signed_by=file.fingerprint)
        body = {"email": EMAIL, "password": NEW_PASSWORD}
        assert backend.client.post("/login", json=body).status_code == 401
        admin = backend.admin()
        admin.call("PATCH", f"/users/{EMAIL}/approve", json={})
        link = admin.call("POST", f"/users/{EMAIL}/password-link").get_json()["link"]
        used = {"token": link.rpartition("/")[2], "new_password": "one of my own here"}
        assert backend.client.post("/password/reset", json=used).status_code == 200
        person = backend.log_in(EMAIL, "one of my own here")
        me = person.call("GET", "/me").get_json()
        assert (me["role"], me["consents"], me["doctor"]) == ("user", {}, None)
        assert sees(person) == seen_there(file)
        consents = person.call("GET", "/me/consents").get_json()
        assert {one["given"] for one in consents["consents"]} == {None}
        told = file.json("consents.json")["history"]
        assert [one["way"] for one in consents["history"]] == ["import"] * len(told)
        rows = [row for row in backend.audit() if row["action"] == "person.import"]
        assert [(row["by"], row["target"]) for row in rows] == [
            ("system", backend.account(EMAIL).id)
        ]
        erase(backend.services, backend.account(EMAIL))
        assert backend.services.store.collection("imported_persons").count() == 0
        assert list(backend.services.store.blobs.keys()) == []


def sees(person: Person) -> list[Any]:
    """Band, condition and decision of each finding, as the console shows them; and no answer of the
    server is a fault.
    """
    found = []
    for listed in person.pages("/submissions"):
        path = f"/submissions/{listed['id']}"
        for what in ("", "/reviews", "/letters", "/report.json", "/report.html"):
            assert person.call("GET", path + what).status_code == 200, (path, what)
        assert person.call("GET", f"{path}/heatmap").status_code in (200, 404)
        decision = listed["decision"] or {}
        found.append((listed["band"], decision.get("label"), decision.get("urgency")))
    patient = person.call("GET", "/me").get_json()["_id"]
    own = ("/me/data/summary", "/me/consents", f"/fhir/Patient/{patient}/$everything")
    for path in (*own, "/me/file", "/lesions", "/messages", "/inbox"):
        assert person.call("GET", path).status_code == 200, path
    for lesion in person.pages("/lesions"):
        for what in ("", "/messages", "/letters", "/submissions"):
            assert person.call("GET", f"/lesions/{lesion['id']}{what}").status_code == 200
    return sorted(found, key=str)


def seen_there(file: PersonZip) -> list[Any]:
    found = []
    for path in file.findings():
        told = file.json(path)
        decision = told["decision"] or {}
        found.append((told["finding"]["band"], decision.get("label"), decision.get("urgency")))
    return sorted(found, key=str)


def test_a_file_of_a_server_that_nobody_has_vouched_for_is_refused(
    file: PersonZip, here: Backend, tmp_path: Path
) -> None:
    before = left_of(here)
    with pytest.raises(BrokenPersonFile) as refused:
        take_over(here, file.packed(), tmp_path, signed_by=None)
    assert f"--signed-by {file.fingerprint}" in refused.value.detail
    assert "by telephone" in refused.value.detail
    with pytest.raises(BrokenPersonFile, match="not with the one that"):
        take_over(here, file.packed(), tmp_path, signed_by="0" * 64)
    assert left_of(here) == before


def test_a_file_of_this_server_needs_no_fingerprint_and_an_address_is_taken_once(
    year: Year, file: PersonZip, tmp_path: Path
) -> None:
    """The person is here still."""
    with pytest.raises(BrokenPersonFile, match="is here already"):
        take_over(year.backend, file.packed(), tmp_path, signed_by=None)


def test_the_same_person_is_imported_once(file: PersonZip, here: Backend, tmp_path: Path) -> None:
    spaced = ":".join(file.fingerprint.upper()[at : at + 4] for at in range(0, 64, 4))
    before = left_of(here)
    taken = take_over(here, file.packed(), tmp_path, signed_by=spaced, email="new@here.example")
    between = left_of(here)
    for email in (None, "new@here.example", "other@here.example"):
        with pytest.raises(BrokenPersonFile, match="was imported on"):
            take_over(here, file.packed(), tmp_path, signed_by=file.fingerprint, email=email)
    assert left_of(here) == between
    erase(here.services, taken.account)
    assert left_of(here) == before


def test_photos_stay_away_from_a_server_that_keeps_none(file: PersonZip, tmp_path: Path) -> None:
    backend = other_server(tmp_path, photos="never")
    with closing(backend.services.store):
        taken = take_over(backend, file.packed(), tmp_path, signed_by=file.fingerprint)
        assert (taken.stored["photos"], taken.photos_left_out) == (0, len(file.photos()))
        assert len(list(backend.services.store.blobs.keys())) == 1  # the history


def test_a_photo_with_something_hidden_in_it_is_encoded_anew(
    file: PersonZip, tmp_path: Path
) -> None:
    backend, photo = other_server(tmp_path), file.photos()[0]
    with closing(backend.services.store):
        content = file.having(photo, file.files[photo] + b"hidden").packed()
        take_over(backend, content, tmp_path, signed_by=file.fingerprint)
        blobs = backend.services.store.blobs
        stored = [blobs.find(key) or b"" for key in list(blobs.keys())]
        assert not any(b"hidden" in content for content in stored)


OTHER = FileSigner(("another secret than that of the server",))


def changed(file: PersonZip) -> Iterator[tuple[str, bytes]]:
    """What each sentence says, and the file that gets it."""
    finding, photo, account = file.findings()[0], file.photos()[0], "account.json"
    whole = file.packed()
    yield "damaged, or no such archive", b"no archive"
    yield "damaged, or no such archive", whole[: len(whole) // 2]
    yield "does not fit its list", PersonZip(file.files, file.manifest, OTHER).packed()
    yield "version 2 of the format", file.packed(version=2)
    yield "not a person's file of SkinAPI", file.packed(format="other")
    yield "is in the archive, and not in its list", file.packed(files=[])
    yield f"{account} is missing", file.having(account, None).packed()
    yield "is no photo", file.having(photo, b"GIF89a").packed()
    yield "holds more than", file.having("spots.json", b'{"spots":[' + b"[]," * 200_001).packed()
    yield "cannot be read", file.having("spots.json", b"[" * 1000 + b"]" * 1000).packed()

    def said(path: str, change: Callable[[Any], object]) -> bytes:
        return file.saying(path, change).packed()

    yield "other photos", said(finding, lambda one: one["photos"].extend(one["photos"]))
    yield "same id", said("spots.json", lambda one: one["spots"].extend(one["spots"]))
    yield "cannot be those of an account", said(account, lambda one: one.update(email="no"))
    yield "a time in it", said(finding, lambda one: one.update(created_at="3000-01-01T00:00:00Z"))
    formula = {"model_version": '=HYPERLINK("http://example.org")'}
    yield "cannot be shown", said(finding, lambda one: one["finding"].update(formula))
    yield "condition", said(finding, lambda one: _rename(one["finding"]))


def _rename(finding: Any) -> None:
    finding["ranked"][-1]["key"] = "unheard_of"


def test_what_is_wrong_with_a_file_is_said_and_nothing_is_stored(
    file: PersonZip, here: Backend, tmp_path: Path
) -> None:
    before = left_of(here)
    for says, content in changed(file):
        with pytest.raises(BrokenPersonFile) as refused:
            take_over(here, content, tmp_path, signed_by=file.fingerprint)
        assert says.lower() in refused.value.detail.lower()
        assert left_of(here) == before, says


@pytest.mark.timeout(size(120, 600))
def test_no_changed_file_breaks_the_server_or_leaves_half_a_person(
    file: PersonZip, here: Backend, tmp_path: Path
) -> None:
    """Files that are wrong in their bytes, and such that a trusted server has signed."""
    before, taken_over, sentences = left_of(here), 0, list[str]()
    for seed in range(size(40, 500)):
        try:
            taken = take_over(here, mutated(file, seed), tmp_path, signed_by=file.fingerprint)
        except BrokenPersonFile as error:
            sentences.append(error.detail)
            assert left_of(here) == before, seed
            continue
        taken_over += 1
        account = here.account(taken.account.email)
        here.edit(account.email, status="approved")
        account = here.account(account.email)
        sees(Person(here.client, here.token_of(account), account.email))
        assert [fault.message for fault in here.services.faults()] == [], seed
        erase(here.services, account)
        assert left_of(here) == before, seed
    assert taken_over > 0
    assert all(re.fullmatch(r"Nothing was imported\. \S.*\.", one, re.S) for one in sentences)


KILLED = """
import os, signal, sys
from skinapi.__main__ import main
from skinapi.privacy.person_file import importing
from skinapi.records.submissions import Submissions
from skinapi.storage.unit_of_work import UnitOfWork

def kill(owner, name, calls, after):
    once, left = getattr(owner, name), [calls]
    def killed(*given, **more):
        left[0] -= 1
        result = once(*given, **more) if after or left[0] else None
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, killed)

where = sys.argv.pop(1)
service = importing.PersonImportService
if where == "photos": kill(service, "_put", 3, True)
if where == "before": kill(UnitOfWork, "run", 1, False)
if where == "within": kill(Submissions, "insert", 3, True)
if where == "after": kill(UnitOfWork, "run", 1, True)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", ["sqlite", *in_drill("mongod")])
@pytest.mark.parametrize("where", ["photos", "before", "within", "after"])
def test_a_kill_leaves_all_or_nothing_and_the_same_command_goes_on(
    kind: str,
    where: str,
    file: PersonZip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    uri = request.getfixturevalue("mongo_database_uri") if kind == "mongod" else None
    settings = settings_in(tmp_path / "instance", mongo_uri=uri)
    make_store(settings)
    path = tmp_path / "person.zip"
    path.write_bytes(file.packed())
    environment = {
        "INSTANCE_DIR": str(settings.instance_dir),
        "JWT_SECRET_KEY": settings.signing_key(),
        "MODEL_PATH": str(tiny_model()),
        **({"MONGO_URI": uri} if uri else {}),
    }
    command = ("import-person", str(path), "--signed-by", file.fingerprint)
    log = tmp_path / "log"

    def run(kill: str) -> int:
        return ReadyProcess(
            ("-c", KILLED, kill, *command), cwd=tmp_path, env=environment, log=log
        ).wait(60)

    assert run(where) == -SIGKILL
    with closing(open_store(settings)) as store:
        assert store.collection("accounts").count() == (where == "after"), log.read_text()
    if where == "after":
        assert run("nowhere") == REFUSED
        assert "was imported on" in log.read_text()
    else:
        # MongoDB gives up after a minute what nobody ends.
        tries = iter(range(200))
        while run("nowhere") != 0:
            assert kind == "mongod", log.read_text()
            assert next(tries, None) is not None, log.read_text()
    with closing(open_store(settings)) as store:
        backend = Backend(settings.instance_dir, store)
        assert canonical(file_of(backend, EMAIL)) == canonical(file)
        monkeypatch.setattr(faults, "LONGEST_WRITE", -timedelta(hours=1))
        left = [fault for fault in backend.services.faults() if fault.repair]
        assert (len(left) > 0) == (where in ("photos", "before", "within"))
        for fault in left:
            assert fault.repair
            fault.repair()
        assert [fault.message for fault in backend.services.faults()] == []


def test_the_command_says_what_it_did_and_what_remains_to_be_done(
    file: PersonZip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("MODEL_PATH", str(tiny_model()))
    path = tmp_path / "person.zip"
    path.write_bytes(file.packed())
    assert main(["import-person", str(path)]) == REFUSED
    assert f"--signed-by {file.fingerprint}" in capsys.readouterr().err
    assert main(["import-person", str(path), "--signed-by", file.fingerprint]) == 0
    said = capsys.readouterr().out
    for sentence in (
        "imported: 5 findings, 7 photos",
        "(The old clinic)",
        "waits for an admin",
        "none is given here yet",
        "the model tiny-1 (5 findings) is not on this server",
    ):
        assert sentence in said
