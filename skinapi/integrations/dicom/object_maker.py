from dataclasses import dataclass, replace

from pydicom import Dataset

from skinapi.base.errors import NotFound
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
            return make_document(origin, of, of.said_at, self._print(study))
        picture = study.finding.of_picture(of.place)
        photo = self.photos.content_of(picture)
        size = size_of(photo)
        if of.kind is not Kind.HEAT_MAP:
            return make_photo(origin, of, photo, size)
        drawn = draw_kept_overlay(photo, picture.finding.heat, picture.finding.quality.seen)
        known = pictures_of(study.finding)
        source = next(item for item in known if item.place == of.place and item.kind != of.kind)
        return make_heat_map(origin, of, drawn, size, source)

    def _print(self, study: Study) -> bytes:
        """The report as PDF, not stored. It omits letters, because their text names people."""
        number, to = str(study.finding.number), study.reader
        report = self.reports.read_report(number=number, to=to, language=None)
        unnamed = replace(report, patient=None, letters=())
        if study.photos_withdrawn:
            return print_pdf(unnamed)
        return print_pdf(self.reports.with_pictures(unnamed, study.finding, to))
