"""What a language brings."""

from collections.abc import Mapping

from skinapi.reports.narrative import Reason
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Frozen
from skinapi.vision.finding import Doubt


class Phrases(Frozen):
    """The template's sentences. In braces stands what the facts fill in."""

    uncertain: str
    doubts: Mapping[Doubt, str]
    most_probable: str
    named_by_rule: str
    not_excluded: str
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
    fits_no_class: str
    band: str
    quality: str
    checklist_score: str
    checklist_unanswered: str


class Speech(Frozen):
    """What the LLM may say of a finding, and what its trespasses look like.

    `words` holds no negation, no reassurance, no advice, no certainty, no amount and no disease:
    whatever is said with these alone can be dull, but cannot send anybody home. `terms` are names
    of more than a word, taken as a whole. A condition is named in a frame only (`NAME` stands for
    it). `trespasses` tell, by their look, why other words were refused.
    """

    words: frozenset[str]
    terms: tuple[str, ...]
    frames: tuple[str, ...]
    synonyms: Mapping[str, str]
    trespasses: Mapping[Reason, str]


class Catalogue(Frozen):
    """The terms are the words by which a reader knows whose number follows."""

    name: str
    decimal_mark: str
    percent: str
    score_term: str
    checklist_term: str
    pixels_term: str
    picture_term: str
    level_term: str
    tested_term: str
    phrases: Phrases
    speech: Speech

    def level(self, level: str) -> str:
        """A level of a prediction set, as a percentage without decimals."""
        return self.percent.format(f"{100 * float(level):.0f}")

    def share(self, value: float) -> str:
        return self.percent.format(f"{100 * value:.2f}".replace(".", self.decimal_mark))
