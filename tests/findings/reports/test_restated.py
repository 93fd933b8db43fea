"""Texts on a finding whose probabilities are restated: no figure of the model's own beside them."""

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.facts import Facts, sentences_of
from skinapi.findings.reports.narrator import possible_remarks, sent_facts
from skinapi.findings.reports.template import write_template
from skinapi.model.bands import RaisedBy
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import say_restated
from skinapi.model.headline import say_share
from tests.findings.reports.facts import texts_of
from tests.support.findings import restated_finding

OWN = 0.55
FACTS = Facts.of(restated_finding(own=OWN), NOTHING_TOLD)


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_remarks_and_prompt_have_the_shown_figures_alone(language: Language) -> None:
    def share(value: float) -> str:
        return say_share(value, malignant=True).in_language(language)

    written = " ".join(texts_of(write_template(FACTS, language)))
    remarks = " ".join(possible_remarks(FACTS, language, room=300).values())
    sent = str(sent_facts(FACTS, language))
    for text in (written, sent):
        assert share(FACTS.shown_confidence) in text
    for text in (written, remarks, sent):
        assert share(OWN) not in text
        assert share(FACTS.malignant_score or 0) not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", [RaisedBy.MALIGNANT, RaisedBy.MELANOMA, RaisedBy.MOST_PROBABLE])
def test_a_reason_of_the_band_has_no_restated_figure(rule: RaisedBy, language: Language) -> None:
    """The band follows the model's own: "the reason: a skin cancer (less than 1 in 100)" made the
    advice read as an error.
    """
    sentences = write_template(FACTS.model_copy(update={"raised_by": (rule,)}), language)
    said = {"en": "the reason:", "fr": "la raison"}[language]
    reasons = [one for text in texts_of(sentences) for one in sentences_of(text) if said in one]
    assert reasons
    for sentence in reasons:
        assert not any(character.isdigit() for character in sentence.partition(said)[2])


def test_facts_without_a_mix_are_those_of_before() -> None:
    """So the reports on stored findings keep their hashes."""
    plain = restated_finding(own=OWN).model_copy(update={"restated": None, "calibrated_on": None})
    told = Facts.of(plain, NOTHING_TOLD).model_dump()
    assert not {"restated", "mixes"} & told.keys()


@pytest.mark.parametrize(
    ("prevalence", "said"),
    [
        (0.02, "of 100 such spots, 2 turned"),
        (0.01, "of 100 such spots, 1 turned"),
        (0.015, "of 1000 such spots, 15 turned"),
        (0.0000001, "of 10000 such spots, 1 turned"),
    ],
)
def test_a_patient_reads_for_which_mix_in_whole_numbers(prevalence: float, said: str) -> None:
    assert said in say_restated(prevalence).en
