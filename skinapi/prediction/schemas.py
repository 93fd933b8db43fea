"""What the Angular app sends with a photo, and what else may be known about it."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from skinapi.errors import BadRequest
from skinapi.records.schemas import HeatView
from skinapi.reports.report import Report
from skinapi.reports.schemas import FullReport
from skinapi.vision.conditions import Language, conditions_table
from skinapi.vision.context import AgeBand, BodySite, Context, Fitzpatrick, Modality, Sex
from skinapi.vision.finding import Finding
from skinapi.web.schema_types import Answer, ContractForm, Upload

NO_IMAGE = "No image uploaded"
DENIED = "none"


def _number(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _items(sent: Any) -> Any:
    """Several fields, or one with commas; `none` where every item was denied."""
    if not isinstance(sent, list):
        return sent
    items = [item.strip() for text in sent for item in str(text).split(",")]
    return tuple(item for item in items if item and item != DENIED)


def _known(ticked: tuple[str, ...] | None) -> tuple[str, ...] | None:
    known = [item.key for item in conditions_table().checklist.items]
    if not set(ticked or ()) <= set(known):
        raise ValueError(f"the items are {', '.join(known)}, or {DENIED}")
    return ticked


class ContextForm(ContractForm):
    """All of it may be left out."""

    modality: Modality = Modality.UNKNOWN
    age_band: AgeBand | None = None
    sex: Sex | None = None
    body_site: BodySite | None = None
    fitzpatrick: Annotated[Fitzpatrick | None, BeforeValidator(_number)] = None
    checklist: Annotated[
        tuple[str, ...] | None, BeforeValidator(_items), AfterValidator(_known)
    ] = Field(default=None, description="the ticked items of the 7-point checklist, or `none`")

    def context(self) -> Context:
        return Context(
            modality=self.modality,
            age_band=self.age_band,
            sex=self.sex,
            body_site=self.body_site,
            fitzpatrick=self.fitzpatrick,
            checklist=self.checklist,
        )


class PhotoForm(ContextForm):
    missing = NO_IMAGE
    image: Upload | None = None
    file: Upload | None = Field(default=None, description="another name for `image`")
    keep_photo: bool | None = Field(default=None, description="consent to keeping the photo")
    language: Language | None = Field(default=None, description="the account's unless given")

    @property
    def photo(self) -> bytes:
        upload = self.image or self.file
        if upload is None:
            raise BadRequest(NO_IMAGE)
        if not upload.filename:
            raise BadRequest("Empty filename")
        return upload.content


class SampleQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lang: Language = "en"


class SampleView(Answer):
    report: FullReport
    heat: HeatView

    @classmethod
    def of(cls, finding: Finding, report: Report) -> Self:
        return cls(report=FullReport.of(report), heat=HeatView.of(finding))
