"""How a patient hears of what was signed, in words for the doctor, who is to know whether anybody
has told the patient.
"""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.read_access import PatientChannel
from skinapi.platform.web.schemas import Answer


class TellingWords(Frozen):
    mail: str
    log_in: str
    other_system: str
    none: str
    record: str


WORDS: Mapping[Language, TellingWords] = load_words("reports.telling", TellingWords)


class TellingView(Answer):
    way: PatientChannel | None = Field(
        description="how the patient hears of it: by `mail`, at the next `log_in`, or from an "
        "`other_system`; `none`: the account is suspended or not approved, or no key in force says "
        "that a program shows it to such patients, and the doctor tells it in another way; null "
        "where nobody reads for the patient any more"
    )
    sentence: str = Field(description="the same in words, for the doctor")

    @classmethod
    def from_way(cls, way: PatientChannel | None, language: Language) -> Self:
        return cls(way=way, sentence=getattr(WORDS[language], way or "record"))
