"""The codes of what a finding says. SNOMED CT and ICD come from the table of conditions, the places
on the body from DICOM's own (CID 4029, Dermatology Anatomic Sites); what no code system has, as our
risk bands, has codes of our own.
"""

from collections.abc import Iterator, Mapping

from highdicom.sr import CodedConcept
from pydantic import RootModel
from pydicom.sr.codedict import codes

from skinapi.base.languages import Language, load_words
from skinapi.model.conditions import Band, Condition, conditions_table
from skinapi.model.context import BodySite, Context

OWN_SCHEME = "99SKINAPI"


class Meanings(RootModel[dict[str, str]]):
    """What each of our own codes means, in a language."""


WORDS: Mapping[Language, Meanings] = load_words("dicom.CODES", Meanings)
LANGUAGE_NAMES: Mapping[Language, str] = {"en": "English", "fr": "French"}
# Hands and feet together have no code.
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
LONGEST_MEANING = 64


def own(code: str, language: Language) -> CodedConcept:
    """A code of our own: it is the API's word for the same."""
    return _own(code, WORDS[language].root[code])


def probability_code(condition: str, language: Language) -> CodedConcept:
    name = conditions_table().name(condition, language)
    meaning = WORDS[language].root["probability"].format(condition=name)
    return _own(f"probability_{condition}", meaning)


def condition_code(key: str, language: Language) -> CodedConcept:
    """The condition by the API's own key, which names each of them."""
    return _own(key, conditions_table().name(key, language))


def band_code(band: Band, language: Language) -> CodedConcept:
    return _own(band, conditions_table().band_words(band, language).doctor_label)


def _own(code: str, meaning: str) -> CodedConcept:
    return CodedConcept(code, OWN_SCHEME, meaning[:LONGEST_MEANING])


def public_codes(key: str, language: Language) -> Iterator[CodedConcept]:
    """The codes of the table for a condition; none for one that only a review names."""
    label = conditions_table().label(key)
    if not isinstance(label, Condition):
        return
    name = label.names.in_language(language)[:LONGEST_MEANING]
    for code in label.codes.snomed:
        yield CodedConcept(code, "SCT", name)
    for code in label.codes.icd10cm:
        yield CodedConcept(code, "I10C", name)
    for code in label.codes.icdo3:
        yield CodedConcept(code, "ICDO3", name)


def name_of(key: str, concept: CodedConcept, language: Language) -> CodedConcept:
    """What a public code of this condition is. A bundle joins several diseases, of which its codes
    name only some: then none of them is what was found.
    """
    label = conditions_table().label(key)
    if isinstance(label, Condition) and label.bundle:
        return own("includes", language)
    return concept


def site_code(context: Context) -> CodedConcept | None:
    """Where on the body, where it was told and has a code."""
    name = SITES.get(context.body_site) if context.body_site else None
    return CodedConcept.from_code(getattr(codes.SCT, name)) if name else None


def side_code(context: Context) -> CodedConcept | None:
    sides = {"left": codes.SCT.Left, "right": codes.SCT.Right}
    side = sides.get(context.body_laterality or "")
    return CodedConcept.from_code(side) if side else None
