"""An LLM chooses among reviewed sentences: none disowns the report or reassures, their names and
numbers are those of the facts, and whatever it chooses, the template's sentences all stand.
"""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.facts import Facts, sentences_of
from skinapi.findings.reports.narrator import (
    LONGEST_TEXT,
    RemarkChoice,
    free_characters,
    possible_remarks,
    write_remarks,
)
from skinapi.findings.reports.report import MOST_CHARACTERS, NarrativeUnavailable
from skinapi.findings.reports.template import NO_ADDITIONS, write_template
from skinapi.findings.reports.words import SENTENCES, Remark
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import conditions_table
from tests.findings.reports.facts import facts_of, found
from tests.support.size import size

TERMS = ("malignant score", "score de malignité")
chosen = st.lists(st.sampled_from(Remark), max_size=2 * len(Remark)).map(tuple)


# What denies, doubts, belittles, replaces or reassures; and whom or what one would do it with.
FORBIDDEN = {
    "en": r"exampl|other|another|else|instead|place|softw|automat|possib|may\b|might|can\b|could"
    r"|would|should|perhaps|likely|seem|guess|estim|measur|question|test|demo|sampl|trial|draft|joke"
    r"|wrong|error|mistak|fals|fake|invent|made|random|chance|\bno\b|\bnot\b|n't|never|none|nothing"
    r"|without|only|just|mere|simpl|unless|\bif\b|but\b|however|ignor|trust|rel[iy]|doubt|safe"
    r"|harmless|benign|healthy|normal|fine|good|low|small|little|rare|wait|need|doctor|you\b|your"
    r"|disease|cancer|tumou?r|certain|sure|diagnos|confirm|exclud|was\b|were\b|had\b|been\b",
    "fr": r"exempl|autre|ailleurs|plutôt|logici|automat|possib|peut|peuv|pourr|devrai|semble"
    r"|peut-être|estim|mesur|question|essai|test|démo|brouillon|faux|fausse|erreur|tromp|invent"
    r"|fait\b|hasard|\bne\b|\bn'|\bpas\b|jamais|aucun|rien|sans|seul|simple|mais\b|\bsi\b|ignor"
    r"|fiab|confian|doute|bénin|bénign|saine?\b|normal|bon\b|bien\b|faible|petit|peu\b|rare|attend"
    r"|besoin|médecin|vous|votre|maladie|cancer|tumeur|certain|sûr|diagnos|confirm|exclu|était"
    r"|étaient|avait|serai",
}


def chose(
    overview: tuple[Remark, ...], confidence_explanation: tuple[Remark, ...] = ()
) -> RemarkChoice:
    return RemarkChoice(
        overview=overview, confidence_explanation=confidence_explanation, model="a/b"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_list_disowns_or_reassures(language: Language) -> None:
    sentences = SENTENCES[language].remarks
    assert set(sentences) == set(Remark)
    for sentence in sentences.values():
        bare = re.sub("|".join(TERMS), "", re.sub(r"\{.*?\}", "", sentence.casefold()))
        assert not re.search(rf"\b(?:{FORBIDDEN[language]})", bare), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_chosen_the_template_stands_and_the_figures_are_the_facts(
    language: Language,
) -> None:
    @settings(max_examples=size(40, 3000), deadline=None)
    @given(found(), chosen, chosen)
    def holds(facts: Facts, overview: tuple[Remark, ...], later: tuple[Remark, ...]) -> None:
        template = write_template(facts, language)
        try:
            room = free_characters(template)
        except NarrativeUnavailable:
            return
        added = write_remarks(chose(overview, later), facts, language, room=room)
        narrative = write_template(facts, language, added)
        said = [*sentences_of(added.overview), *sentences_of(added.confidence_explanation)]
        assert len(set(said)) == len(said)
        for section, text in template.sections.model_dump().items():
            longer = sentences_of(getattr(narrative.sections, section))
            assert [one for one in longer if one not in said] == [
                one for one in sentences_of(text) if one not in said
            ]
        assert (narrative.findings, narrative.limits) == (template.findings, template.limits)
        assert narrative.next_steps == template.next_steps
        assert sum(map(len, narrative.sections.model_dump().values())) <= MOST_CHARACTERS

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_numbers_are_filled_in_here(language: Language) -> None:
    raised: dict[str, Any] = {"raised_by": (RaisedBy.MELANOMA,), "checklist_score": 4}
    facts = facts_of("melanocytic_nevus", probability=0.6, **raised)
    possible = possible_remarks(facts, language, room=LONGEST_TEXT)
    assert possible.keys() == set(Remark)
    assert {"en": "about 6 in 100", "fr": "environ 6 sur 100"}[language] in " ".join(
        possible[Remark.PROBABILITY].split()
    )
    names = conditions_table().name
    assert names("melanoma", language) in possible[Remark.PROBABILITY]
    assert names("melanocytic_nevus", language) in possible[Remark.HIGHEST_PROBABILITY]


def test_what_the_facts_do_not_have_cannot_be_chosen() -> None:
    facts = facts_of("melanoma").model_copy(update={"malignant_score": None})
    possible = possible_remarks(facts, "en", room=LONGEST_TEXT)
    assert set(Remark) - possible.keys() == {
        Remark.HIGHEST_PROBABILITY,  # it is the stated one
        Remark.SCORE,
        Remark.SCORE_ADDS,
        Remark.CHECKLIST,
    }
    assert write_remarks(chose((Remark.SCORE,)), facts, "en", room=300) == NO_ADDITIONS
