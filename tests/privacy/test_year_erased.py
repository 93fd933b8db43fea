"""After a year of use no byte of an erased person is left, but where a receipt says so."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bson
import pymongo
import pytest

from skinapi.platform.backups.backup import list_backups
from skinapi.platform.backups.erased_ids import Scrubber
from skinapi.platform.storage.faults import blob_keys
from skinapi.platform.storage.ports import Remnant
from skinapi.privacy.erasure.receipts import Kept, Receipt
from tests.privacy.byte_search import ByteSearch, Hit
from tests.privacy.year import Kept as KeptPhoto
from tests.privacy.year import Year, live_a_year, settings_of_year
from tests.stores.mongod import Mongod
from tests.support.backends import ADMIN, Backend, store_of_kind
from tests.support.openrouter import OpenRouter

# Packed blocks could not be searched: https://www.mongodb.com/docs/manual/core/wiredtiger/
UNPACKED = (
    *("--wiredTigerCollectionBlockCompressor", "none"),
    *("--wiredTigerJournalCompressor", "none"),
    *("--wiredTigerIndexPrefixCompression", "false"),
)
# Which files of mongod may keep what was deleted, and as what it is named.
FILES = {
    r"(collection|index)-.*\.wt": {Remnant.FREED_BLOCKS, Remnant.OPLOG},
    r"WiredTigerHS\.wt": {Remnant.FREED_BLOCKS},
    r"journal/.*": {Remnant.JOURNAL},
}


class UnpackedMongod(Mongod):
    def _options(self) -> list[str]:
        return [*super()._options(), *UNPACKED]


@dataclass
class Erased:
    """A clinic after a year, and where to look for her. `places` are all but those of mongod."""

    year: Year
    search: ByteSearch
    places: list[Path]

    def hits(self, *more: Path) -> list[Hit]:
        return self.search.search([*self.places, *more])


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All temporary files of this process, but what it keeps for all tests."""
    Backend(tmp_path / "first").services.store.close()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def lived(backend: Backend, folder: Path, temporary: Path) -> Erased:
    year = live_a_year(backend, folder / "backups")
    photos = {f"photo {n} as sent": one.sent for n, one in enumerate(year.marks.photos)}
    pixels = {f"pixels of photo {n}": middle(one) for n, one in enumerate(year.marks.photos)}
    pixels |= {f"photo {n} as stored": one.stored for n, one in enumerate(year.marks.photos)}
    files = {f"file {key}": content for key, content in year.marks.files.items()}
    store = backend.services.store
    submissions = store.collection("submissions").find()
    keys = {key for one in submissions if one["owner"] != year.account for _, key in blob_keys(one)}
    others = tuple(content for key in keys if (content := store.blobs.find(key)))
    search = ByteSearch(year.marks.words, {**photos, **pixels, **files}, photos, others)
    places = [backend.settings.instance_dir, folder / "backups", temporary, folder / "log"]
    return Erased(year, search, places)


def middle(photo: KeptPhoto) -> bytes:
    """Of its pixels, as an array of them is written."""
    return photo.pixels[len(photo.pixels) // 2 :][:4096]


def erased(lived: Erased, folder: Path, capfd: pytest.CaptureFixture[str]) -> Receipt:
    """As an admin asks for it and the server's threads do it, with the receipt of it."""
    backend = lived.year.backend
    services = backend.services
    account = backend.account(lived.year.person.email)
    services.erasure.erase(account, by=backend.account(ADMIN).id)
    services.erasure.begin_due()
    services.erasure.finish_begun()
    services.data.trail.seal_all()
    Scrubber(services.store, services.data.erased_ids, backend.settings.instance_dir).make_pass()
    found = services.data.erased_ids.find(account.id)
    assert found
    assert found.scrubbed_at
    receipt = services.erasure.receipts.find_newest(account.id)
    assert receipt
    assert receipt.complete
    printed = capfd.readouterr()
    (folder / "log").write_text(printed.out + printed.err)
    assert "scrubbed" in printed.out + printed.err
    return receipt


def assert_all_found(lived: Erased, hits: list[Hit]) -> None:
    """The search is able to see each mark."""
    found = " ".join({hit.mark for hit in hits})
    assert [name for name in lived.search.texts if name not in found] == []
    contents = {
        content for name, content in lived.search.files.items() if f"a piece of {name}" in found
    }
    kept = {one.stored for one in lived.year.marks.photos} & {*lived.year.marks.files.values()}
    assert len(kept) >= 4
    assert kept <= contents
    assert [name for name in lived.search.pictures if f"a picture like {name}" not in found] == []


def outside_of_backups(lived: Erased, hits: list[Hit], receipt: Receipt) -> list[Hit]:
    """Hits but those in the backups that the receipt names."""
    made = {one.created_at: one.name for one in list_backups(lived.year.backend.services.store)}
    named = {made[one.made_at] for one in receipt.backups}
    assert named == {path.name for path in lived.year.backups}
    return [hit for hit in hits if hit.file.name not in named]


def sent(lived: Erased) -> None:
    """The last mail to her, which says that all is erased, has gone: it held her address."""
    lived.year.backend.services.store.collection("outbox").delete({})


def test_no_byte_of_her_is_left_with_sqlite_but_in_the_backups(
    tmp_path: Path, temporary: Path, llm: OpenRouter, capfd: pytest.CaptureFixture[str]
) -> None:
    store = store_of_kind("sqlite", tmp_path / "instance")
    backend = Backend(tmp_path / "instance", store, **settings_of_year(llm))
    her = lived(backend, tmp_path, temporary)
    assert_all_found(her, her.hits())
    receipt = erased(her, tmp_path, capfd)
    assert receipt.remains == (Remnant.DISK,)
    assert Kept.ADDRESS in {one.what for one in receipt.kept}
    left = outside_of_backups(her, her.hits(), receipt)
    assert {(hit.file.name, hit.mark) for hit in left} == {("skinapi.db", "email")}
    sent(her)
    store.scrub()
    assert outside_of_backups(her, her.hits(), receipt) == []
    store.close()


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    folder = tmp_path / "mongod"
    folder.mkdir()
    server = UnpackedMongod(folder)
    server.start()
    yield server
    server.kill()


@pytest.mark.drill  # half a minute of work: 300 MB are searched twice
def test_with_mongodb_it_is_left_where_it_is_said_and_no_document_has_it(
    tmp_path: Path,
    temporary: Path,
    llm: OpenRouter,
    capfd: pytest.CaptureFixture[str],
    mongod: Mongod,
) -> None:
    uri = f"mongodb://{mongod.address}/skinapi?directConnection=true"
    store = store_of_kind("mongod", tmp_path / "instance", uri)
    backend = Backend(tmp_path / "instance", store, **settings_of_year(llm))
    her = lived(backend, tmp_path, temporary)
    folder = tmp_path / "mongod"
    mongod.order({"fsync": 1})
    assert_all_found(her, her.hits(folder))
    receipt = erased(her, tmp_path, capfd)
    sent(her)
    assert hits_in_documents(her, uri) == []
    mongod.order({"fsync": 1})
    left = outside_of_backups(her, her.hits(folder), receipt)
    remains = {Remnant(one) for one in receipt.remains}
    unnamed = [hit for hit in left if not named_as(hit.file.relative_to(folder)) & remains]
    assert unnamed == []
    store.close()


def named_as(path: Path) -> set[Remnant]:
    return set().union(*(named for form, named in FILES.items() if re.fullmatch(form, str(path))))


def hits_in_documents(her: Erased, uri: str) -> list[tuple[str, str]]:
    """What the database still has of her, as far as it can be asked for."""
    client: pymongo.MongoClient[bson.raw_bson.RawBSONDocument]
    with pymongo.MongoClient(uri, document_class=bson.raw_bson.RawBSONDocument) as client:
        database = client.get_default_database()
        return [
            (name, mark)
            for name in database.list_collection_names()
            for document in database[name].find()
            for _, mark in her.search.search_bytes(bytes(document.raw))
        ]
