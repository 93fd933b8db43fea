"""What crosses the wire about model versions."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from skinapi.base.field_types import Contained, Printable, PrintableLines
from skinapi.base.stored_record import optional
from skinapi.model.registry.card_figures import list_compared_figures
from skinapi.model.registry.gates import Gate, PairedComparison
from skinapi.model.registry.serving_pointer import PointerChange
from skinapi.model.registry.stored_version import Change, ModelVersion, VersionSummary
from skinapi.model.registry.version_service import InspectedVersion
from skinapi.platform.web.schemas import Answer, Body, PageQuery

Shown = Literal["candidate", "serving", "retired"]
VersionName = Annotated[str, StringConstraints(min_length=1, max_length=200), Printable, Contained]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1000), PrintableLines, Contained
]


class ModelsQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class CompareQuery(Body):
    first: VersionName
    second: VersionName


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
    """The state as people see it: what is stored, unless the pointer names the version."""
    if serving:
        return "serving"
    return "candidate" if version.state == "candidate" else "retired"


class TakenBackView(Answer):
    version: str
    pictures: int
    erased: int | None = Field(description="null where its data set is deleted")


class ModelView(ModelSummaryView):
    labels: tuple[str, ...]
    card: dict[str, Any]
    measured: dict[str, Any] = Field(description="figures of further test parts")
    comparison: PairedComparison | None = Field(description="on its own test part")
    reference_comparison: PairedComparison | None = Field(description="on the reference data set")
    on_current_reference: bool = Field(
        description="whether that data set is the reference now, with the same pictures; else the "
        "comparison on it decides nothing"
    )
    gates: tuple[Gate, ...] = Field(description="against the model in service; empty for that one")
    changes: tuple[Change, ...] = Field(description="of its state, the oldest first")
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
            measured={},
            on_current_reference=inspected.on_current_reference,
            gates=inspected.gates,
            moves=inspected.moves,
            taken_back=[TakenBackView(**asdict(item)) for item in inspected.taken_back],
        )


class ComparedFigure(Answer):
    part: str = Field(description="the test part; `test` is each model's own")
    name: str
    first: float | None
    second: float | None
    difference: float | None = Field(description="second minus first")
    first_interval: list[float] | None = Field(description="95 %, from and to")
    second_interval: list[float] | None


class Comparison(Answer):
    first: str
    second: str
    same_test_part: bool = Field(description="whether both own test parts have the same pictures")
    figures: list[ComparedFigure]
    gates: tuple[Gate, ...] = Field(description="of the second against the first")
    paired: PairedComparison | None = Field(
        description="the comparison on the same pictures, where the second has one with the first"
    )
    paired_on_reference: PairedComparison | None = Field(
        description="the same, on the reference data set"
    )

    @classmethod
    def between(cls, first: ModelVersion, second: ModelVersion, gates: tuple[Gate, ...]) -> Self:
        same = first.test_part is not None and first.test_part == second.test_part
        return cls(
            first=first.version,
            second=second.version,
            same_test_part=same,
            figures=_side_by_side(first, second),
            gates=gates,
            paired=_with(first, second.comparison),
            paired_on_reference=_with(first, second.reference_comparison),
        )


def _with(first: ModelVersion, comparison: PairedComparison | None) -> PairedComparison | None:
    return comparison if comparison and comparison.first_version == first.version else None


def _side_by_side(first: ModelVersion, second: ModelVersion) -> list[ComparedFigure]:
    left = dict(list_compared_figures(first.test_figures()))
    right = dict(list_compared_figures(second.test_figures()))
    rows = []
    for name in dict.fromkeys((*left, *right)):
        item, one_interval = left.get(name, (None, None))
        other, other_interval = right.get(name, (None, None))
        rows.append(
            ComparedFigure(
                part="test",
                name=name,
                first=item,
                second=other,
                difference=None if item is None or other is None else other - item,
                first_interval=list(one_interval) if one_interval else None,
                second_interval=list(other_interval) if other_interval else None,
            )
        )
    return rows


class ServingModelView(Answer):
    """What is in service after a change. Every server follows within seconds."""

    message: str
    version: str | None
    previous: str | None
