from collections.abc import Iterator, Mapping

from skinapi.base.days import say_day
from skinapi.base.languages import Language
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.reports.words import LABELS, say_spot
from skinapi.findings.status.decisions import Decision
from skinapi.model.context import (
    TWO_SIDED,
    BodySide,
    BodySite,
    Laterality,
    Modality,
    Sex,
)

# https://terminology.hl7.org/CodeSystem-DCM.html
MODALITY_OF: Mapping[str, Modality] = {"DMS": Modality.DERMOSCOPIC, "XC": Modality.CLINICAL}
SEX_OF: Mapping[str, Sex] = {"F": "female", "M": "male", "O": "other"}

# SNOMED CT codes of the public lists CID 4029 "Dermatology Anatomic Site" and CID 4031 "Common
# Anatomic Region". The first of each is the whole site. What is left out is no skin, or lies in two
# of our sites.
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
_SIDES: Mapping[BodySide, str] = {
    "front": "61248009 181553006 25763004 45981001 70559009 17957002 11584001",
    "rear": "4578000 84507004 47224004 72939005 41550009 181536004 4658004 281642007",
}
SITE_OF: Mapping[str, BodySite] = {
    code: site for site, codes in SITES.items() for code in codes.split()
}
_SIDE_OF: Mapping[str, BodySide] = {
    code: side for side, codes in _SIDES.items() for code in codes.split()
}
# Qualifiers of a site's code.
LATERALITY_OF: Mapping[str, Laterality] = {"7771000": "left", "24028007": "right"}


def side_of(code: str) -> BodySide | None:
    return _SIDE_OF.get(code) if SITE_OF.get(code) in TWO_SIDED else None


def instructing_decision(finding: StoredFinding) -> Decision | None:
    decision = finding.decision
    return decision if decision and decision.instructs else None


def say_instruction(finding: StoredFinding, language: Language) -> str:
    return " ".join(say_spot(finding.instruction, language, number=finding.number, for_doctor=True))


def say_finding(finding: StoredFinding, language: Language, *, for_doctor: bool) -> str:
    lines = [
        *say_spot(
            finding.instruction,
            language,
            decision=finding.decision,
            number=finding.number,
            for_doctor=for_doctor,
        ),
        *([] if finding.decision else _say_model(finding, language, for_doctor=for_doctor)),
    ]
    return " ".join(line if line.endswith(".") else f"{line}." for line in lines)


def _say_model(finding: StoredFinding, language: Language, *, for_doctor: bool) -> Iterator[str]:
    headline = finding.finding.headline
    said = headline.for_doctor if for_doctor else headline.for_patient
    yield LABELS[language].model_said.format(say_day(finding.newest.judged_at, language))
    yield said.in_language(language)
