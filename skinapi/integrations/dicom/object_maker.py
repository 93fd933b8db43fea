"""Makes the objects of a study, of what is stored."""

from dataclasses import dataclass

from pydicom import Dataset

from skinapi.base.errors import NotFound
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.reports.service import ReportsService
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
from skinapi.integrations.dicom.unnamed_report import print_unnamed
from skinapi.model.heat_map_overlay import draw_kept_overlay


@dataclass(frozen=True, slots=True)
class ObjectMaker:
    photos: KeptPhotos
    reports: ReportsService
    clinic: str | None

    def make_file(self, study: Study, of: ObjectId) -> bytes | None:
        """An object as a file. None where it is a picture and the file of its photo is lost."""
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
            return make_report(origin, of, [photo for photo in described if photo is not None])
        if of.kind is Kind.REPORT:
            number = str(study.finding.number)
            printed = print_unnamed(self.reports, number=number, to=study.reader)
            return make_document(origin, of, study.reported_at, printed)
        picture = study.finding.of_picture(of.place)
        photo = self.photos.content_of(picture)
        size = size_of(photo)
        if of.kind is not Kind.HEAT_MAP:
            return make_photo(origin, of, photo, size)
        drawn = draw_kept_overlay(photo, picture.finding.heat, picture.finding.quality.seen)
        known = pictures_of(study.finding)
        source = next(item for item in known if item.place == of.place and item.kind != of.kind)
        return make_heat_map(origin, of, drawn, size, source)
