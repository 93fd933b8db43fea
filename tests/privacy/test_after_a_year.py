import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest
from bson.raw_bson import RawBSONDocument

from skinapi.app.composition.person_data import open_file_maker
from skinapi.app.integrity_check import check_integrity, list_record_types
from skinapi.platform.backups.backup import list_backups
from skinapi.platform.backups.erased_ids import Scrubber
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Document
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.privacy.person_file.making import DATA
from tests.privacy.inventory import (
    BY_COLLECTION,
    INVENTORY,
    OF_THE_SERVER,
    Fields,
    list_personal,
    list_unknown,
    paths_of,
    paths_of_model,
    read_table,
)
from tests.privacy.year import Year, live_a_year, settings_of_year
from tests.support.backends import ADMIN, Backend, complete_erasures, store_of_kind
from tests.support.openrouter import OpenRouter
from tests.support.size import in_drill

# In these a person or a doctor writes words.

MODELS = list_record_types()
WORDS = ("identity", "contact", "free text")


@dataclass(frozen=True)
class Mark:
    where: str
    fields: Fields
    text: str


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Backend(tmp_path / "first").services.store.close()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(params=["sqlite", *in_drill("mongod")])
def year(
    request: pytest.FixtureRequest, tmp_path: Path, temporary: Path, llm: OpenRouter
) -> Iterator[Year]:
    kind, instance = request.param, tmp_path / "instance"
    uri = request.getfixturevalue("emptied_database_uri") if kind == "mongod" else None
    assert temporary.is_dir()
    with closing(store_of_kind(kind, instance, uri)) as store:
        yield live_a_year(Backend(instance, store, **settings_of_year(llm)), tmp_path / "backups")


def test_what_a_year_has_stored_is_in_the_inventory_and_goes_as_it_says(
    year: Year, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    backend, store = year.backend, year.backend.services.store
    assert [fault.message for fault in check_integrity(backend.services)] == []
    assert [
        unknown
        for name, documents in backend.stored(but=()).items()
        for unknown in list_unknown(
            name, {path for document in documents for path, _ in paths_of(document)}
        )
    ] == []
    places = [tmp_path / name for name in ("instance", "backups", "temporary", "log")]
    seen = {mark for _, mark in found_in(year, year.marks.needles(), places)}
    assert {f"the file {key}" for key in year.marks.files} <= seen
    assert {f"her {name}" for name in year.marks.words} <= seen
    marks = put_marks(year)
    assert len({mark.where for mark in marks}) >= 11
    filed = file_of(year, tmp_path)
    # Some are not, such as a colleague's opinion, which the doctor in charge alone reads.
    exported = {mark.where for mark in marks if is_filed(mark, filed)}
    assert {mark.where for mark in marks} == exported
    erase(year, tmp_path, capfd)
    texts = (year.account, *(mark.text for mark in marks))
    assert {*places_of(texts, backend.stored(but=()))} == set()
    named = {path.name for path in year.backups}
    assert named == {backup.name for backup in list_backups(store)}
    needles = year.marks.needles() | {mark.where: mark.text.encode() for mark in marks}
    at = {"skinapi.db" if store.one_writer else "outbox"}  # the mail with the receipt waits
    left = {(where, mark) for where, mark in found_in(year, needles, places) if where not in named}
    assert left == {(where, "accounts.email") for where in at}
    store.collection("outbox").delete({})
    store.scrub()
    assert {where for where, _ in found_in(year, needles, places)} == named


def found_in(year: Year, needles: dict[str, bytes], places: Iterable[Path]) -> set[tuple[str, str]]:
    """Return what `search` finds in files, and in everything that MongoDB returns.
    `scrub` names what remains in MongoDB's own files.
    """
    found = search(needles, places)
    store = year.backend.services.store
    if isinstance(store, MongoStore):
        found |= {
            (where, name)
            for where, content in dump(store._uri)
            for name, needle in needles.items()
            if needle in content
        }
    return found


def dump(uri: str) -> Iterator[tuple[str, bytes]]:
    """Yield each document as bytes, and the options and indexes of each collection, in all
    databases but the one with the replica set's log.
    """
    client: pymongo.MongoClient[RawBSONDocument]
    with pymongo.MongoClient(uri, document_class=RawBSONDocument) as client:
        for database in (client[name] for name in client.list_database_names() if name != "local"):
            for described in database.list_collections():
                name = described["name"]
                yield name, repr((described, *database[name].list_indexes())).encode()
                yield from ((name, bytes(found.raw)) for found in database[name].find())


def search(needles: dict[str, bytes], places: Iterable[Path]) -> set[tuple[str, str]]:
    """Search the names of files and their content, except a mongod's own files."""
    within = (file for place in places for file in (place, *place.rglob("*")) if file.is_file())
    files = [file for file in within if "/mongod-" not in str(file)]
    return {
        (file.name, name)
        for file in files
        for content in [file.read_bytes() + str(file).encode()]
        for name, needle in needles.items()
        if needle in content
    }


def erase(year: Year, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Erase as the server's threads do on an admin's request, and log it."""
    backend = year.backend
    services = backend.services
    account = services.data.accounts.get(year.account)
    services.admin.close_account(email=account.email, of_doctor=False, by=backend.account(ADMIN).id)
    services.erasure.erase_again(account.id, by=backend.account(ADMIN).id, kept_until=None)
    complete_erasures(services)
    services.data.trail.seal_all()
    Scrubber(services.store, services.data.erased_ids, backend.settings.instance_dir).run_once()
    assert services.data.erased_ids.has(year.account)
    receipt = services.erasure.receipts.find_newest(year.account)
    assert receipt
    assert receipt.complete
    printed = capfd.readouterr()
    (folder / "log").write_text(printed.out + printed.err)


def put_marks(year: Year) -> list[Mark]:
    marks = list[Mark]()
    for stored, fields in list_personal():
        if fields.kind not in WORDS or stored.erased not in ("account", "finding"):
            continue
        documents = year.backend.services.store.collection(stored.collection)
        for document in documents.find():
            for path in fields.paths if is_hers(document, year) else ():
                if not [
                    item
                    for where, item in paths_of(document)
                    if where == path and item and isinstance(item, str) and path.count(".") < 2
                ]:
                    continue
                text = f"mark{len(marks):04d}x"
                text += "@example.org" if fields.kind == "contact" else ""
                name, _, inner = path.partition(".")
                value = {**document[name], inner: text} if inner else text
                documents.update({"id": document["id"]}, {"$set": {name: value}})
                document[name] = value
                marks.append(Mark(f"{stored.collection}.{path}", fields, text))
    return marks


def is_hers(document: Document, year: Year) -> bool:
    findings = year.backend.services.data.findings
    hers = {year.account, *year.lesions}
    hers |= {found.id for n in year.numbers if (found := findings.find_by_number(n))}
    return any(value in hers for path, value in paths_of(document) if isinstance(value, str))


def file_of(year: Year, folder: Path) -> zipfile.ZipFile:
    files, file = year.backend.services.data.person_files, new_id()
    files.forget(year.account)
    files.add(year.account, file)
    year.backend.services.container.build(open_file_maker).make(
        account=year.backend.services.data.accounts.get(year.account),
        file=file,
        folder=folder,
        progress=lambda *_: None,
    )
    taken = files.take(year.account, by=year.account)
    return zipfile.ZipFile(io.BytesIO(b"".join(files.read(taken))))


def is_filed(mark: Mark, archive: zipfile.ZipFile) -> bool:
    if mark.fields.exported is None:
        return True
    return mark.text in archive.read(DATA).decode()


def places_of(needles: tuple[str, ...], stored: dict[str, list[Document]]) -> Iterator[str]:
    """Return where a mark is found although the inventory does not say that it stays there."""
    for name, documents in stored.items():
        for document in documents:
            for path, value in paths_of(document):
                if not isinstance(value, str) or not any(needle in value for needle in needles):
                    continue
                fields = BY_COLLECTION[name].find(path)
                is_id = path == "id" and any(field.kept for field in BY_COLLECTION[name].fields)
                if not is_id and not (fields and fields.kept):
                    yield f"{name}.{path}"


# Terms of lists and comparisons, besides the fields of a model.
BESIDE = {"search", "family", "expires_at", *(f"band_{part}" for part in "abcd")}


@pytest.mark.parametrize("collection", MODELS)
def test_every_field_of_a_stored_model_is_in_a_row(collection: str) -> None:
    assert list_unknown(collection, paths_of_model(MODELS[collection])) == []


def test_every_collection_is_in_the_inventory() -> None:
    assert MODELS.keys() <= BY_COLLECTION.keys() | OF_THE_SERVER


def test_the_inventory_names_no_field_that_is_gone() -> None:
    for collection, model in MODELS.items():
        fields = model.model_fields.keys() | BESIDE
        named = {
            path.partition(".")[0]
            for field in BY_COLLECTION[collection].fields
            for path in field.paths
        }
        assert {item for item in named - fields if "*" not in item} == set(), collection


def test_no_field_is_in_two_rows_of_the_inventory() -> None:
    for stored in INVENTORY:
        paths = [path for fields in stored.fields for path in fields.paths]
        assert sorted(paths) == sorted(set(paths)), stored.collection


def test_each_persons_field_is_exported_or_says_why_not_and_erased_or_says_why_it_stays() -> None:
    why_not = {cells[0] for cells in read_table("not in the file", "because")}
    kept = {cells[0] for cells in read_table("stays", "because")}
    for stored, fields in list_personal():
        where = f"{stored.collection} {fields.paths}"
        assert bool(fields.exported) != bool(fields.why_not), where
        assert stored.erased in ("account", "finding") or fields.kept, where
        assert {fields.exported} <= {None, "photo", DATA}, where
        assert {fields.why_not} <= {None, *why_not}, where
        assert {fields.kept} <= {None, *kept}, where
        assert fields.of in ("patient", "account", "doctor"), where
