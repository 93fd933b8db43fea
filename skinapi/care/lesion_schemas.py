"""What crosses the wire about spots."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from skinapi.care.lesion_records import Place, Side
from skinapi.care.lesion_service import ShownLesion
from skinapi.care.queue_schemas import ListedFinding, listed_fields
from skinapi.domain.field_types import Name
from skinapi.languages import Language
from skinapi.records.finding_schemas import InstructionView
from skinapi.records.submission import CourseEntry
from skinapi.vision.context import BodySite
from skinapi.web.schemas import LARGEST_PAGE, Answer, Body, PageQuery

# The drawing of the body map (`viewBox` in console/static/views/body_map.js) ends here.
X = Annotated[float, Field(ge=8, le=92, allow_inf_nan=False)]
Y = Annotated[float, Field(ge=2, le=186, allow_inf_nan=False)]


class PlaceFields(Body):
    """`side`, `x` and `y` are a point of the console's body map, in the units of its drawing."""

    site: BodySite
    side: Side | None = None
    x: X | None = None
    y: Y | None = None

    @model_validator(mode="after")
    def _refuse_half_a_point(self) -> Self:
        if len({value is None for value in (self.side, self.x, self.y)}) > 1:
            raise ValueError("side, x and y belong together: send all three, or none")
        return self

    def place(self) -> Place:
        return Place.model_validate(self.model_dump())


class NewLesion(Body):
    place: PlaceFields
    name: Name | None = None


class LesionChange(Body):
    """Only what is sent is changed; `name` null removes the name."""

    place: PlaceFields | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _refuse_no_place(self) -> Self:
        if self.place is None and "place" in self.model_fields_set:
            raise ValueError("a spot has a place: send another one, or leave `place` out")
        return self

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, as they are stored."""
        told: dict[str, Any] = {"name": self.name} if "name" in self.model_fields_set else {}
        return {**told, "place": self.place.place().stored()} if self.place else told


class JoinedLesion(Body):
    lesion: str = Field(description="the spot whose findings come here, and which is deleted then")


class ChosenLesion(Body):
    lesion: str | None = Field(description="the spot of the finding; null for none")
    was: str | None = Field(
        default=None,
        description="where the caller saw the finding: a spot, or null for none. If it is "
        "elsewhere by now, nothing is changed. Without `was` the last request counts",
    )

    def may_leave(self, lesion: str | None) -> bool:
        """Whether the caller agrees to take the finding out of this spot."""
        return "was" not in self.model_fields_set or self.was == lesion


class CourseQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    order: Literal["oldest", "newest"] = "oldest"


class LanguageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Language | None = Field(default=None, description="the account's unless given")


class PlaceView(Answer):
    site: BodySite
    side: Side | None
    x: float | None
    y: float | None


class LesionView(Answer):
    id: str
    name: str | None
    place: PlaceView
    created_at: datetime
    findings: int = Field(description="how many")
    latest: ListedFinding | None = Field(description="the newest finding; null without any")
    instruction: InstructionView | None = Field(
        description="what is to be done about the spot, of all that was said of it: "
        "docs/reviews.md; null without findings"
    )
    deleted: bool = Field(
        default=False,
        exclude_if=lambda deleted: not deleted,
        description="its owner has deleted it, and the doctor in charge reads its messages on; "
        "absent where that is not so",
    )

    @classmethod
    def of(cls, shown: ShownLesion, language: Language, *, for_doctor: bool) -> Self:
        lesion, latest, instruction = shown
        return cls(
            instruction=InstructionView.of_spot(instruction, language, for_doctor=for_doctor),
            **lesion.model_dump(include={"id", "name", "created_at", "findings"}),
            place=PlaceView(**lesion.place.model_dump()),
            latest=finding_view(latest, for_doctor=for_doctor) if latest else None,
            deleted=lesion.deleted_at is not None,
        )


def finding_view(submission: CourseEntry, *, for_doctor: bool) -> ListedFinding:
    return ListedFinding(**listed_fields(submission, for_doctor=for_doctor))
