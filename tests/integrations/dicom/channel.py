from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from pydicom import Dataset
from pypdf import PdfReader

from skinapi.base.errors import NotFound
from skinapi.integrations.dicom.archive import READER
from tests.integrations.dicom.reading_back import objects_in_archive, studies_of
from tests.integrations.dicom.test_objects import pdf_of
from tests.support.backends import Backend

NAME = "DICOM"


class ReadBack(NamedTuple):
    text: str
    urgency: str | None
    final: bool


def tell_of(backend: Backend, number: int) -> str:
    return "".join(map(str, objects_in_archive(backend, number)))


def list_sent(backend: Backend, finding: str) -> tuple[object, ...]:
    with suppress(NotFound):
        return studies_of(backend).open(finding, to=READER).objects
    return ()


def read_back(backend: Backend, number: int) -> ReadBack:
    *_, report, printed = objects_in_archive(backend, number)
    text = " ".join(page.extract_text() for page in PdfReader(pdf_of(printed)).pages)
    said = dict(_coded_in(report.ContentSequence))
    return ReadBack(text, said.get("urgency"), report.PreliminaryFlag == "FINAL")


def _coded_in(items: Iterable[Dataset]) -> Iterator[tuple[str, str]]:
    for item in items:
        if "ConceptCodeSequence" in item:
            name, value = item.ConceptNameCodeSequence[0], item.ConceptCodeSequence[0]
            yield name.get("CodeValue", ""), value.get("CodeValue", "")
        yield from _coded_in(item.get("ContentSequence", ()))
