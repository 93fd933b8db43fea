"""What an LLM may add is a closed list, and no sentence of it disowns the report or reassures."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.languages import LANGUAGES, NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.reports.text.added_sentences import (
    admitted_sentences,
    admitted_words,
    is_admitted,
)
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.checker import contradictions
from skinapi.reports.text.sentences import spellings
from skinapi.reports.text.template import AddedText, write_template
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import conditions_table
from tests.reports.facts import facts_of
from tests.support.size import size

MELANOMA = facts_of("melanoma", raised_by=(RaisedBy.MELANOMA,), checklist_score=4)
many = settings(max_examples=size(100, 5000), deadline=None)

LONGEST = (
    "It may be that the picture and the result have been put together automatically from other "
    "examples."
)
DISOWNED = {
    "en": (
        "This report is an example.",
        "This report is an example, and its figures are examples.",
        "The picture is of another example.",
        "These results were made from other pictures.",
        "The result stated here is of another picture.",
        "This text was made by software as an example, and its figures are examples.",
        "The finding may have been made from a picture that was not used.",
        LONGEST,
        "Each number here is an example of a number.",
        "The condition named is a possible answer to a question as to other pictures.",
        "The other possibilities are possible.",
        "The conditions listed are of other pictures, and the figures are examples.",
        "The model gives each condition a share that is an estimate.",
        "The picture was put in place of some other picture.",
        "The report may be on an other picture.",
    ),
    "fr": (
        "Ce rapport est un exemple.",
        "Ce rapport est un exemple, et ses chiffres sont des exemples.",
        "L'image est celle d'un autre exemple.",
        "Ces résultats ont été calculés sur d'autres images.",
        "Le résultat indiqué ici est celui d'une autre image.",
        "Ce texte est mis ici par un logiciel comme exemple, et ses chiffres sont des exemples.",
        "Le résultat peut être celui d'une image utilisée comme exemple.",
        "L'image et le résultat peuvent être ceux d'autres exemples, placés ici par automatique.",
        "Chaque nombre est ici un exemple de nombre.",
        "La catégorie nommée est une réponse possible à une question sur d'autres images.",
        "Les autres possibilités sont possibles.",
        "Les affections classées sont celles d'autres images, et les chiffres sont des exemples.",
        "Le modèle donne une part qui est une estimation.",
        "Le rapport pourrait être celui d'une autre image.",
    ),
}

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


def added(text: str, language: Language) -> tuple[object, ...]:
    for place in ("overview", "confidence_explanation"):
        told = write_template(MELANOMA, language, AddedText(**{place: text}))
        if found := contradictions(told, MELANOMA):
            return found
    return ()


def filled(sentence: str, language: Language, facts: Facts = MELANOMA) -> str:
    """With a name and the number that belongs to it, or to the term that is named."""
    catalogue, stated = CATALOGUES[language], conditions_table().by_key(facts.stated)
    number = NUMBERS[language].write_share(facts.confidence)
    if catalogue.score_term in sentence:
        number = NUMBERS[language].write_share(facts.malignant_score or 0)
    if catalogue.checklist_term in sentence:
        number = str(facts.checklist_score)
    named = sentence.replace("NAME", getattr(stated.names, language))
    return re.sub(r"\bN\b", number, named)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", range(max(map(len, DISOWNED.values()))))
def test_no_sentence_that_disowns_the_report_is_admitted(language: Language, number: int) -> None:
    for sentence in DISOWNED[language][number : number + 1]:
        assert added(sentence, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_list_is_admitted_and_harmless(language: Language) -> None:
    sentences = admitted_sentences(language)
    assert len(set(sentences)) == len(sentences) < 200
    for sentence in sentences:
        assert added(filled(sentence, language), language) == (), sentence
        bare = sentence.casefold()
        for term in CATALOGUES[language].vocabulary.terms:
            bare = bare.replace(term, "")
        assert not re.search(rf"\b(?:{FORBIDDEN[language]})", bare), sentence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spelling", sorted(spellings()))
def test_only_the_tables_own_name_has_a_share(spelling: str, language: Language) -> None:
    """Solar keratosis was given the probability of all that its category stands for."""
    says = {
        "en": f"The model gives {spelling} a probability of 1.00%.",
        "fr": f"Le modèle donne à {spelling} une probabilité de 1,00 %.",
    }
    names = {getattr(each.names, language).casefold() for each in conditions_table().conditions}
    assert is_admitted(says[language], language) == (spelling in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_patterns_know_a_sentence_that_disowns(language: Language) -> None:
    for sentence in DISOWNED[language]:
        assert re.search(rf"\b(?:{FORBIDDEN[language]})", sentence.casefold()), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_the_words_of_the_list_no_sentence_can_be_made_that_is_not_on_it(
    language: Language,
) -> None:
    words = [*sorted(admitted_words(language)), "melanoma", "mélanome", "90.00%", ",", ";"]
    listed = {filled(sentence, language).casefold() for sentence in admitted_sentences(language)}

    @many
    @given(st.lists(st.sampled_from(words), min_size=1, max_size=14))
    def holds(chosen: list[str]) -> None:
        sentence = " ".join(chosen).capitalize() + "."
        assert added(sentence, language) or sentence.casefold() in listed

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_more_less_or_in_place_of_another_is_refused(language: Language) -> None:
    whole = sorted(admitted_sentences(language))
    words = [*sorted(admitted_words(language)), "not", "other", "example", "pas", "autre"]

    @many
    @given(st.sampled_from(whole), st.sampled_from(words), st.integers(0, 20), st.booleans())
    def holds(sentence: str, word: str, place: int, replacing: bool) -> None:
        parts = filled(sentence, language)[:-1].split(" ")
        place %= len(parts)
        parts[place : place + replacing] = [word]
        changed = " ".join(parts) + "."
        assert added(changed, language) or is_admitted(changed, language)
        assert added(changed, language) or word not in ("not", "other", "example", "pas", "autre")

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_sentences_in_one_are_refused(language: Language) -> None:
    first, second = (filled(one, language)[:-1] for one in admitted_sentences(language)[-2:])
    for between in (", ", "; ", " ", ": ", " - ", " and ", " et "):
        assert added(f"{first}{between}{second}.", language)
    assert added(f"{first}. {second}.", language) == ()


def test_a_placeholder_is_no_word() -> None:
    assert added("The probability of NAME is N.", "en")
