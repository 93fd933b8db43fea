"""How the one instruction of a spot is answered."""

from datetime import datetime
from typing import Self

from pydantic import Field

from skinapi.languages import Language
from skinapi.records.findings.instructions import Advice, Instruction, SaidBy
from skinapi.vision.conditions import Band, conditions_table
from skinapi.web.schemas.schema_types import Answer

MOST_SUPERSEDED = 10


class AdviceView(Answer):
    """What was said that is to be done about a spot."""

    said_by: SaidBy = Field(serialization_alias="from")
    since: datetime
    finding: int = Field(description="number of the finding that it was said about")
    band: Band
    action: str = Field(description="in the words of who asks: a doctor's, or a patient's")

    @classmethod
    def of(cls, said: Advice, language: Language, *, for_doctor: bool) -> Self:
        words = conditions_table().band_words(said.band, language)
        action = words.doctor_label if for_doctor else words.label
        return cls(
            said_by=said.said_by,
            since=said.since,
            finding=said.finding,
            band=said.band,
            action=action,
        )


class InstructionView(AdviceView):
    """The one thing to do, to be shown first: the most urgent that is still valid."""

    sentence: str = Field(description="how, and by when")
    picture_wanted: bool = Field(description="a doctor waits for another photo of the spot")
    superseded: list[AdviceView] = Field(
        description="what else was said, the newest first, ten at most: it counts no more, or is "
        "milder"
    )

    @classmethod
    def of_spot(
        cls, instruction: Instruction | None, language: Language, *, for_doctor: bool
    ) -> Self | None:
        if instruction is None:
            return None
        notices = conditions_table().notices
        counts, wanted = instruction.counts, instruction.picture_wanted
        words = conditions_table().band_words(counts.band, language)
        said = [
            words.doctor_action if for_doctor else words.next_step,
            *([notices.decision.new_picture.in_language(language)] if wanted else []),
        ]
        view = AdviceView.of(counts, language, for_doctor=for_doctor)
        return cls(
            **dict(view),
            sentence=" ".join(said),
            picture_wanted=wanted,
            superseded=[
                AdviceView.of(one, language, for_doctor=for_doctor)
                for one in instruction.others[:MOST_SUPERSEDED]
            ],
        )
