"""How and from when a patient hears of what was signed, in words for the doctor, who is to know
whether anybody has told the patient.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self

from pydantic import Field

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.read_access import PatientChannel
from skinapi.findings.status.decisions import say_day
from skinapi.findings.status.reviews import Review, ToldBy
from skinapi.platform.web.schemas import Answer


class TellingWords(Frozen):
    """`held_…`: until then the patient reads nothing of it, and why. The others: what is shown
    now, and how the patient hears of it. `none` is said of both.
    """

    held_unsaid: str
    held_doctor: str
    held_graver: str
    held_letter: str
    mail: str
    log_in: str
    other_system: str
    none: str
    colleague: str
    record: str
    when: str


WORDS: Mapping[Language, TellingWords] = load_words("reports.telling", TellingWords)


class TellingView(Answer):
    held_until: datetime | None = Field(
        description="until when the patient is shown nothing of it; null where it is shown now, or "
        "is not for the patient"
    )
    way: PatientChannel | None = Field(
        description="how the patient hears of it once it is shown: by `mail`, at the next "
        "`log_in`, or from an `other_system`; `none`: the account is "
        "suspended or not approved, or no key in force says that a program shows it to such "
        "patients, and the doctor tells it in another way; null where it is not for the patient"
    )
    sentence: str = Field(description="both in words, and why it is held, for the doctor")

    @classmethod
    def of_review(
        cls, review: Review, way: PatientChannel | None, teller: ToldBy | None, language: Language
    ) -> Self:
        """`way` is None where nobody reads for the patient any more."""
        words = WORDS[language]
        if review.second_opinion:
            return cls(held_until=None, way=None, sentence=words.colleague)
        why = words.held_doctor if teller else words.held_unsaid
        why = words.held_graver if review.held_with_graver else why
        return cls._from_hold(review.hold_ends_at, why, way, language)

    @classmethod
    def of_letter(
        cls, held_until: datetime | None, way: PatientChannel | None, language: Language
    ) -> Self:
        return cls._from_hold(held_until, WORDS[language].held_letter, way, language)

    @classmethod
    def _from_hold(
        cls, held_until: datetime | None, why: str, way: PatientChannel | None, language: Language
    ) -> Self:
        words = WORDS[language]
        if way is None:
            return cls(held_until=None, way=None, sentence=words.record)
        if held_until is None:
            return cls(held_until=None, way=way, sentence=getattr(words, way))
        time = f"{held_until.astimezone(UTC):%H:%M}"
        when = words.when.format(day=say_day(held_until, language), time=time)
        sentence = why.format(when=when)
        if way is PatientChannel.SHUT_OUT:
            sentence = f"{sentence} {words.none}"
        return cls(held_until=held_until, way=way, sentence=sentence)
