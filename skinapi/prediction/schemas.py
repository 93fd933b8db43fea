"""The form of /predict: the fields that the Angular app sends, and further facts about a photo."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from skinapi.errors import BadRequest
from skinapi.languages import Language
from skinapi.records.finding_schemas import HeatView
from skinapi.reports.report import Report
from skinapi.reports.schemas import FullReport
from skinapi.vision.calibration.joining import MOST_PICTURES
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import (
    AgeBand,
    BodySite,
    Context,
    Fitzpatrick,
    Modality,
    Sex,
    SkinAnswer,
    SkinTone,
)
from skinapi.vision.finding.finding import Finding
from skinapi.web.schemas.schema_types import Answer, ContractForm, Upload

NO_IMAGE = "No image uploaded"
# The value of `checklist` where the patient was asked and denied every item; leaving the field out
# means that the patient was not asked.
ALL_DENIED = "none"


def _to_number(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _split_items(sent: Any) -> Any:
    """The items of a list that was sent as several fields or as one field with commas.

    `none` becomes an empty tuple. Commas alone become None: they answer nothing.
    """
    if not isinstance(sent, list):
        return sent
    items = [item.strip() for text in sent for item in str(text).split(",")]
    told = [item for item in items if item]
    return tuple(item for item in told if item != ALL_DENIED) if told else None


def _known_items(ticked: tuple[str, ...] | None) -> tuple[str, ...] | None:
    known = [item.key for item in conditions_table().checklist.items]
    if not set(ticked or ()) <= set(known):
        raise ValueError(f"the items are {', '.join(known)}, or {ALL_DENIED}")
    return ticked


class ContextForm(ContractForm):
    modality: Modality = Modality.UNKNOWN
    age_band: AgeBand | None = None
    sex: Sex | None = None
    body_site: BodySite | None = None
    fitzpatrick: Annotated[Fitzpatrick | None, BeforeValidator(_to_number)] = None
    skin_tone: SkinTone | None = None
    checklist: Annotated[
        tuple[str, ...] | None, BeforeValidator(_split_items), AfterValidator(_known_items)
    ] = Field(default=None, description="the ticked items of the 7-point checklist, or `none`")

    def context(self) -> Context:
        return Context.model_validate(self.model_dump(include=set(Context.model_fields)))


class PhotoForm(ContextForm):
    missing = NO_IMAGE
    image: tuple[Upload, ...] = Field(
        default=(),
        max_length=MOST_PICTURES,
        description="the photo; or up to four of one spot, as fields of this name, which get one "
        "finding",
    )
    file: Upload | None = Field(default=None, description="another name for `image`")
    same_spot: bool = Field(
        default=False, description="several photos show one spot, as a person has confirmed"
    )
    skin: SkinAnswer | None = Field(
        default=None,
        description="`ask`: this sender can be asked whether a photo that does not look like skin "
        "shows the spot; `confirmed`: a person says that it does, so it is judged",
    )
    keep_photo: bool | None = Field(default=None, description="consent to keeping the photo")
    language: Language | None = Field(default=None, description="the account's unless given")
    lesion: str | None = Field(default=None, description="the spot that the photo shows")

    def context(self) -> Context:
        confirmed = self.skin is SkinAnswer.CONFIRMED
        return super().context().model_copy(update={"skin_confirmed": confirmed})

    @property
    def photos(self) -> tuple[bytes, ...]:
        """The bytes of each photo. Raises BadRequest where no file was chosen."""
        uploads = self.image or tuple(filter(None, [self.file]))
        if not uploads:
            raise BadRequest(NO_IMAGE)
        # A browser sends a file without a name where nothing was chosen.
        if not all(upload.filename for upload in uploads):
            raise BadRequest("Empty filename")
        return tuple(upload.content for upload in uploads)


class SampleQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Language = "en"


class SampleView(Answer):
    report: FullReport
    heat: HeatView

    @classmethod
    def of(cls, finding: Finding, report: Report) -> Self:
        return cls(report=FullReport.of(report), heat=HeatView.of(finding))
