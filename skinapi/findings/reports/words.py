"""The structure of a language's words for reports: the labels of their pages, and the sentences
about a finding. They stand in `skinapi/base/words_en/reports.py`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.decisions import say_day
from skinapi.findings.records.letters import Addressee
from skinapi.findings.records.reviews import Agreement
from skinapi.model.bands import OperatingPoint, RaisedBy
from skinapi.model.context import (
    TWO_SIDED,
    AgeBand,
    BodySide,
    BodySite,
    Laterality,
    Modality,
    Sex,
    SkinTone,
)
from skinapi.model.finding import Doubt

# Why something else counts about a spot than a report says: a newer photo asks for it, a doctor has
# decided about another photo, or a finding of the spot is gone.
SpotChangedBy = Literal["photo", "decision", "other"]


class Labels(Frozen):
    """`moment` is a day with the time."""

    title: str
    page: str
    patient: str
    email: str
    submission: str
    number: str
    made: str
    issued: str
    not_filed: str
    not_printed: str
    basis: str
    as_stated: str
    age: str
    sex: str
    site: str
    skin_tone: str
    skin_type: str
    modality: str
    kind_sent: str
    kind_unclear: str

    stated: str
    for_doctor: str
    for_doctor_uncertain: str
    for_doctor_unjudged: str
    malignant_score: str
    checklist_score: str
    not_asked: str

    pictures: str
    picture: str
    parts: str
    photo: str
    photo_text: str
    overlay: str
    overlay_text: str
    scale: str
    less: str
    more: str
    no_photo: str
    photo_damaged: str
    photo_removed: str

    probabilities: str
    condition: str
    probability: str
    stated_share: str
    from_picture: str
    counted: str

    explanation: str
    overview: str
    importance: str
    recommendation: str
    confidence: str
    confidence_of_model: str
    findings_of_model: str
    findings: str
    limits: str
    next_steps: str
    written_by_template: str
    written_by_llm: str

    score: str
    points: str
    points_alone: str
    ticked: str
    denied: str

    decided: str
    asked: str
    model_said: str
    model_unjudged: str
    unjudged: str
    says_nothing: str
    review: str
    no_review: str
    agreement: str
    review_label: str
    urgency_asked: str
    urgency_agreed: str
    histology: str
    not_taken: str
    note: str
    review_replaced: str
    letters: Mapping[Addressee, str]
    signed: str
    superseded_letter: Mapping[str, str]
    superseded_at_once: Mapping[str, str]
    decision_replaced: str
    model_said_elsewhere: str
    withdrawn_letter: str

    quality: str
    size: str
    pixels: str
    brightness: str
    sharpness: str
    at_least: str
    model: str
    operating_point: str
    operating_points: Mapping[OperatingPoint, str]

    verification: str
    scan: str
    address: str
    how_to_verify: str
    valid: str
    outdated: str
    unknown: str
    in_error: str
    newest: str
    superseded: str
    newer_report: str
    later_decision: str
    later_letter: str
    letter_withdrawn_since: str
    model_withdrawn_since: str
    spot_changed: Mapping[SpotChangedBy, str]
    model_withdrawn: str
    ask_for_newest: str
    compare: str
    pages_of_pdf: str
    code: str

    moment: str

    modalities: Mapping[Modality, str]
    sexes: Mapping[Sex, str]
    skin_tones: Mapping[SkinTone, str]
    ages: Mapping[AgeBand, str]
    sites: Mapping[BodySite, str]
    lateralities: Mapping[Laterality, str]
    body_sides: Mapping[BodySide, str]
    agreements: Mapping[Agreement, str]

    def say_place(
        self, site: BodySite, laterality: Laterality | None, side: BodySide | None
    ) -> str:
        """As exactly as it is known: "left leg (back)"."""
        place = self.sites[site]
        if side and site in TWO_SIDED:
            place = self.body_sides[side].format(place)
        return self.lateralities[laterality].format(place) if laterality else place


class Remark(StrEnum):
    """A sentence on the calculation, which an LLM may add to the template's, by this id. They are
    written in this order. None of them negates, advises, reassures, promises or disowns the report.
    """

    COMPARED = "compared"
    CALCULATED = "calculated"
    PROBABILITY = "probability"
    HIGHEST_PROBABILITY = "highest_probability"
    FROM_MODEL = "from_model"
    WEIGHS = "weighs"
    COMPARES = "compares"
    PARTS_OF_SUM = "parts_of_sum"
    IN_ORDER = "in_order"
    SCORE_ADDS = "score_adds"
    SCORE = "score"
    CHECKLIST = "checklist"


class Sentences(Frozen):
    """The template's sentences, and those that an LLM may choose (`remarks`). The facts fill in the
    placeholders in braces.
    """

    uncertain: str
    doubts: Mapping[Doubt, str]
    in_case: str
    as_stated: str
    more_urgent: str
    near_limit: str
    both: str
    why_urgent: Mapping[RaisedBy, str]
    why_open: str
    any_cancer: str
    how_probable: str
    estimated: str
    from_picture: str
    with_what_was_told: str
    chance_alone: str
    chance_of_cancer: str
    malignant_score: str
    stated_confidence: str
    band: str
    quality: str
    checklist_score: str
    checklist_unanswered: str
    remarks: Mapping[Remark, str]


LABELS: Mapping[Language, Labels] = load_words("reports.LABELS", Labels)
SENTENCES: Mapping[Language, Sentences] = load_words("reports.SENTENCES", Sentences)


def say_moment(moment: datetime, language: Language) -> str:
    """The day and the time, with its zone: 26 November 2026, 14:05 UTC."""
    time = f"{moment.astimezone(UTC):%H:%M}"
    return LABELS[language].moment.format(day=say_day(moment, language), time=time)
