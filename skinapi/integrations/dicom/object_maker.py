"""Makes the objects of a study, of what is stored."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

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
from skinapi.model.heat_map_overlay import draw_kept_overlay


@dataclass(frozen=True, slots=True)
class ObjectMaker:
    photos: KeptPhotos
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

    def draw(self, study: Study, of: ObjectId) -> bytes:
        """A picture as JPEG, or the report as PDF."""
        if of.kind is Kind.REPORT:
            return self._print(study)
        picture = study.finding.of_picture(of.place)
        content = self.photos.content_of(picture)
        if of.kind is Kind.HEAT_MAP:
            return draw_kept_overlay(content, picture.finding.heat)
        return content

    def _make_all(self, study: Study, *, bulk: bool) -> Iterator[Dataset]:
        """A picture whose file is lost is left out, and nothing else."""
        for of in study.objects:
            try:
                made = self._make(study, of, bulk=bulk)
            except NotFound:
                if not of.kind.is_picture:
                    raise
            else:
                yield made

    def _make(self, study: Study, of: ObjectId, *, bulk: bool) -> Dataset:
        origin = ObjectSource(study.finding, self.clinic)
        if of.kind is Kind.STRUCTURED_REPORT:
            photos = [known for known in pictures_of(study.finding) if known.kind != Kind.HEAT_MAP]
            shown = replace(study, objects=tuple(photos))
            return make_report(origin, of, [*self._make_all(shown, bulk=False)])
        if of.kind is Kind.REPORT:
            printed = self._print(study) if bulk else None
            return make_document(origin, of, study.reported_at, printed)
        picture = study.finding.of_picture(of.place)
        photo = self.photos.content_of(picture)
        size = size_of(photo)
        if of.kind is not Kind.HEAT_MAP:
            return make_photo(origin, of, photo if bulk else None, size)
        drawn = draw_kept_overlay(photo, picture.finding.heat) if bulk else None
        known = pictures_of(study.finding)
        source = next(one for one in known if one.place == of.place and one.kind != of.kind)
        return make_heat_map(origin, of, drawn, size, source)

    def _print(self, study: Study) -> bytes:
        return self.reports.print_unnamed(number=str(study.finding.number), to=study.reader)
