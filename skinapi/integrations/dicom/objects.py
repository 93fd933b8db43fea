"""A finding's pictures and report as DICOM objects, made from the stored finding on request. The
patient is identified by the number in the archive's object, or else by the account id, and never by
name.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from highdicom.base import SOPClass
from highdicom.sr import CodedConcept
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
    VLPhotographicImageStorage,
)

from skinapi.base.languages import Language
from skinapi.base.settings.settings import VERSION
from skinapi.findings.records.stored_finding import Source, StoredFinding
from skinapi.integrations.dicom.study import Kind, ObjectId
from skinapi.integrations.standards import SEX_OF
from skinapi.model.context import BodySite, Context
from skinapi.platform.storage.ids import made_at

MAKER = "SkinAPI"
DERMOSCOPIC_PHOTOGRAPHY = UID("1.2.840.10008.5.1.4.1.1.77.1.7")


class Series(NamedTuple):
    sop_class: UID
    modality: str
    name: str


SERIES: Mapping[Kind, Series] = {
    Kind.PHOTO: Series(VLPhotographicImageStorage, "XC", "Photographs"),
    Kind.DERMOSCOPY: Series(DERMOSCOPIC_PHOTOGRAPHY, "DMS", "Dermoscopic photographs"),
    Kind.HEAT_MAP: Series(SecondaryCaptureImageStorage, "OT", "Heat maps of the model"),
    Kind.STRUCTURED_REPORT: Series(EnhancedSRStorage, "SR", "Structured report"),
    Kind.REPORT: Series(EncapsulatedPDFStorage, "DOC", "Report"),
}
SEXES = {sex: code for code, sex in SEX_OF.items()}
# There is no code for hands and feet together.
SITES: Mapping[BodySite, str] = {
    "abdomen": "SkinOfAbdomen",
    "back": "SkinOfBack",
    "chest": "SkinOfAnteriorSurfaceOfThorax",
    "ear": "SkinOfEar",
    "face": "SkinOfFace",
    "foot": "SkinOfFoot",
    "genital": "SkinOfExternalGenitalia",
    "hand": "SkinOfHand",
    "lower_extremity": "SkinOfLowerExtremity",
    "neck": "SkinOfNeck",
    "scalp": "SkinOfScalp",
    "trunk": "Trunk",
    "upper_extremity": "SkinOfUpperExtremity",
}
UNKNOWN_OF_DERMOSCOPY = (
    "LightSourcePolarization",
    "EmitterColorTemperature",
    "ContactMethod",
    "OpticalMagnificationFactor",
)
# That of a reference to a study (PS3.3, 10.6.1); it is retired, and has no successor.
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
KEPT = "Upright, without metadata, at most 1600 pixels on its longer side, saved as JPEG"
HEAT = "The parts of the photograph that the model's answer rests on, drawn over it"


@dataclass(frozen=True, slots=True)
class ObjectSource:
    finding: StoredFinding
    clinic: str | None = None

    @property
    def language(self) -> Language:
        return self.finding.language


def common_of(origin: ObjectSource, of: ObjectId, at: datetime) -> dict[str, Any]:
    model = origin.finding.finding.model_version
    photographed = of.kind in (Kind.PHOTO, Kind.DERMOSCOPY)
    maker = "unknown" if photographed else MAKER  # the camera is unknown
    return {
        "series_instance_uid": of.series,
        "series_number": int(of.kind),
        "sop_instance_uid": of.uid,
        "instance_number": of.number if of.kind.is_picture else 1,
        "manufacturer": maker,
        "manufacturer_model_name": maker,
        "software_versions": [VERSION] if photographed else [VERSION, model],
        "device_serial_number": maker if photographed else model,
        "institution_name": (origin.clinic or "")[:64] or None,
        "series_description": SERIES[of.kind].name,
        "content_date": at.date(),
        "content_time": at.time(),
        "specific_character_set": "ISO_IR 192",
    }


def make_object(
    origin: ObjectSource, of: ObjectId, at: datetime, syntax: str = ExplicitVRLittleEndian
) -> SOPClass:
    made = SOPClass(
        study_instance_uid=of.study,
        sop_class_uid=SERIES[of.kind].sop_class,
        modality=SERIES[of.kind].modality,
        transfer_syntax_uid=syntax,
        **study_of(origin),
        **common_of(origin, of, at),
    )
    complete(made, origin, at)
    return made


def study_of(origin: ObjectSource) -> dict[str, Any]:
    finding, source = origin.finding, origin.finding.source
    at = made_at(finding.id)  # so that a query by date becomes one by id
    return {
        "patient_id": source.patient_id if source else finding.owner,
        "patient_name": "",
        "patient_birth_date": "",
        "patient_sex": SEXES[finding.context.sex] if finding.context.sex else "",
        "study_id": str(finding.number),
        "accession_number": (source and source.accession_number) or "",
        "study_date": f"{at:%Y%m%d}",
        "study_time": f"{at:%H%M%S}.{at.microsecond // 1000:03d}",
        "referring_physician_name": "",
    }


def complete(made: Dataset, origin: ObjectSource, at: datetime) -> None:
    """Add elements that highdicom's classes do not accept. The times are those of the content, so
    that repeated objects are identical.
    """
    made.InstanceCreationDate, made.InstanceCreationTime = at.date(), at.time()
    made.TimezoneOffsetFromUTC = "+0000"
    made.StudyDescription = f"Skin finding {origin.finding.number}"
    if (age := origin.finding.context.age) is not None:
        made.PatientAge = f"{age:03d}Y"
    source = origin.finding.source
    name_issuer(made, source)
    if source:
        made.ReferencedStudySequence = [reference(STUDY_CLASS, source.study_uid)]


def name_issuer(made: Dataset, source: Source | None) -> None:
    if source is None:
        made.IssuerOfPatientID = MAKER
        return
    if source.issuer:
        made.IssuerOfPatientID = source.issuer
    if source.issuer_oid:
        qualifiers = Dataset()
        qualifiers.UniversalEntityID = source.issuer_oid
        qualifiers.UniversalEntityIDType = "ISO"
        made.IssuerOfPatientIDQualifiersSequence = [qualifiers]


def reference(sop_class: str, uid: str) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, uid
    return made


def _refer_to_source(made: Dataset, origin: ObjectSource) -> None:
    source = origin.finding.source
    if source is None:
        return
    sent = reference(source.sop_class_uid, source.sop_instance_uid)
    made.SourceImageSequence = [*made.get("SourceImageSequence", ()), sent]
    series, study = Dataset(), Dataset()
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = source.series_uid, [sent]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = source.study_uid, [series]
    made.StudiesContainingOtherReferencedInstancesSequence = [study]


def make_photo(
    origin: ObjectSource, of: ObjectId, content: bytes, size: tuple[int, int]
) -> Dataset:
    made = _picture(origin, of, content, size)
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.DerivationDescription = KEPT
    _refer_to_source(made, origin)
    made.AcquisitionContextSequence = []
    if of.kind is Kind.DERMOSCOPY:
        made.FrameOfReferenceUID = f"{of.uid}.1"  # of this picture alone: it has no scale
        made.PositionReferenceIndicator = ""
        told = origin.finding.context.body_site
        made.RecognizableVisualFeatures = "YES" if told in (None, "face", "ear") else "NO"
        # Nobody was asked for these: required, and empty where they are not known.
        for keyword in UNKNOWN_OF_DERMOSCOPY:
            setattr(made, keyword, None)
    return made


def make_heat_map(
    origin: ObjectSource,
    of: ObjectId,
    content: bytes,
    size: tuple[int, int],
    photo: ObjectId,
) -> Dataset:
    made = _picture(origin, of, content, size)
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = HEAT
    made.ConversionType = "WSD"
    made.SourceImageSequence = [reference(SERIES[photo.kind].sop_class, photo.uid)]
    _refer_to_source(made, origin)
    return made


def _picture(origin: ObjectSource, of: ObjectId, content: bytes, size: tuple[int, int]) -> SOPClass:
    finding = origin.finding
    since = max([finding.newest.judged_at, *(item.amended_at for item in finding.amendments)])
    made = make_object(origin, of, since, JPEGBaseline8Bit)
    made.PatientOrientation = ""
    made.AcquisitionDateTime = origin.finding.created_at
    made.SamplesPerPixel, made.PlanarConfiguration = 3, 0
    made.PhotometricInterpretation = "YBR_FULL_422"
    made.Columns, made.Rows = size
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.LossyImageCompression = "01"
    made.LossyImageCompressionMethod = "ISO_10918_1"
    if site := site_code(origin.finding.context):
        made.AnatomicRegionSequence = [site]
    if side := side_code(origin.finding.context):
        made.ImageLaterality = "L" if side.meaning == "Left" else "R"
    else:
        made.Laterality = ""
    made.LossyImageCompressionRatio = round(size[0] * size[1] * 3 / len(content), 2)
    made.PixelData = encapsulate([content])
    made["PixelData"].VR = "OB"
    return made


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        return picture.size


def make_document(origin: ObjectSource, of: ObjectId, at: datetime, pdf: bytes) -> Dataset:
    made = make_object(origin, of, at)
    made.ConversionType = "WSD"
    made.AcquisitionDateTime = at
    made.BurnedInAnnotation = "YES"  # it may contain a doctor's free text
    made.DocumentTitle = made.StudyDescription
    made.ConceptNameCodeSequence = []
    if source := origin.finding.source:
        made.SourceInstanceSequence = [
            reference(source.sop_class_uid, source.sop_instance_uid),
        ]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made


def as_file(made: Dataset) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def site_code(context: Context) -> CodedConcept | None:
    name = SITES.get(context.body_site) if context.body_site else None
    return CodedConcept.from_code(getattr(codes.SCT, name)) if name else None


def side_code(context: Context) -> CodedConcept | None:
    sides = {"left": codes.SCT.Left, "right": codes.SCT.Right}
    side = sides.get(context.body_laterality or "")
    return CodedConcept.from_code(side) if side else None
