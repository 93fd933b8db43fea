"""Makes the objects of a study, of what is stored; its report prints no name of the patient."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydicom import Dataset

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import NotFound
from skinapi.base.languages import load_words
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.letters import ShownLetter
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.reports.service import ReportsService, print_pdf
from skinapi.integrations.dicom.objects import (
    ObjectSource,
    as_file,
    make_document,
    make_heat_map,
    make_photo,
    size_of,
)
from skinapi.integrations.dicom.structured_report import make_report
from skinapi.integrations.dicom.study import Kind, ObjectId, Study, pictures_of
from skinapi.model.heat_map_overlay import draw_kept_overlay


@dataclass(frozen=True, slots=True)
class ObjectMaker:
    photos: KeptPhotos
    reports: ReportsService
    clinic: str | None

    def make_file(self, study: Study, of: ObjectId) -> bytes | None:
        made = self._find(study, of)
        return None if made is None else as_file(made)

    def _find(self, study: Study, of: ObjectId) -> Dataset | None:
        try:
            return self._make(study, of)
        except NotFound:
            if of.kind.is_picture:
                return None
            raise

    def _make(self, study: Study, of: ObjectId) -> Dataset:
        origin = ObjectSource(study.finding, self.clinic)
        if of.kind is Kind.STRUCTURED_REPORT:
            photos = [known for known in pictures_of(study.finding) if known.kind != Kind.HEAT_MAP]
            described = (self._find(study, photo) for photo in photos)
            kept = [photo for photo in described if photo is not None]
            return make_report(origin, of, of.said_at, kept, study.find_before(of))
        if of.kind is Kind.REPORT:
            number = str(study.finding.number)
            printed = print_unnamed(self.reports, number=number, to=study.reader)
            return make_document(origin, of, of.said_at, printed)
        picture = study.finding.of_picture(of.place)
        photo = self.photos.content_of(picture)
        size = size_of(photo)
        if of.kind is not Kind.HEAT_MAP:
            return make_photo(origin, of, photo, size)
        drawn = draw_kept_overlay(photo, picture.finding.heat, picture.finding.quality.seen)
        known = pictures_of(study.finding)
        source = next(item for item in known if item.place == of.place and item.kind != of.kind)
        return make_heat_map(origin, of, drawn, size, source)


class _SpotWords(StoredRecord):
    """The word behind which a letter's own sentences call the spot by its name."""

    about: Mapping[str, str]
    spot: Mapping[str, str]

    @property
    def patterns(self) -> Iterator[str]:
        opened, closed = self.spot["named"].split("{name}")
        for sentence in self.about.values():
            begins = re.escape(sentence.partition("{spot}")[0].split()[-1] + opened)
            yield rf"(?<={begins}).+?(?={re.escape(closed)})"


_SPOTS = load_words("reports.letters", _SpotWords).values()
SPOT_NAMES = re.compile("|".join(pattern for words in _SPOTS for pattern in words.patterns))


def print_unnamed(reports: ReportsService, *, number: str, to: Subject) -> bytes:
    """Print an issued report without the patient's name and address, also in letters, and what the
    patient calls the spot; without photos where the consent that they are kept is withdrawn. The
    PDF is not stored.
    """
    finding, owner = reports.findings.get(number=number, to=to)
    report = reports.read_report(number=number, to=to, language=None)
    letters = tuple(_without_name(letter, owner.name) for letter in report.letters)
    unnamed = replace(report, patient=None, letters=letters)
    if reports.findings.photos.withdrawn(owner):
        return print_pdf(unnamed)
    return print_pdf(reports.with_pictures(unnamed, finding, to))


def _without_name(shown: ShownLetter, name: str) -> ShownLetter:
    """Put a sign in place of each part of this name, and of what the patient calls the spot; not of
    an initial, which may be a word.
    """
    words = (word for word in name.split() if len(word) > 1)
    parts = sorted({name, *words}, key=len, reverse=True)
    named = rf"(?<!\w)(?:{'|'.join(map(re.escape, parts))})(?!\w)"
    text = re.sub(named, "…", SPOT_NAMES.sub("…", shown.letter.text))
    return replace(shown, letter=shown.letter.model_copy(update={"text": text}))
