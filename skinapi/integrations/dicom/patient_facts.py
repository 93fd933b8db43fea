"""The facts in a DICOM header about the picture and its patient, as for `POST /predict`, and the
identifiers of patient, order and object. Nothing is guessed: unknown values are omitted.
"""

from datetime import date, datetime
from typing import NamedTuple

from pydicom import Dataset
from pydicom.sr._snomed_dict import mapping as snomed_mapping

from skinapi.findings.records.stored_finding import Source
from skinapi.integrations.dicom.header import (
    DERMOSCOPIC,
    LONGEST_TEXT,
    NO_OBJECT,
    UID_TEXT,
    Instance,
    first_item,
    refusing,
    text_in,
)
from skinapi.integrations.standards import (
    MODALITY_OF,
    SEX_OF,
    SITE_OF,
    side_of,
)
from skinapi.model.context import BodySide, BodySite, Context, Laterality, Modality, age_band_of

# Of a patient's number without an issuer: it is one of the clinic that this server serves.
OWN_ISSUER = "dicom"
LONGEST_SHORT_TEXT = 16  # of a Short String, as an accession number is
_LATERALITIES: dict[str, Laterality] = {"L": "left", "R": "right"}


class PatientIdentifier(NamedTuple):
    system: str
    value: str


def read_patient(header: Dataset) -> PatientIdentifier | None:
    with refusing(NO_OBJECT):
        value = text_in(header, "PatientID")
        issuer = text_in(header, "IssuerOfPatientID") or OWN_ISSUER
        oid = _issuer_oid_in(header)
    if oid is not None:
        issuer = f"urn:oid:{oid}"
    return PatientIdentifier(issuer, value) if value else None


def read_source(instance: Instance) -> Source | None:
    header = instance.header
    with refusing(NO_OBJECT):
        patient_id = _writable(text_in(header, "PatientID"))
        series = text_in(header, "SeriesInstanceUID").rstrip("\0")
        if patient_id is None or not _is_uid(series):
            return None
        oid = _issuer_oid_in(header) or ""
        return Source(
            patient_id=patient_id,
            issuer=_writable(text_in(header, "IssuerOfPatientID")),
            issuer_oid=oid if _is_uid(oid) else None,
            accession_number=_writable(
                text_in(header, "AccessionNumber"), longest=LONGEST_SHORT_TEXT
            ),
            study_uid=instance.study,
            series_uid=series,
            sop_class_uid=instance.sop_class,
            sop_instance_uid=instance.sop_instance,
        )


def _issuer_oid_in(header: Dataset) -> str | None:
    qualifiers = first_item(header, "IssuerOfPatientIDQualifiersSequence")
    if qualifiers is None or text_in(qualifiers, "UniversalEntityIDType") != "ISO":
        return None
    return text_in(qualifiers, "UniversalEntityID")


def _writable(text: str, *, longest: int = LONGEST_TEXT) -> str | None:
    fits = 0 < len(text) <= longest and text.isprintable() and "\\" not in text
    return text if fits else None


def _is_uid(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and UID_TEXT.fullmatch(text) is not None


def read_context(instance: Instance) -> Context:
    header = instance.header
    with refusing(NO_OBJECT):
        site, laterality, side = _read_place(header)
        years = _read_age(header)
        band = age_band_of(years)
        return Context(
            modality=_read_modality(instance),
            age=years if band else None,
            age_band=band,
            sex=SEX_OF.get(text_in(header, "PatientSex")),
            body_site=site,
            body_laterality=laterality,
            body_side=side,
            text_in_picture=text_in(header, "BurnedInAnnotation") == "YES",
        )


def _read_modality(instance: Instance) -> Modality:
    if instance.sop_class == DERMOSCOPIC:
        return Modality.DERMOSCOPIC
    return MODALITY_OF.get(text_in(instance.header, "Modality"), Modality.UNKNOWN)


def _read_place(header: Dataset) -> tuple[BodySite | None, Laterality | None, BodySide | None]:
    region = first_item(header, "AnatomicRegionSequence")
    if region is None:
        return None, None, None
    code = _snomed_code(region)
    site = SITE_OF.get(code)
    if site is None:
        return None, None, None
    told = text_in(header, "ImageLaterality") or text_in(header, "Laterality")
    return site, _LATERALITIES.get(told), side_of(code)


def _snomed_code(item: Dataset) -> str:
    """SNOMED CT, also from the retired codes (SRT) of older objects."""
    code, scheme = text_in(item, "CodeValue"), text_in(item, "CodingSchemeDesignator")
    if scheme in ("SRT", "SNM3", "99SDM"):
        return str(snomed_mapping["SRT"].get(code, ""))
    return code if scheme == "SCT" else ""


def _read_age(header: Dataset) -> int | None:
    years = _told_age(header)
    return _age_by_dates(header) if years is None else years


def _told_age(header: Dataset) -> int | None:
    text = text_in(header, "PatientAge")
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in tuple("DWMY"):
        return None
    return int(number) if unit == "Y" else int(number) // {"M": 12, "W": 52, "D": 365}[unit]


def _age_by_dates(header: Dataset) -> int | None:
    born, taken = _date_in(header, "PatientBirthDate"), _date_in(header, "StudyDate")
    if born is None or taken is None:
        return None
    return taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))


def _date_in(header: Dataset, name: str) -> date | None:
    try:
        return datetime.strptime(text_in(header, name), "%Y%m%d").date()  # noqa: DTZ007 (a day)
    except ValueError:
        return None
