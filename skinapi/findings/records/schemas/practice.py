from typing import Self

from pydantic import Field

from skinapi.base.languages import Language, LocalizedText
from skinapi.base.values import Value
from skinapi.findings.records.unassigned_patients import ExpectedReviewer
from skinapi.model.conditions import conditions_table
from skinapi.platform.web.schemas import Answer


class Practice(Value):
    doctor: str | None = None
    name: str | None = None
    phone: str | None = None

    @classmethod
    def from_reviewer(cls, looks: ExpectedReviewer, *, decided: bool) -> Self | None:
        """Return None if nobody is responsible. Pass `decided` if a doctor has reviewed."""
        if looks.by == "nobody" and not decided:
            return None
        doctor = looks.doctor.name if looks.doctor else None
        return cls(doctor=doctor, name=looks.clinic.name, phone=looks.clinic.phone)


def say_practice(practice: Practice | None) -> LocalizedText:
    visit = conditions_table().visit
    if practice is None or not any(practice.model_dump().values()):
        return visit.own_doctor
    phone = practice.phone and visit.phone.fill(number=_same(practice.phone))
    named = [_same(item) for item in (practice.doctor, practice.name) if item]
    return LocalizedText.joined(", ", [*named, *([phone] if phone else [])])


def _same(text: str) -> LocalizedText:
    return LocalizedText.by(lambda _: text)


class PracticeView(Answer):
    """Whom to see and call about what asks for a visit."""

    doctor: str | None = Field(description="the name of the doctor in charge")
    name: str | None = Field(description="of the clinic")
    phone: str | None = Field(description="of the clinic; null where its operator has named none")
    sentence: str = Field(
        description="all three in words; of nobody here, the practice to which one usually goes"
    )

    @classmethod
    def from_practice(cls, practice: Practice | None, language: Language) -> Self:
        known = practice or Practice()
        sentence = say_practice(practice).in_language(language)
        return cls.from_record(known, sentence=sentence)
