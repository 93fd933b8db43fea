"""The structure of a language's catalogue of sentences and words."""

from collections.abc import Mapping

from skinapi.reports.narrative import Reason
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Frozen
from skinapi.vision.finding.finding import Doubt


class Phrases(Frozen):
    """The template's sentences. The facts fill in the placeholders in braces."""

    likely: str
    likely_but: str
    likely_unknown: str
    likely_unsure: str
    likely_nothing: str
    uncertain: str
    doubts: Mapping[Doubt, str]
    most_probable: str
    named_by_rule: str
    not_excluded: str
    in_case: str
    as_stated: str
    more_urgent: str
    why_urgent: Mapping[RaisedBy, str]
    probability: str
    shifted_probability: str
    from_picture: str
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


class Vocabulary(Frozen):
    """What the LLM may say about a finding, and patterns of typical violations.

    `sentences` are the forms of all sentences that it may add: `[a|b]` stands for `a` or `b`, NAME
    for a condition, N for a number. No sentence of them negates, advises, reassures, promises or
    disowns the report. `terms` are names of several words, matched as a whole. `frames` and
    `violations` are patterns that tell why another sentence was refused: a condition is named
    outside of a frame, or a violation is found.
    """

    sentences: tuple[str, ...]
    terms: tuple[str, ...]
    frames: tuple[str, ...]
    synonyms: Mapping[str, str]
    violations: Mapping[Reason, str]


class Catalogue(Frozen):
    """All sentences and words of one language. The `*_term` fields are the words that tell a reader
    which quantity a number belongs to.
    """

    name: str
    score_term: str
    checklist_term: str
    pixels_term: str
    picture_term: str
    level_term: str
    tested_term: str
    phrases: Phrases
    vocabulary: Vocabulary
