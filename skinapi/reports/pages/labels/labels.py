"""The structure of a language's labels."""

from collections.abc import Mapping

from skinapi.records.reviews.letters import Reader
from skinapi.records.reviews.opinions import Agreement
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.conditions import Frozen
from skinapi.vision.context import AgeBand, BodySite, Modality, Sex, SkinTone


class Labels(Frozen):
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
    recognised: str

    stated: str
    for_doctor: str
    for_doctor_uncertain: str
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
    findings: str
    limits: str
    next_steps: str
    written_by_template: str
    written_by_llm: str

    score: str
    points: str
    ticked: str
    denied: str

    decided: str
    model_said: str
    review: str
    no_review: str
    agreement: str
    review_label: str
    urgency_asked: str
    urgency_agreed: str
    histology: str
    not_taken: str
    note: str
    letters: Mapping[Reader, str]
    signed: str
    superseded_letter: str
    spot_advice: str
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
    newest: str
    superseded: str
    newer_report: str
    later_decision: str
    later_letter: str
    letter_withdrawn_since: str
    model_withdrawn_since: str
    model_withdrawn: str
    ask_for_newest: str
    compare: str
    pages_of_pdf: str
    code: str

    modalities: Mapping[Modality, str]
    sexes: Mapping[Sex, str]
    skin_tones: Mapping[SkinTone, str]
    ages: Mapping[AgeBand, str]
    sites: Mapping[BodySite, str]
    agreements: Mapping[Agreement, str]
