"""Makes the objects of a study, of what is stored: the only importer of DICOM's libraries beside
what it imports itself.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from skinapi.base.errors import NotFound
from skinapi.findings.records.photos import KeptPhotos, Shapes
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
from skinapi.integrations.dicom.study import Study, kind_of, pictures_of
from skinapi.integrations.dicom.uids import Kind, ObjectId
from skinapi.model.heat_map_overlay import draw_kept_overlay


@dataclass(frozen=True, slots=True)
class ObjectMaker:
    photos: KeptPhotos
    shapes: Shapes
    reports: ReportsService
    clinic: str | None

    def describe_all(self, study: Study) -> Iterator[Dataset]:
        """Each object as it is read from a file, without its pixels and its PDF."""
        for made in self._make_all(study, bulk=False):
            yield dcmread(io.BytesIO(as_file(made)))

    def make_files(self, study: Study, syntax: str = "*") -> Iterator[bytes]:
        """Each object as a file, with its pictures as they are kept, or in this transfer syntax."""
        for made in self._make_all(study, bulk=True):
            if syntax == ExplicitVRLittleEndian and made.file_meta.TransferSyntaxUID.is_compressed:
                made.decompress(generate_instance_uid=False)
            yield as_file(made)

    def draw(self, study: Study, one: ObjectId) -> bytes:
        """A picture as JPEG, or the report as PDF. Raises NotFound where a file is lost."""
        if one.kind is Kind.REPORT:
            return self._print(study)
        picture = study.finding.of_picture(one.number)
        content = self.photos.content_of(picture)
        if one.kind is Kind.HEAT_MAP:
            return draw_kept_overlay(content, picture.finding.heat)
        return content

    def _make_all(self, study: Study, *, bulk: bool) -> Iterator[Dataset]:
        """A picture whose file is lost is left out."""
        for one in study.objects:
            made = self._make(study, one, bulk=bulk)
            if made is not None:
                yield made

    def _make(self, study: Study, one: ObjectId, *, bulk: bool) -> Dataset | None:
        origin = ObjectSource(study.finding, self.clinic)
        if one.kind is Kind.STRUCTURED_REPORT:
            return self._make_structured_report(origin, study, one)
        if one.kind is Kind.REPORT:
            printed = self._print(study) if bulk else None
            return make_document(origin, one, study.reported_at, printed)
        picture = study.finding.of_picture(one.number)
        try:
            photo = self.photos.content_of(picture)
        except NotFound:
            return None
        size = size_of(photo)
        if one.kind is not Kind.HEAT_MAP:
            return make_photo(origin, one, photo if bulk else None, size)
        drawn = draw_kept_overlay(photo, picture.finding.heat) if bulk else None
        source = ObjectId(one.finding, kind_of(picture), one.number)
        return make_heat_map(origin, one, drawn, size, source)

    def _make_structured_report(self, origin: ObjectSource, study: Study, one: ObjectId) -> Dataset:
        pictures = [each for each in pictures_of(study.finding) if each.kind is not Kind.HEAT_MAP]
        seen = [made for each in pictures if (made := self._make(study, each, bulk=False))]
        shape = self.shapes.measure(study.finding).shape if seen else None
        return make_report(origin, one, seen, shape)

    def _print(self, study: Study) -> bytes:
        return self.reports.print_unnamed(number=str(study.finding.number), to=study.reader)
