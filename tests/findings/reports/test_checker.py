import json
import random
import re
from collections.abc import Iterable, Mapping

import pytest

from skinapi.base.languages import LANGUAGES, Language, LocalizedText
from skinapi.findings.reports.checker import Dropped, ask_to_compare, find_fault, hide_known, judge
from skinapi.findings.reports.explanation import Plan
from skinapi.findings.reports.known_pairs import Shown, known_of, known_pairs
from skinapi.findings.reports.writer import Draft, Entry, Pair, pair_up
from skinapi.model.passages import Passage, PassageReader, passages_table

TABLE = passages_table()
WHAT, LOOK, EARLY = (TABLE.by_id(f"melanoma.{topic}") for topic in ("what", "look", "early"))
CLINICAL = TABLE.by_id("melanoma.clinical")
PLAN = Plan(((WHAT, LOOK), (EARLY,)))


@pytest.mark.parametrize(
    ("passage", "sentence", "fault"),
    [
        (WHAT, "In other words, melanoma starts in the skin cells that make pigment.", None),
        (CLINICAL, "Some 29 in 100 melanomas come from a nevus; 71 in 100 do not.", None),
        (WHAT, None, Dropped.MISSING),
        (WHAT, "Is melanoma a cancer?", Dropped.FORM),
        (WHAT, "Melanoma is a <b>cancer</b>.", Dropped.FORM),
        (WHAT, "- Melanoma is a cancer.", Dropped.FORM),
        (WHAT, "See https://example.org.", Dropped.FORM),
        (WHAT, "Melanoma is a cancer. It is one. It is.", Dropped.FORM),
        (WHAT, "Melanoma is a cancer of cells" + " and cells" * 12 + ".", Dropped.LENGTH),
        (CLINICAL, "About 30% of melanomas arise from a nevus, 70% do not.", Dropped.NUMBER),
        (CLINICAL, "About 29% of melanomas arise from a nevus.", Dropped.NUMBER),
        (WHAT, "Basal cell carcinoma is a cancer of the skin cells.", Dropped.NAME),
        (WHAT, "Melanoma is a cancer of the skin cells, so see a doctor.", Dropped.ADVICE),
        (WHAT, "Melanoma is a cancer that is found within weeks.", Dropped.ADVICE),
    ],
)
def test_a_rule_sees_what_no_passage_may_gain(
    passage: object, sentence: str | None, fault: Dropped | None
) -> None:
    assert find_fault(Pair((passage,), sentence), "en") is fault  # type: ignore[arg-type]


GERMAN = "Früh entdeckt, solange es noch dünn ist, kann ein Melanom meist geheilt werden."
SPANISH = "El melanoma es un cáncer de las células de la piel que fabrican el pigmento."
BEGINS = TABLE.by_id("melanoma.begins")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sentence", [GERMAN, SPANISH, "Меланома это рак кожи.", "Mélаnome."])
def test_another_language_or_alphabet_is_dropped(sentence: str, language: Language) -> None:
    fault = find_fault(Pair((EARLY,), sentence), language)
    assert fault in (Dropped.LANGUAGE, Dropped.FORM)


@pytest.mark.parametrize(
    ("language", "sentence", "fault"),
    [
        ("en", "About 70% of melanomas begin on skin without a mole.", None),
        ("en", "Of ten melanomas, some seven begin on skin without a mole.", None),
        ("en", "About 30% of melanomas begin on skin without a mole.", Dropped.NUMBER),
        ("fr", "Environ 70 % des mélanomes naissent sur une peau sans grain de beauté.", None),
        ("fr", "Environ 7 % des mélanomes naissent sur une peau sans naevus.", Dropped.NUMBER),
    ],
)
def test_so_many_in_ten_may_be_said_in_percent(
    language: Language, sentence: str, fault: Dropped | None
) -> None:
    assert find_fault(Pair((BEGINS,), sentence), language) is fault


def test_a_passage_without_known_pairs_for_its_words_is_said_by_itself_alone() -> None:
    """Nothing could test the model that judges a sentence of it."""
    changed = WHAT.model_copy(update={"en": "Melanoma is a cancer of cells that make pigment."})
    for passage in (changed, WHAT.model_copy(update={"id": "melanoma.new"})):
        pair = Pair((passage,), "Melanoma is a cancer that arises in the cells that make pigment.")
        assert find_fault(pair, "en") is Dropped.UNTESTED


def all_passages() -> list[Passage]:
    values = {
        name: LocalizedText(en="a mole", fr="un mélanome") for name in ("name", "second_name")
    }
    values |= {name: LocalizedText(en="about 4 in 10", fr="environ 4 sur 10") for name in SHARES}
    values["picture"] = LocalizedText(en="2", fr="2")
    return [*TABLE.all, *(TABLE.of_finding(item, about=None, **values) for item in TABLE.finding)]


SHARES = ("share", "second_share")


@pytest.mark.parametrize("language", LANGUAGES)
def test_known_pairs_are_of_the_passages_as_they_are_today(language: Language) -> None:
    """If a passage has changed, read its sentences with the new text, then put that there."""
    known = known_pairs()[language]
    texts = {item.id: item.in_language(language) for item in TABLE.all}
    texts |= {f"finding.{key}": said.in_language(language) for key, said in TABLE.finding.items()}
    assert {key: item.passage for key, item in known.items()} == texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_known_pairs_and_as_many_slips_as_flips(language: Language) -> None:
    known = known_pairs()[language].values()
    good, slips, flips = (
        [text for item in known for text in getattr(item, kind)]
        for kind in ("good", "slip", "flip")
    )
    assert len(good) >= 60
    assert len(slips) + len(flips) >= 120
    assert abs(len(slips) - len(flips)) <= 12
    for item in known:
        assert item.good
        assert item.slip
        assert item.flip
        texts = [*item.good, *item.slip, *item.flip, item.passage]
        assert len({*texts}) == len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_known_pair_breaks_no_rule_as_no_pair_does_that_is_judged(language: Language) -> None:
    for passage in all_passages():
        for sentence, _ in known_of(passage, language):
            assert find_fault(Pair((passage,), sentence), language) is None, sentence
            assert len(re.findall(r"\.(?=\s|$)", sentence)) == 1


def test_the_values_of_a_finding_stand_in_its_known_pairs() -> None:
    [passage] = [item for item in all_passages() if item.id == "finding.estimate_two"]
    said = dict(known_of(passage, "en"))
    assert all("{" not in text for text in said)
    assert said[
        "By the program's estimate, the chance of a mole is about 4 in 10 and the chance of a mole"
        " is about 4 in 10."
    ]


PAIRS = [(0, Pair((WHAT,), "A cancer.")), (2, Pair((LOOK, EARLY), "A spot."))]


def answer(shown: list[Shown], keep: Mapping[int, bool | None]) -> str:
    told = {place: keep.get(place, item.keep) for place, item in enumerate(shown)}
    return verdicts_of(
        (place, bool(one)) for place, one in told.items() if place not in keep or one is not None
    )


def verdicts_of(told: Iterable[tuple[int, bool]]) -> str:
    verdicts = [{"pair": place + 1, "difference": "", "keep": keep} for place, keep in told]
    return json.dumps({"verdicts": verdicts})


def test_each_call_hides_a_known_pair_of_the_same_passages_beside_each_sentence() -> None:
    orders = set[tuple[bool, ...]]()
    for seed in range(60):
        mixed = hide_known(PAIRS, "en", random.Random(seed))
        assert sorted(item.passage for item in mixed) == sorted(
            2 * [WHAT.en] + 2 * [f"{LOOK.en} {EARLY.en}"]
        )
        assert {item.about for item in mixed} == {"melanoma"}
        orders.add(tuple(item.keep is None for item in mixed))
    assert len(orders) == 6, "all that there are"


def test_a_sentence_is_kept_where_its_neighbour_was_judged_right() -> None:
    shown = hide_known(PAIRS, "en", random.Random(1))
    own = {item.place: index for index, item in enumerate(shown) if item.keep is None}
    twins = {item.place: index for index, item in enumerate(shown) if item.keep is not None}
    yes = dict.fromkeys(own.values(), True)
    assert judge(shown, answer(shown, yes)).kept == {0, 2}
    assert judge(shown, answer(shown, {**yes, own[0]: False})).kept == {2}
    missed = judge(shown, answer(shown, {**yes, twins[2]: not shown[twins[2]].keep}))
    assert missed.kept == {0}
    assert sorted(missed.known) == [False, True]


def test_what_was_not_judged_or_judged_twice_is_not_kept_and_a_known_pair_then_missed() -> None:
    shown = hide_known(PAIRS[:1], "en", random.Random(1))
    own = next(index for index, item in enumerate(shown) if item.keep is None)
    assert judge(shown, answer(shown, {own: None})).kept == set()
    nothing = judge(shown, verdicts_of([]))
    assert nothing.kept == set()
    assert nothing.known == (False,)
    right = [(place, item.keep is not False) for place, item in enumerate(shown)]
    assert judge(shown, verdicts_of(right)).kept == {0}
    assert judge(shown, verdicts_of([*right, (own, False)])).kept == set()


@pytest.mark.parametrize("reader", ["patient", "colleague"])
def test_the_question_says_for_whom_and_in_which_language(reader: PassageReader) -> None:
    asked = ask_to_compare(hide_known(PAIRS, "fr", random.Random(1)), "fr", reader)
    who = {"patient": "a patient", "colleague": "a doctor"}[reader]
    assert f"in French, in words that {who} knows" in asked.instructions.replace("\n", " ")
    assert {name for pair in asked.sent["pairs"] for name in pair} == {
        *("pair", "about", "passage", "sentence")
    }


@pytest.mark.parametrize(
    ("entries", "paired"),
    [
        ({"melanoma.what": "A."}, [["A.", None], [None]]),
        ({"melanoma.early": "C.", "melanoma.what": "A."}, [["A.", None], ["C."]]),
        ({"melanoma.what melanoma.look": "AB.", "melanoma.early": "C."}, [["AB."], ["C."]]),
        # No neighbours in the plan, or not of one paragraph.
        ({"melanoma.look melanoma.what": "BA."}, [[None, None], [None]]),
        ({"melanoma.look melanoma.early": "BC."}, [[None, None], [None]]),
        ({"mole.what": "A."}, [[None, None], [None]]),
    ],
)
def test_the_plan_says_which_passages_are_told_in_which_order(
    entries: dict[str, str], paired: list[list[str | None]]
) -> None:
    draft = Draft(
        entries=tuple(
            Entry(passages=tuple(ids.split()), text=said) for ids, said in entries.items()
        )
    )
    told = pair_up(draft, PLAN, "en")
    assert [[pair.sentence for pair in part] for part in told] == paired
    assert [name for part in told for pair in part for name in pair.ids] == [
        passage.id for passage in PLAN.passages
    ]


def test_french_of_an_llm_is_spaced_as_ours_is() -> None:
    draft = Draft(entries=(Entry(passages=("melanoma.what",), text="Un cancer; un vrai."),))
    [[pair, _], _] = pair_up(draft, PLAN, "fr")
    assert pair.sentence == "Un cancer\u00a0; un vrai."
