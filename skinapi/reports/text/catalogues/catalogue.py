"""The structure of a language's catalogue of sentences."""

from collections.abc import Mapping
from enum import StrEnum

from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Frozen
from skinapi.vision.finding.finding import Doubt


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


class Catalogue(Frozen):
    """The template's sentences, and those that an LLM may choose (`remarks`). The facts fill in the
    placeholders in braces.
    """

    uncertain: str
    doubts: Mapping[Doubt, str]
    in_case: str
    as_stated: str
    more_urgent: str
    why_urgent: Mapping[RaisedBy, str]
    why_cancer: str
    why_cancer_restated: str
    estimated: str
    from_picture: str
    with_what_was_told: str
    chance_alone: str
    chance_of_cancer: str
    malignant_score: str
    stated_confidence: str
    ranked: str
    not_ruled_out: str
    too_few_pictures: str
    both: str
    fits_no_class: str
    band: str
    quality: str
    checklist_score: str
    checklist_unanswered: str
    remarks: Mapping[Remark, str]
