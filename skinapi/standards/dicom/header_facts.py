"""What the header of a DICOM object tells of a picture and its patient, as the facts that a sender
of `POST /predict` may tell. Nothing is guessed: what has no value here is left out.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from pydicom import Dataset
from pydicom.sr._snomed_dict import mapping as snomed_mapping

from skinapi.standards.dicom.reading import DERMOSCOPIC, Instance, first_item, text_in
from skinapi.vision.context import (
    AGE_BANDS,
    TWO_SIDED,
    AgeBand,
    BodySide,
    BodySite,
    Context,
    Laterality,
    Modality,
    Sex,
)

# Of a patient's number without an issuer: it is one of the clinic that this server serves.
OWN_ISSUER = "dicom"
_MODALITIES = {"DMS": Modality.DERMOSCOPIC, "XC": Modality.CLINICAL}
_SEXES: dict[str, Sex] = {"F": "female", "M": "male", "O": "other"}
_LATERALITIES: dict[str, Laterality] = {"L": "left", "R": "right"}
# SNOMED CT codes of CID 4029 "Dermatology Anatomic Site" and CID 4031 "Common Anatomic Region".
# The first of each is the whole site. What is left out is no skin, or lies in two of our sites.
SITES: Mapping[BodySite, str] = {
    "abdomen": "75093004 699914002 699935000 30598005 367578008 315003 818981001",
    "acral": "70887009 26795005 89784008 35739000 52953006",
    "back": "66643007 113182001 699893008 244111001 77568009",
    "chest": "244106003 699915001 244107007 66288003 54468004 72005009 51185008 816094009",
    "ear": "1902009 2059009 38407007 79313003 51098001 57726007 79502000 45591000 117590005",
    "face": "73897004 68698007 23747009 36141000 113179006 79283007 68598004 314395006 37108007 "
    "88089004 16251004 66934001 84365009 110488009 244097004 367577003 362916000 41310005 "
    "40069000 27887005 37671003 16621002 86719006 34926004 89545001",
    "foot": "60496002 52034004 84607009 699909001 699919007 56459004 29707007",
    "genital": "60944009 35900000 7991003 244118007 244117002 81992007 73058008 128252004 "
    "128253009 29353003 76723005 4019005 48014002",
    "hand": "33712006 281642007 244169007 85562004 7569003 76505004",
    "lower_extremity": "371304004 61248009 4578000 73958006 181553006 84507004 25763004 47224004 "
    "181563003 181564009 61685007 68367000 30021000 72696002",
    "neck": "43081002 11584001 5272005 4658004 182329002 5713008 76072005 45048000",
    "scalp": "43067004 61719002 79951008 21672008 41695006",
    "trunk": "181491009 54440003 22943007",
    "upper_extremity": "371311000 45981001 72939005 70559009 41550009 17957002 181536004 24527008 "
    "52876008 53120007 40983000 14975008",
}
_SITE_OF: dict[str, BodySite] = {
    code: site for site, codes in SITES.items() for code in codes.split()
}
_SIDES: Mapping[BodySide, str] = {
    "front": "61248009 181553006 25763004 45981001 70559009 17957002 11584001",
    "rear": "4578000 84507004 47224004 72939005 41550009 181536004 4658004 281642007",
}
_SIDE_OF = {code: side for side, codes in _SIDES.items() for code in codes.split()}
_MODIFIERS: dict[str, Laterality] = {"7771000": "left", "24028007": "right"}


class PatientIdentifier(NamedTuple):
    """`system` says who gave the number `value`."""

    system: str
    value: str


def read_patient(header: Dataset) -> PatientIdentifier | None:
    """None where the object names no patient."""
    value = text_in(header, "PatientID")
    if not value:
        return None
    qualifiers = first_item(header, "IssuerOfPatientIDQualifiersSequence")
    if qualifiers and text_in(qualifiers, "UniversalEntityIDType") == "ISO":
        return PatientIdentifier(f"urn:oid:{text_in(qualifiers, 'UniversalEntityID')}", value)
    return PatientIdentifier(text_in(header, "IssuerOfPatientID") or OWN_ISSUER, value)


def read_context(instance: Instance) -> Context:
    header = instance.header
    site, laterality, side = _read_place(header)
    return Context(
        modality=_read_modality(instance),
        age_band=_read_age(header),
        sex=_SEXES.get(text_in(header, "PatientSex")),
        body_site=site,
        body_laterality=laterality,
        body_side=side,
        text_in_picture=text_in(header, "BurnedInAnnotation") == "YES",
    )


def _read_modality(instance: Instance) -> Modality:
    if instance.sop_class == DERMOSCOPIC:
        return Modality.DERMOSCOPIC
    return _MODALITIES.get(text_in(instance.header, "Modality"), Modality.UNKNOWN)


def _read_place(header: Dataset) -> tuple[BodySite | None, Laterality | None, BodySide | None]:
    region = first_item(header, "AnatomicRegionSequence")
    if region is None:
        return None, None, None
    code = _snomed_code(region)
    site = _SITE_OF.get(code)
    if site is None:
        return None, None, None
    told = text_in(header, "ImageLaterality") or text_in(header, "Laterality")
    modifier = first_item(region, "AnatomicRegionModifierSequence")
    laterality = _LATERALITIES.get(told) or (
        _MODIFIERS.get(_snomed_code(modifier)) if modifier else None
    )
    return site, laterality, _SIDE_OF.get(code) if site in TWO_SIDED else None


def _snomed_code(item: Dataset) -> str:
    """SNOMED CT; older objects name it by the codes that DICOM has retired (SRT)."""
    code, scheme = text_in(item, "CodeValue"), text_in(item, "CodingSchemeDesignator")
    if scheme in ("SRT", "SNM3", "99SDM"):
        return str(snomed_mapping["SRT"].get(code, ""))
    return code if scheme == "SCT" else ""


def _read_age(header: Dataset) -> AgeBand | None:
    years = _told_age(header)
    if years is None:
        years = _age_by_dates(header)
    if years is None or not 0 <= years <= 130:
        return None
    ends = [int(band.partition("-")[2] or 999) for band in AGE_BANDS]
    return next(band for band, end in zip(AGE_BANDS, ends, strict=True) if years <= end)


def _told_age(header: Dataset) -> int | None:
    """As `047Y`; days, weeks and months of a small child are its first band."""
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
