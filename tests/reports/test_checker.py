"""The checker finds nothing in the template's words, and every error that is planted."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.languages import LANGUAGES, Language
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative, Reason
from skinapi.reports.text.checker import contradictions
from skinapi.reports.text.template import AddedText, write_template
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import NOTHING_TOLD
from skinapi.vision.finding.finding import Doubt
from tests.reports.facts import any_facts, facts_of, found
from tests.support.findings import told_finding
from tests.support.size import size

TABLE = conditions_table()
many = settings(max_examples=size(100, 3000), deadline=None)
NEVUS = facts_of(
    "melanocytic_nevus",
    probability=0.6,
    raised_by=(RaisedBy.MELANOMA, RaisedBy.CHECKLIST),
    checklist_score=4,
)
PLACES = ("overview", "confidence_explanation")
CLOSED = ("importance_of_early_detection", "recommendation", "findings", "limits", "next_steps")


def told(added: str, language: Language, facts: Facts = NEVUS, place: str = PLACES[0]) -> Narrative:
    """The template's words with a sentence more."""
    return write_template(facts, language, AddedText(**{place: added}))


def edited(narrative: Narrative, part: str, old: str, new: str) -> Narrative:
    """With other words in one part."""
    whole = narrative.model_dump()
    texts = whole["sections"] if part in whole["sections"] else whole
    before = str(texts[part])
    kept = texts[part]
    texts[part] = (
        kept.replace(old, new) if isinstance(kept, str) else [t.replace(old, new) for t in kept]
    )
    assert str(texts[part]) != before, f"{old} does not stand in {part}"
    return Narrative.model_validate(whole)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_never_contradicts_its_facts(language: Language) -> None:
    @many
    @given(any_facts)
    def holds(facts: Facts) -> None:
        assert contradictions(write_template(facts, language), facts) == ()

    holds()


ADMITTED = {
    "en": (
        "The model compared the picture with the pictures it learned from.",
        "The model gives melanoma a probability of 5.71%.",
        "The probability of melanoma is 5.71%.",
        "The malignant score is a sum, here 17.14%.",
        "Melanocytic nevus (mole) has a probability of 60.00%.",
        "The 7-point checklist has 4 points.",
        "A probability describes a calculation; it is a part of the result.",
    ),
    "fr": (
        "Le modèle a comparé l'image avec les images dont il a appris.",
        "Le modèle donne au mélanome une probabilité de 5,71 %.",
        "La probabilité de mélanome est de 5,71 %.",
        "Le score de malignité est une somme, ici 17,14 %.",
        "La liste en 7 points compte 4 points.",
        "Chaque probabilité décrite ici suit un calcul et est une partie du résultat.",
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_words_on_the_calculation_are_admitted(language: Language, place: str) -> None:
    for sentence in ADMITTED[language]:
        assert contradictions(told(sentence, language, place=place), NEVUS) == (), sentence


PLANTED: dict[str, dict[Reason, tuple[str, ...]]] = {
    "en": {
        Reason.CONDITION: (
            "The model gives dermatofibroma a probability of 5.71%.",
            "The probability of basal cell carcinoma is 5.71%.",
            "The model gives squamous cell carcinoma a share.",
            "The model gives a seborrhoeic keratosis a share.",
            "The result may be eczema or psoriasis.",
            "The picture may be rosacea, a lipoma or dermatitis.",
            "The probability of bcc is 5.71%.",
        ),
        Reason.NUMBER: (
            "The model gives melanoma a probability of 60.00%.",
            "The model gives melanoma a probability of 5.72%.",
            "The model gives melanoma a probability of 5%.",
            "The probability of melanoma is 5.71% or 60.00%.",
            "The probability of melanoma is -5.71%.",
            "The malignant score is 5.71%.",
            "The 7-point checklist has 3 points.",
            "The model learned from 10000 pictures.",
            "The model is trained with 99.9% of the pictures.",
            "The malignant score is the probability of melanoma.",
            "The probability of melanoma and the share of melanocytic nevus are 5.71%.",
        ),
        Reason.URGENCY: (
            "There is no need to see a doctor.",
            "A routine visit is enough.",
            "See a doctor in the coming months.",
            "You can wait and see how it changes.",
            "This spot is harmless.",
            "It is fine to monitor this at home.",
            "Nothing urgent follows from this.",
            "The referral can be cancelled.",
            "No hurry: mention the spot at a routine visit.",
            "There is no need to worry.",
            "It is safe to ignore the checklist.",
            "The reader can relax.",
            "Look at the spot from time to time; see a doctor if it is new or worrying.",
        ),
        Reason.DIAGNOSIS: (
            "You have melanoma.",
            "This is melanoma.",
            "The picture is melanoma.",
            "The finding names the condition melanoma.",
            "The diagnosis is certain.",
            "The result confirms it.",
            "The calculation is definitely a mole.",
            "The answer is surely one of these.",
            "The mole is cancer.",
            "The picture shows a malignant spot.",
            "The model excludes a tumour.",
            "Melanoma.",
        ),
        Reason.DOSE: (
            "Apply hydrocortisone twice a day.",
            "Take 500 mg of amoxicillin.",
            "A cream is used here.",
            "The dose is 5 ml.",
            "An antibiotic was prescribed.",
            "Imiquimod may be used.",
        ),
        Reason.LANGUAGE: (
            "Le modèle a comparé cette image avec celles dont il a appris.",
            "La tache est examinée par le médecin.",
            "Das Modell hat le calcul de la probabilité.",
        ),
        Reason.MARKUP: (
            '<img src="file:///etc/passwd">',
            "The report is at https://example.org/report.",
            "The model is **probable**.",
            "See [the list](x).",
            "The answer is on www.example.org here.",
            "The model & the picture.",
            "The model gives {name} a share.",
            "The picture is `read`.",
            "The list is at skin.example.",
            "The model gives it a share!",
        ),
        Reason.CHARACTERS: (
            "The model\x07 gives a share.",
            "The model\ngives a share.",
            "The model gives a share \u2192 here.",
            "Mодель gives a share.",
            "The model\u202e gives a share.",
            "The model\u00adgives a share.",
        ),
        Reason.WORDS: (
            "The lesion looks regular.",
            "The picture has an even border.",
            "The system is excellent.",
            "The model gives a share",
            "(...), 5%: ;.",
            "Ignorance is bliss",
            "The model is right.",
            "The probability is half a percent.",
            "The odds are ten to one.",
            "All of the probability is given to melanoma.",
            "The model gives melanoma the first place.",
            "The most probable condition has a share.",
            "The probability is one.",
            "The stated condition is probable.",
            "Have it removed.",
        ),
    },
    "fr": {
        Reason.CONDITION: (
            "La probabilité de dermatofibrome est de 5,71 %.",
            "Le modèle donne au carcinome basocellulaire une probabilité de 5,71 %.",
            "Le modèle donne à l'angiome une part.",
            "La réponse peut être une dermatite ou une psoriasis.",
            "La probabilité de lymphome est une estimation.",
        ),
        Reason.NUMBER: (
            "La probabilité de mélanome est de 60,00 %.",
            "La probabilité de mélanome est de 5.71 %.",
            "La probabilité de mélanome est de 5,7 %.",
            "Le score de malignité est de 5,71 %.",
            "La liste en 7 points compte 3 points.",
            "Le modèle a appris avec 10 images.",
            "La probabilité de mélanome est un.",
            "La probabilité de mélanome est de un.",
        ),
        Reason.URGENCY: (
            "Il n'y a pas besoin de consulter.",
            "Rien ne presse: en parler lors d'une visite habituelle.",
            "La tache est bénigne.",
            "Il peut attendre plusieurs mois.",
            "C'est sans danger.",
            "Un médecin est inutile.",
            "Une surveillance est ce qui suit.",
            "Il n'y a pas lieu de s'inquiéter.",
            "La tache est anodine.",
        ),
        Reason.DIAGNOSIS: (
            "Vous avez un mélanome.",
            "C'est un mélanome.",
            "Le diagnostic est certain.",
            "Le calcul confirme la réponse.",
            "La réponse est assurément celle-ci.",
            "Le mélanome est exclu.",
            "La réponse est un cancer.",
        ),
        Reason.DOSE: (
            "Appliquer une crème.",
            "Prendre 500 mg par jour.",
            "Un antibiotique est indiqué.",
            "La dose est de 5 ml.",
        ),
        Reason.LANGUAGE: (
            "The model compared this picture with those it learned from.",
            "See a doctor about this spot.",
        ),
        Reason.MARKUP: ("<b>Le modèle</b>.", "Le rapport est sur http://exemple.fr ici."),
        Reason.CHARACTERS: ("Le modèle\tdonne une part.", "Le modèle donne une part \u2026."),
        Reason.WORDS: (
            "Le bord est régulier.",
            "Le logiciel est excellent.",
            "Toute la probabilité est une part.",
            "Le modèle donne au mélanome la première place.",
        ),
    },
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("language", "reason", "sentence"),
    [
        (language, reason, sentence)
        for language, kinds in PLANTED.items()
        for reason, sentences in kinds.items()
        for sentence in sentences
    ],
)
def test_each_planted_sentence_gets_its_reason(
    language: Language, reason: Reason, sentence: str, place: str
) -> None:
    assert reason in contradictions(told(sentence, language, place=place), NEVUS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_table_can_be_added_even_a_true_one(language: Language) -> None:
    for condition in TABLE.conditions:
        for text in condition.sentences[language].model_dump().values():
            assert contradictions(told(text, language), NEVUS)
    for band in Band:
        assert contradictions(told(TABLE.band_words(band, language).action, language), NEVUS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", CLOSED)
def test_nothing_is_added_where_it_says_what_to_do_and_what_was_found(
    part: str, language: Language
) -> None:
    whole = write_template(NEVUS, language).model_dump()
    sentence = ADMITTED[language][0]
    if part in whole["sections"]:
        whole["sections"][part] += f" {sentence}"
    else:
        whole[part] = [*whole[part], sentence]
    assert contradictions(Narrative.model_validate(whole), NEVUS) == (Reason.WORDS,)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("band", [band for band in Band if band is not NEVUS.band])
def test_a_lowered_band_is_found(band: Band, language: Language) -> None:
    true, false = NEVUS.band_words(language), TABLE.band_words(band, language)
    narrative = write_template(NEVUS, language)
    for part in ("recommendation", "next_steps"):
        wrong = edited(narrative, part, true.action, false.action)
        assert Reason.URGENCY in contradictions(wrong, NEVUS)
        gone = edited(narrative, part, f"{true.action}", "")
        assert Reason.URGENCY in contradictions(gone, NEVUS)
    wrong = edited(narrative, "findings", true.doctor_label, false.doctor_label)
    assert contradictions(wrong, NEVUS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_must_be_said_is_missed(language: Language) -> None:
    facts = facts_of("melanocytic_nevus", reasons=tuple(Doubt), checklist_score=4)
    narrative = write_template(facts, language)
    for notice in facts.notices:
        said = getattr(notice, language)
        assert Reason.MISSING in contradictions(edited(narrative, "limits", said, ""), facts)
    for notice in facts.notices[:2]:
        said = getattr(notice, language)
        wrong = edited(narrative, "confidence_explanation", said, "")
        assert Reason.MISSING in contradictions(wrong, facts)
    doubt, _, rest = narrative.sections.overview.partition(". ")
    later = edited(narrative, "overview", narrative.sections.overview, f"{rest} {doubt}.")
    assert Reason.MISSING in contradictions(later, facts)
    checklist = getattr(TABLE.checklist.result.at_or_above, language)
    wrong = edited(narrative, "recommendation", checklist, "")
    assert Reason.URGENCY in contradictions(wrong, facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_of_the_picture_alone_of_levels_and_of_tests_are_the_templates_alone(
    language: Language,
) -> None:
    """A writer may repeat the probability that is stated, and no other number beside it."""
    facts = Facts.of(told_finding("melanoma"), NOTHING_TOLD)
    narrative = write_template(facts, language)
    assert contradictions(narrative, facts) == ()
    share = {
        "en": "The model gives melanoma a probability of {}%.",
        "fr": "Le modèle donne au mélanome une probabilité de {} %.",
    }[language]
    mark = {"en": ".", "fr": ","}[language]
    stated = told(share.format(f"44{mark}00"), language, facts)
    assert contradictions(stated, facts) == ()
    for other in (f"31{mark}00", "95", f"95{mark}0", "200"):
        assert Reason.NUMBER in contradictions(told(share.format(other), language, facts), facts)
    explained = "confidence_explanation"
    for part, old, new in (
        ("limits", "200", "300"),
        (explained, f"31{mark}00", f"13{mark}00"),
        (explained, "95", "99"),
    ):
        wrong = edited(narrative, part, old, new)
        assert Reason.MISSING in contradictions(wrong, facts)


def test_a_narrative_past_its_length_is_refused() -> None:
    long = " ".join([ADMITTED["en"][0]] * 30)
    assert contradictions(told(long, "en"), NEVUS) == (Reason.LENGTH,)


def test_nothing_is_said_of_a_calculation_where_nothing_was_examined() -> None:
    facts = Facts.as_stated(condition="melanoma", confidence=0.9)
    for sentence in ADMITTED["en"]:
        assert Reason.WORDS in contradictions(told(sentence, "en", facts), facts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_other_facts_are_refused(language: Language) -> None:
    """Swap the facts under a text: whatever differs in words is found."""

    @settings(max_examples=size(30, 600), deadline=None)
    @given(found(), any_facts)
    def holds(facts: Facts, others: Facts) -> None:
        narrative, expected = write_template(others, language), write_template(facts, language)
        assert bool(contradictions(narrative, facts)) == (narrative != expected)

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_changed_digit_is_found_wherever_it_stands(language: Language) -> None:
    @settings(max_examples=size(30, 600), deadline=None)
    @given(any_facts, st.data())
    def holds(facts: Facts, data: st.DataObject) -> None:
        whole: dict[str, Any] = write_template(facts, language).model_dump(mode="json")
        part = data.draw(st.sampled_from([*whole["sections"], "findings", "next_steps"]))
        texts = whole["sections"] if part in whole["sections"] else whole
        kept = texts[part] if isinstance(texts[part], str) else "\n".join(texts[part])
        digits = [found_digit.start() for found_digit in re.finditer(r"\d", kept)]
        if not digits:
            return
        place = data.draw(st.sampled_from(digits))
        other = data.draw(st.sampled_from([d for d in "0123456789" if d != kept[place]]))
        changed = kept[:place] + other + kept[place + 1 :]
        texts[part] = changed if isinstance(texts[part], str) else changed.split("\n")
        assert contradictions(Narrative.model_validate(whole), facts)

    holds()
