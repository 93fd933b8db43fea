"""What the inventory says is so: after a year of use every stored field is in a row, and a mark in
each field of a person with words is gone after the erasure, or in a field that is named as kept.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Document
from tests.privacy.inventory import BY_COLLECTION, Fields, list_personal, list_unknown
from tests.privacy.made_files import maker_of
from tests.privacy.stored_fields import paths_of
from tests.privacy.year import Year, live_a_year, settings_of_year
from tests.support.backends import Backend, erase, store_of_kind
from tests.support.openrouter import OpenRouter
from tests.support.size import in_drill

# In these a person or a doctor writes words.
WORDS = ("identity", "contact", "free text")


@dataclass(frozen=True)
class Mark:
    """Put into one field of one document."""

    where: str
    fields: Fields
    text: str


@pytest.fixture(params=["sqlite", *in_drill("mongod")])
def year(request: pytest.FixtureRequest, tmp_path: Path, llm: OpenRouter) -> Iterator[Year]:
    kind = request.param
    uri = request.getfixturevalue("emptied_database_uri") if kind == "mongod" else None
    store = store_of_kind(kind, tmp_path, uri)
    with closing(store):
        backend = Backend(tmp_path, store, **settings_of_year(llm))
        yield live_a_year(backend, tmp_path / "backups", backups=False)


def test_what_a_year_has_stored_is_in_the_inventory_and_goes_as_it_says(
    year: Year, tmp_path: Path
) -> None:
    backend = year.backend
    before = backend.stored(but=())
    assert [
        unknown
        for name, documents in before.items()
        for unknown in list_unknown(name, {path for one in documents for path, _ in paths_of(one)})
    ] == []
    marks = put_marks(year)
    assert len({mark.where for mark in marks}) >= 12
    found = repr(backend.stored(but=()))
    assert [mark.where for mark in marks if mark.text not in found] == []
    filed = file_of(year, tmp_path)
    # Some are not, such as a colleague's opinion, which the doctor in charge alone reads.
    told = {mark.where for mark in marks if is_filed(mark, filed)}
    assert {mark.where for mark in marks} - told == set()
    erase(backend.services, backend.services.data.accounts.get(year.account))
    needles = (year.account, *(mark.text for mark in marks))
    assert {*places_of(needles, backend.stored(but=()))} == set()


def put_marks(year: Year) -> list[Mark]:
    """One in each field with words of each document that is hers."""
    marks = list[Mark]()
    for stored, fields in list_personal():
        if fields.kind not in WORDS or stored.erased not in ("account", "finding"):
            continue
        documents = year.backend.services.store.collection(stored.collection)
        for document in documents.find():
            for path in fields.paths if is_hers(document, year) else ():
                if not [
                    one
                    for where, one in paths_of(document)
                    if where == path and one and isinstance(one, str) and path.count(".") < 2
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
    findings = year.backend.services.data.submissions
    hers = {year.account, *year.lesions}
    hers |= {found.id for n in year.numbers if (found := findings.find_by_number(n))}
    return any(value in hers for path, value in paths_of(document) if isinstance(value, str))


def file_of(year: Year, folder: Path) -> zipfile.ZipFile:
    """Her file, which nobody has to ask for."""
    maker, file = maker_of(year.backend), new_id()
    maker.files.delete(account=year.account, by=year.account)
    maker.files.add(year.account, file)
    made = maker.make(
        account=year.backend.services.data.accounts.get(year.account),
        file=file,
        attempt=1,
        folder=folder,
        progress=lambda *_: None,
    )
    return zipfile.ZipFile(io.BytesIO(b"".join(maker.files.read(made))))


def is_filed(mark: Mark, archive: zipfile.ZipFile) -> bool:
    """Whether the person's file has it where the inventory says."""
    if mark.fields.exported is None:
        return True
    names = [name for name in archive.namelist() if name.endswith(f"{mark.fields.exported}.json")]
    return any(mark.text in archive.read(name).decode() for name in names)


def places_of(needles: tuple[str, ...], stored: dict[str, list[Document]]) -> Iterator[str]:
    """Where one of them stands although the inventory does not say that it stays there."""
    for name, documents in stored.items():
        for document in documents:
            for path, value in paths_of(document):
                if not isinstance(value, str) or not any(needle in value for needle in needles):
                    continue
                fields = BY_COLLECTION[name].find(path)
                is_id = path == "id" and any(one.kept for one in BY_COLLECTION[name].fields)
                if not is_id and not (fields and fields.kept):
                    yield f"{name}.{path}"
