from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.stored_record import optional
from skinapi.model.registry.gates import Gate, PairedComparison
from skinapi.model.registry.serving_pointer import PointerChange
from skinapi.model.registry.stored_version import VersionSummary
from skinapi.model.registry.version_service import InspectedVersion
from skinapi.platform.web.schemas import Answer, Body, PageQuery

Shown = Literal["candidate", "serving", "retired"]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1000), PrintableLines, Contained
]


class ModelsQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class NewReason(Body):
    reason: Reason | None = None


class Promotion(NewReason):
    override: bool = Field(
        default=False, description="promote although a gate is not passed; needs a reason"
    )


class ModelSummaryView(Answer):
    id: str = Field(serialization_alias="_id")
    version: str
    state: Shown
    built_in: bool = Field(description="that of MODEL_PATH, or the shipped one")
    architecture: str
    figures: dict[str, float] = Field(description="of its own test part")
    size: int = Field(description="bytes of its files; 0 where they are not in the store")
    created_at: datetime
    created_by: str
    parent: str | None
    dataset: str | None
    job: str | None
    served: bool = Field(description="whether it is, or ever was, in service")
    fault: str | None = Field(
        default=None, description="why the server that answers does not serve it as it should"
    )

    @classmethod
    def from_version(
        cls,
        version: VersionSummary,
        *,
        state: Shown,
        built_in: bool,
        fault: str | None,
        **more: Any,
    ) -> Self:
        shown = {
            **version.model_dump(include=set(cls.model_fields)),
            "state": state,
            "built_in": built_in,
            "figures": version.headline,
            "size": version.size,
            "served": state == "serving" or version.served_at is not None,
            "fault": fault,
        }
        return cls(**{**shown, **more})


def shown_state(version: VersionSummary, *, serving: bool) -> Shown:
    if serving:
        return "serving"
    return "retired" if version.served_at else "candidate"


class TakenBackView(Answer):
    version: str
    pictures: int
    erased: int | None = Field(description="null where its data set is deleted")


class ModelView(ModelSummaryView):
    labels: tuple[str, ...]
    card: dict[str, Any]
    comparison: PairedComparison | None = Field(description="on its own test part")
    reference_comparison: PairedComparison | None = Field(description="on the reference data set")
    on_current_reference: bool = Field(
        description="whether that data set is the reference now, with the same pictures; else the "
        "comparison on it decides nothing"
    )
    gates: tuple[Gate, ...] = Field(description="against the model in service; empty for that one")
    moves: tuple[PointerChange, ...] = Field(description="when it went into service and out of it")
    taken_back: list[TakenBackView] = optional(
        "of this version, and of those from whose weights it began: with how many pictures of "
        "patients of this server it was made, and how many their owners have taken back since; "
        "absent where it was made with none",
        default=[],
    )

    @classmethod
    def in_full(cls, inspected: InspectedVersion, *, fault: str | None) -> Self:
        return cls.from_version(
            inspected.version,
            state=shown_state(inspected.version, serving=inspected.serving),
            built_in=inspected.built_in,
            fault=fault if inspected.serving else None,
            card=inspected.version.read_card().model_dump(mode="json"),
            on_current_reference=inspected.on_current_reference,
            gates=inspected.gates,
            moves=inspected.moves,
            taken_back=[TakenBackView(**asdict(item)) for item in inspected.taken_back],
        )


class ServingModelView(Answer):
    """What is in service after a change. Every server follows within seconds."""

    message: str
    version: str | None
    previous: str | None
