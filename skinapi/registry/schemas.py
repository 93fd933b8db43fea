"""The answer schemas of the conditions table."""

from typing import Any, Self

from pydantic import Field

from skinapi.vision.conditions import (
    BandEntry,
    Checklist,
    Condition,
    ConditionsTable,
    Notices,
    ReviewLabel,
    Source,
)
from skinapi.web.schemas.schema_types import Answer


class ConditionView(Answer):
    key: str
    names: dict[str, str | None]
    severity: str
    malignant: bool
    urgency: str
    codes: dict[str, list[str]]
    code_relation: str = Field(description="how the codes relate to a bundle of diseases")
    sentences: dict[str, dict[str, str]]
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, condition: Condition) -> Self:
        plain: dict[str, Any] = condition.model_dump(mode="json", exclude={"sources"})
        shown = {name: plain[name] for name in cls.model_fields if name in plain}
        return cls(**shown, code_relation=condition.code_relation, sources=condition.sources)


class ConditionsView(Answer):
    notice: str
    conditions: list[ConditionView]
    review_only: tuple[ReviewLabel, ...] = Field(
        description="what a doctor may name besides in a review, and no model states"
    )
    bands: tuple[BandEntry, ...]
    notices: Notices
    checklist: Checklist

    @classmethod
    def of(cls, table: ConditionsTable) -> Self:
        return cls(
            notice=table.notices.information_only.en,
            conditions=[ConditionView.of(condition) for condition in table.conditions],
            review_only=table.review_only,
            bands=table.bands,
            notices=table.notices,
            checklist=table.checklist,
        )
