import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from skinapi.base.languages import LANGUAGES, Language, LocalizedText
from skinapi.model.bands import band_of_condition, is_sent
from skinapi.model.calibration import ENOUGH_OF_TONE, ENOUGH_TESTED
from skinapi.model.conditions import Band, Sentences, Source, conditions_table
from tests.support.findings import EIGHT
from tests.support.wording import jargon_in

MEDICAL = {"guideline", "society", "peer_reviewed", "health_service"}
ABOUT_THE_SOFTWARE = {"what_it_is", "treatment_note"}
# The hosts that a source may have, by kind. A doi leads to a paper or to a guideline in a journal.
# Of the societies: the British, two American ones, the European, the cancer charities of the
# United States, the United Kingdom and Canada. Of the classifications: IARC/WHO, Rouen's ICD.
HOSTS = {
    "guideline": "nice.org.uk rightdecisions.scot.nhs.uk",
    "society": "skinhealthinfo.org.uk aad.org aocd.org euromelanoma.eu cancer.org "
    "macmillan.org.uk cancer.ca",
    "peer_reviewed": "actasdermo.org bjgpopen.org jamanetwork.com nature.com "
    "pigmentinternational.com pmc.ncbi.nlm.nih.gov pubmed.ncbi.nlm.nih.gov",
    "health_service": "111.wales.nhs.uk cancer.nsw.gov.au england.nhs.uk "
    "guysandstthomas.nhs.uk "
    "kingstonandrichmond.nhs.uk medlineplus.gov newcastle-hospitals.nhs.uk "
    "northeast.devonformularyguidance.nhs.uk oldhamtotalskin.nhs.uk remedy.bnssg.icb.nhs.uk "
    "scarboroughryedaleccg.nhs.uk services.nhslothian.scot training.seer.cancer.gov",
    "classification": "pubcan.org cismef.org",
    "any": "doi.org",
}
TABLE = conditions_table()
FROZEN_NAMES = {
    "C43.9": "Melanoma",
    "C44.91": "Basal cell carcinoma",
    "L57.0": "Actinic keratosis / Bowen's disease",
    "D04.9": "Actinic keratosis / Bowen's disease",
    "L82.1": "Benign (pigmented) keratosis",
    "D22.9": "Melanocytic nevus (mole)",
    "D23.9": "Dermatofibroma",
    "D18.01": "Vascular lesion",
    "C44.92": "Squamous cell carcinoma",
    "8070/3": "Squamous cell carcinoma",
    "8720/3": "Melanoma",
    "8090/3": "Basal cell carcinoma",
    "8081/2": "Actinic keratosis / Bowen's disease",
    "8720/0": "Melanocytic nevus (mole)",
    "8832/0": "Dermatofibroma",
    "93655004": "Melanoma",
    "254701007": "Basal cell carcinoma",
    "201101007": "Actinic keratosis / Bowen's disease",
    "400010006": "Melanocytic nevus (mole)",
}
FROZEN_RETIRED = {65126008, 253008, 254788002, 400083001, 372244006}

# The multiplication table of the check digit, row by row.
_VERHOEFF_TIMES = (
    "01234567891234067895234017895634012895674012395678"
    "59876043216598710432765982104387659321049876543210"
)
_VERHOEFF_TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff_holds(number: str) -> bool:
    check = 0
    for position, digit in enumerate(reversed(number)):
        turned = int(digit)
        for _ in range(position % 8):
            turned = _VERHOEFF_TURN[turned]
        check = int(_VERHOEFF_TIMES[10 * check + turned])
    return check == 0


def test_every_code_keeps_its_name() -> None:
    names = {
        code: condition.names.en
        for condition in TABLE.conditions
        for code in (*condition.codes.icd10cm, *condition.codes.icdo3, *condition.codes.snomed)
    }
    assert names == FROZEN_NAMES


def test_every_snomed_code_passes_its_check_digit() -> None:
    codes = [code for key in TABLE.labels for code in TABLE.label(key).codes.snomed]
    assert TABLE.label("actinic_keratosis_alone").codes.snomed[0] in codes
    assert all(verhoeff_holds(code) for code in codes)


def test_retired_codes_never_come_back() -> None:
    used = {int(code) for condition in TABLE.conditions for code in condition.codes.snomed}
    assert set(TABLE.snomed_retired) == FROZEN_RETIRED
    assert not used & FROZEN_RETIRED


def test_every_sentence_about_a_condition_has_a_source() -> None:
    for condition in TABLE.conditions:
        supported = {name for source in condition.sources for name in source.supports}
        missing = set(Sentences.model_fields) - supported
        assert not missing, f"{condition.key}: {missing}"
        if any((condition.codes.icd10cm, condition.codes.icdo3, condition.codes.snomed)):
            assert "codes" in supported, condition.key
        assert all(s.url or s.citation for s in condition.sources), condition.key
        assert all(s.date for s in condition.sources), condition.key


def test_every_sentence_on_the_visit_has_a_source_that_tells_medicine_from_our_own_words() -> None:
    medical = {"there", "there_melanoma", "most_without", "many_without", "likely", "until"}
    for name in set(type(TABLE.visit).model_fields) - {"sources"}:
        kinds = {source.kind for source in TABLE.visit.sources_of(name)}
        assert kinds, name
        assert bool(kinds & MEDICAL) == (name in medical or name == "sooner"), name


def test_what_a_benign_condition_is_in_short_comforts_nobody() -> None:
    short = {
        condition.key: condition.in_short for condition in TABLE.conditions if condition.in_short
    }
    assert set(short) == set(TABLE.keys) - TABLE.malignant_keys - {"normal_skin"}
    for said in short.values():
        assert not any(word in f"{said.en} {said.fr}" for word in ("harmless", "bénin ", "cancer"))


def test_every_french_name_has_a_source_or_is_told_to_have_none() -> None:
    named = {c.key for c in TABLE.conditions if any("names" in s.supports for s in c.sources)}
    without = set(TABLE.keys) - named
    assert without == {"benign_keratosis", "vascular_lesion"}
    assert any(all(key in text for key in without) for text in TABLE.unconfirmed)


def test_every_band_has_a_source_and_one_that_names_a_pathway_a_guideline() -> None:
    for band in TABLE.bands:
        kinds = {source.kind for source in TABLE.bands_sources if band.key in source.supports}
        assert kinds, band.key
        assert ("guideline" in kinds) == ("NICE" in band.en.doctor_action + band.en.guideline), (
            band.key
        )


def test_every_sentence_is_short_latin_1_and_in_both_languages() -> None:
    for condition in TABLE.conditions:
        assert set(condition.sentences) == set(LANGUAGES)
        for sentences in condition.sentences.values():
            for sentence in sentences.model_dump().values():
                assert 0 < len(sentence) <= 330
                sentence.encode("latin-1")


def test_what_may_be_squamous_cell_carcinoma_is_as_urgent_as_that() -> None:
    condition = TABLE.by_key("actinic_keratosis")
    assert band_of_condition(condition.key, EIGHT) is Band.URGENT_REFERRAL
    assert condition.severity == "Medium"
    named = {"en": "quamous cell carcinoma", "fr": "arcinome épidermoïde"}
    soon = {"en": "within days", "fr": "dans les jours qui viennent"}
    for language in LANGUAGES:
        said = condition.sentences[language]
        for sentence in (said.what_it_is, said.why_early, said.what_to_do, said.treatment_note):
            assert named[language].lower() in sentence.lower()
        assert soon[language] in said.what_to_do
        assert named[language] in TABLE.band_words(Band.URGENT_REFERRAL, language).doctor_action
        every = " ".join(said.model_dump().values())
        assert not any(word in every for word in ("coming weeks", "semaines", "invasi"))


def sources() -> list[Source]:
    of_conditions = [source for condition in TABLE.conditions for source in condition.sources]
    return [*of_conditions, *TABLE.bands_sources, *TABLE.checklist.sources, *TABLE.visit.sources]


def test_every_address_of_a_source_is_one_of_the_kind_that_it_says() -> None:
    """An unlisted host is not a source: no shop, clinic or blog is."""
    hosts = {host: kind for kind, listed in HOSTS.items() for host in listed.split()}
    wrong = [
        source.url
        for source in sources()
        if source.url and hosts.get(host_of(source.url)) not in (source.kind, "any")
    ]
    assert wrong == []
    assert {host_of(source.url) for source in sources() if source.url} == hosts.keys()


def test_a_sentence_about_a_disease_rests_on_medicine_not_on_the_software_alone() -> None:
    for condition in TABLE.conditions:
        for sentence in Sentences.model_fields:
            kinds = {source.kind for source in condition.sources if sentence in source.supports}
            about_us = condition.key == "normal_skin" and sentence in ABOUT_THE_SOFTWARE
            assert kinds == {"software"} if about_us else kinds & MEDICAL, condition.key


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def test_the_notice_of_few_tested_names_the_limit_of_the_rule() -> None:
    for said in TABLE.notices.little_tested.model_dump().values():
        assert f" {ENOUGH_TESTED} " in said
    for said in TABLE.notices.untested_skin.model_dump().values():
        assert f" {ENOUGH_OF_TONE})" in said


def test_bands_stand_from_most_to_least_urgent() -> None:
    assert [band.key for band in TABLE.bands] == list(Band)


def test_bundles_publish_their_codes_as_broader() -> None:
    bundles = {c.key for c in TABLE.conditions if c.code_relation == "broader than"}
    assert bundles == {
        "actinic_keratosis",
        "squamous_cell_carcinoma",
        "benign_keratosis",
        "vascular_lesion",
    }


def test_malignant_by_label_are_the_four_of_the_score() -> None:
    three = {"melanoma", "basal_cell_carcinoma", "actinic_keratosis"}
    assert TABLE.malignant_keys == {*three, "squamous_cell_carcinoma"}


def test_the_checklist_adds_two_and_one_points() -> None:
    checklist = TABLE.checklist
    assert checklist.score([]) == 0
    assert checklist.score(["change_in_size", "oozing"]) == checklist.threshold == 3
    assert checklist.score([item.key for item in checklist.items]) == 10


def test_every_clients_word_finds_its_condition() -> None:
    spellings = TABLE.label_spellings()
    assert spellings["mel"] == spellings["melanoma"] == spellings["mélanome"] == "melanoma"
    assert spellings["melanocytic_nevi"] == spellings["nv"] == "melanocytic_nevus"
    assert spellings["melanocytic nevi"] == "melanocytic_nevus"
    keratoses = ("bowens_disease", "bowen's disease", "actinic keratosis", "actinic keratoses")
    assert {spellings[word] for word in keratoses} == {"actinic_keratosis"}
    for word in ("seborrheic keratosis", "seborrhoeic keratosis", "benign keratosis"):
        assert spellings[word] == "benign_keratosis"
    assert not {"other malignant lesion", "other_benign"} & spellings.keys()


def test_each_band_has_words_for_a_patient_and_for_a_doctor() -> None:
    """A patient reads what to do and by when; the pathway's name is a doctor's term."""
    pathway = ("eferral", "NICE", "spécialisé", "filière")
    for band in TABLE.bands:
        for words in (band.en, band.fr):
            assert not any(word in words.label + words.action for word in pathway)
            assert words.label != words.doctor_label
    urgent = TABLE.band_words(Band.URGENT_REFERRAL, "en")
    assert (urgent.label, urgent.doctor_label) == ("See a doctor this week", "Urgent referral")
    assert "NICE" in urgent.doctor_action


def for_patients(language: Language) -> Iterator[str]:
    """Return every text of the table that a patient reads. Only doctors read figures of the test
    and the mix of the calibration.
    """
    tested = ("tested", "tested_there", "tested_elsewhere")
    for_doctors = (*tested, "calibrated_on", "calibrated_on_both")
    for band in TABLE.bands:
        words = TABLE.band_words(band.key, language)
        yield from (words.label, words.action)
    for condition in TABLE.conditions:
        yield from condition.sentences[language].model_dump().values()
    checklist, notices = TABLE.checklist, TABLE.notices
    said: list[LocalizedText] = [
        *checklist.items,
        *notices.refused.values(),
        checklist.applies_to,
        checklist.left_out,
    ]
    visit = (getattr(TABLE.visit, name) for name in type(TABLE.visit).model_fields)
    said += [item for item in visit if isinstance(item, LocalizedText)]
    said += [*TABLE.visit.reasons.values(), *(c.in_short for c in TABLE.conditions if c.in_short)]
    said += [checklist.result.at_or_above, checklist.result.below]
    others = (
        getattr(notices, name) for name in type(notices).model_fields if name not in for_doctors
    )
    said += [other for other in others if isinstance(other, LocalizedText)]
    certainty = (getattr(notices.certainty, name) for name in type(notices.certainty).model_fields)
    said += [item for item in certainty if isinstance(item, LocalizedText)]
    yield from (item.in_language(language) for item in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patient_reads_no_word_of_doctors_or_engineers(language: Language) -> None:
    texts = list(for_patients(language))
    assert len(texts) > 70
    assert {text: jargon_in(text, language) for text in texts if jargon_in(text, language)} == {}


def test_squamous_cell_carcinoma_counts_within_keratosis_where_a_model_has_no_output_for_it() -> (
    None
):
    squamous, keratosis = "squamous_cell_carcinoma", "actinic_keratosis"
    assert TABLE.counted_as(squamous) == TABLE.counted_as(squamous, [keratosis]) == keratosis
    assert TABLE.counted_as(squamous, [keratosis, squamous]) == squamous
    assert TABLE.counted_as("bowens_disease", TABLE.keys) == keratosis
    assert TABLE.counted_as("actinic_keratosis_alone", TABLE.keys) == keratosis
    assert TABLE.counted_as("other_malignant", TABLE.keys) is None
    assert all(TABLE.counted_as(key) == key for key in TABLE.keys if key != squamous)


def test_actinic_keratosis_alone_is_no_cancer_and_counts_as_one_for_scoring_only() -> None:
    label = TABLE.label("actinic_keratosis_alone")
    assert (label.malignant, label.urgency) == (False, Band.DOCTOR_REVIEW)
    counted = TABLE.counted_as(label.key)
    assert counted
    assert TABLE.by_key(counted).malignant
    assert label.codes.icd10cm == ("L57.0",)
    assert set(label.codes.snomed) <= set(TABLE.by_key(counted).codes.snomed)
    assert "owen" not in label.names.en + label.names.fr
    assert {kind for source in label.sources for kind in source.supports} == {"malignant", "codes"}


def test_squamous_cell_carcinoma_is_a_cancer_seen_within_days_in_both_languages() -> None:
    condition = TABLE.by_key("squamous_cell_carcinoma")
    assert (condition.dx, condition.urgency) == ("scc", Band.URGENT_REFERRAL)
    assert condition.malignant
    soon_in = {"en": "within days", "fr": "dans les jours qui viennent"}
    for language in LANGUAGES:
        soon = soon_in[language]
        said = condition.sentences[language]
        assert soon in said.what_to_do
        assert "cancer" in said.what_it_is
        assert "ratoa" in said.what_it_is  # keratoacanthoma is counted here, and it says so
        every = " ".join(said.model_dump().values())
        assert not any(word in every for word in ("harmless", "bénin", "coming weeks", "routine"))


def test_signs_of_every_spot_are_asked_of_it_and_leaving_them_out_is_not_called_harmless() -> None:
    checklist = TABLE.checklist
    every = {item.key for item in checklist.items if item.every_spot}
    assert every == {"oozing", "change_in_size", "change_in_sensation"}
    assert "may miss a skin cancer" in checklist.left_out.en
    assert "peut manquer un cancer" in checklist.left_out.fr


# How many days each of these words names at least, in the texts for patients.
SPANS = {
    "en": {r"\bdays\b|\btoday\b": 1, r"\bweek\b": 7, r"\bweeks\b": 14, r"\bmonths?\b": 30},
    "fr": {
        r"\bjours\b|\baujourd'hui\b": 1,
        r"\bsemaine\b": 7,
        r"\bsemaines\b": 14,
        r"\bmois\b": 30,
    },
}
NO_HURRY = {
    "en": r"no hurry|routine visit|keep an eye|no need|from time to time|can wait",
    "fr": r"rien ne presse|visite habituelle|surveillez|inutile|de temps en temps|peut attendre",
}
VISIT = {
    "en": r"^(Show this spot to a doctor|Book a doctor's appointment)",
    "fr": r"^(Montrez cette tache à un médecin|Prenez rendez-vous avec un médecin)",
}


def spans_in(sentence: str, language: Language) -> list[int]:
    return [days for word, days in SPANS[language].items() if re.search(word, sentence.lower())]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [condition.key for condition in TABLE.conditions])
def test_by_when_a_condition_is_to_be_shown_is_what_its_band_says(
    key: str, language: Language
) -> None:
    """The page of a condition that asks for a visit says so first, names no later time than its
    band, and does not comfort. Any other page names no days.
    """
    said = TABLE.by_key(key).sentences[language].what_to_do
    bands = {band_of_condition(key, outputs) for outputs in ((), EIGHT, TABLE.keys)}
    for entry in (entry for entry in TABLE.bands if entry.key in bands):
        named, within = spans_in(said, language), entry.see_within_days
        assert bool(re.search(VISIT[language], said)) == is_sent(entry.key), said
        if is_sent(entry.key):
            assert not re.search(NO_HURRY[language], said.lower()), said
        if within:
            assert all(days <= within for days in named), said
        else:
            assert not any(days < 7 for days in named), said
        if entry.key is Band.URGENT_REFERRAL:
            assert named, f"{said} names no time"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_band_names_the_days_within_which_a_doctor_is_to_see_the_spot(language: Language) -> None:
    for entry in TABLE.bands:
        words = TABLE.band_words(entry.key, language)
        for said in (words.label, words.action):
            named = spans_in(said, language)
            if entry.see_within_days:
                assert max(named) == entry.see_within_days, said
            else:
                assert not any(days < 14 for days in named), said
