import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from typing import Any

from pypdf import PdfReader

from skinapi.base.languages import Language
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.reports.explanation import WordedSentence
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import (
    MOST_CHARACTERS,
    Narrative,
    Pictures,
    Report,
    ReportedPatient,
    SealView,
    Sections,
    print_pictures,
)
from skinapi.findings.reports.template import write_template
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.findings.status.spot import Certainty, Sample, Spot, add, sign
from skinapi.findings.status.spot_view import Instruction, SpotView
from skinapi.model.bands import OperatingPoint, RaisedBy
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Context, Modality
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt, Finding
from tests.model.photos import encoded, skin_with_spot
from tests.support.findings import finding_of, told_finding
from tests.support.reviews import review_of

HASH = "3f" * 32
SEAL = SealView(
    hash=HASH,
    url=f"https://skin.clinic.example/reports/verify/{HASH}",
    issued_at=datetime(2026, 11, 20, 14, 6, tzinfo=UTC),
)
REVIEW = Review(
    id="0" * 32,
    created_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
    lesion="1" * 32,
    submission="1" * 32,
    doctor="2" * 32,
    signature="Dr Ελένη Παπαδοπούλου",
    opinion=Opinion(
        urgency=Band.URGENT_REFERRAL,
        label="melanocytic_nevus",
        certainty=Certainty.SURE,
        sample=Sample.WAITING,
    ),
    note="Excision planned.\nPatient told by telephone.",
)


def viewed(review: Review, band: Band) -> SpotView:
    made_at = review.created_at - timedelta(days=1)
    spot = add(Spot(review.lesion), review.submission, 1234, band, at=made_at)
    signed = sign(spot, review.for_spot(review.lesion), at=review.created_at)
    return SpotView(signed, {}, {review.id: review}, "ada")


def reviewed(report: Report, *, finding: Finding | None = None, **said: Any) -> Report:
    found = finding or finding_of()
    opinion = NewReview(**review_of(said, spot_version=1)).opinion
    review = REVIEW.model_copy(update={"opinion": opinion})
    view = viewed(review, found.band)
    return replace(report, review=review, decision=view.decision, instruction=view.instruction)


def instructed(report: Report, advice: Instruction) -> Report:
    decision = report.decision and replace(report.decision, instructs=False, due=None)
    return replace(report, instruction=advice, decision=decision)


# Every rule that can ask for one band beside the others, every doubt, every number.
LONGEST_FINDING: dict[str, Any] = {
    **{
        name: getattr(told_finding(), name)
        for name in ("modality", "tested", "from_picture", "not_ruled_out")
    },
    "reasons": tuple(Doubt),
    "raised_by": (RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE, RaisedBy.NAMED, RaisedBy.CHECKLIST),
    "checklist_score": 10,
    "model_version": "m" * 30,
    "operating_point": OperatingPoint.SELECTIVE,
}
HEAT = tuple(tuple(max(0.0, 9.0 - (x - 3) ** 2 - (y - 3) ** 2) for x in range(7)) for y in range(7))


@cache
def printed_pictures() -> Pictures:
    return print_pictures(read_photo(encoded(skin_with_spot((600, 450), grain=8))), HEAT, 1)


def made_report(
    language: Language = "en",
    *,
    condition: str = "melanoma",
    photo: bool = True,
    finding: dict[str, Any] | None = None,
    **fields: Any,
) -> Report:
    found = finding_of(condition, **{"heat": HEAT, "checklist_score": 3, **(finding or {})})
    context = Context(
        modality=Modality.CLINICAL,
        age_band="60-74",
        sex="female",
        body_site="lower_extremity",
        fitzpatrick=2,
        checklist=("change_in_size", "oozing"),
    )
    values: dict[str, Any] = {
        "facts": Facts.from_finding(found, context),
        "narrative": narrative_in(language),
        "clinic": "Clinique du Lac, Genève",
        "number": 1234,
        "patient": ReportedPatient(name="Ada Example", email="ada@example.org"),
        "made_at": datetime(2026, 11, 20, 14, 5, tzinfo=UTC),
        "pictures": printed_pictures() if photo else None,
        "review": REVIEW,
        "seal": SEAL,
        **fields,
    }
    if values["review"]:
        view = viewed(values["review"], found.band)
        values = {"decision": view.decision, "instruction": view.instruction, **values}
    return Report(**values)


def on_facts(report: Report, facts: Facts) -> Report:
    return replace(report, facts=facts, narrative=write_template(facts, report.language))


def narrative_in(language: Language, text: str = "Words that explain.") -> Narrative:
    return Narrative(
        language=language,
        sections=Sections(**dict.fromkeys(Sections.model_fields, "Words of a section.")),
        explanation=((WordedSentence(text=text, passages=("melanoma.what",)),),),
        findings=("The first thing found.", "The second thing found."),
        limits=("A limit.",),
        next_steps=("The next step.",),
    )


def longest_report(language: Language) -> Report:
    sentence = "Wörter, die den Rand suchen und ihn finden. "
    section = (sentence * 20)[: MOST_CHARACTERS // 4]
    name = ("Maria Wilhelmina " * 20)[:200]
    lists = tuple(f"{n} {sentence * 4}" for n in range(5))
    narrative = Narrative(
        language=language,
        sections=Sections(**dict.fromkeys(Sections.model_fields, section)),
        explanation=((WordedSentence(text=section, passages=("melanoma.what",)),) * 4,),
        findings=lists,
        limits=lists[:1],
        next_steps=lists[:1],
    )
    long = REVIEW.model_copy(update={"note": (sentence * 30)[:999], "signature": name})
    report = made_report(
        language,
        finding=LONGEST_FINDING,
        narrative=narrative,
        clinic=name,
        patient=ReportedPatient(name=name, email=f"{'w' * 60}@{'example.' * 20}org"),
        review=long,
    )
    ticked = tuple(item.key for item in conditions_table().checklist.items)
    context = report.facts.context.model_copy(update={"checklist": ticked})
    facts = report.facts.model_copy(update={"context": context, "checklist_score": 10})
    return replace(report, facts=facts)


def one_line(text: str) -> str:
    """Replace each run of any kind of space by one space."""
    return " ".join(text.split())


def plain_text(page: str) -> str:
    return unescape(re.sub("<[^>]*>", " ", page.partition("<main>")[2]))


def in_order(text: str, *said: str) -> bool:
    places = [text.find(item) for item in said]
    return -1 not in places and places == sorted(places)


def text_of(pdf: bytes) -> str:
    return one_line(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))
