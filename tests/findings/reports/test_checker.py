"""What is kept of an LLM's sentences: few rules, then a second LLM that is tested in each call."""

import random

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.checker import (
    Dropped,
    Shown,
    Verdict,
    Verdicts,
    find_fault,
    hide_known,
    judge,
    known_pairs,
)
from skinapi.findings.reports.explanation import Plan
from skinapi.findings.reports.report import NarrativeUnavailable
from skinapi.findings.reports.writer import Draft, Entry, Pair, pair_up
from skinapi.model.passages import passages_table

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


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_known_pairs_are_enough_and_the_good_ones_break_no_rule(language: Language) -> None:
    known = known_pairs(language)
    assert len({*known.wrong}) >= 20
    assert len({*known.good}) >= 10
    assert not {item.sentence for item in known.wrong} & {item.sentence for item in known.good}
    for item in known.good:
        passage = WHAT.model_copy(update={language: item.passage, "about": None})
        fault = find_fault(Pair((passage,), item.sentence), language)
        assert fault is None, (item, fault)


def verdicts(shown: list[Shown], answers: dict[str, bool]) -> Verdicts:
    return Verdicts(
        verdicts=tuple(
            Verdict(pair=place, difference="", keep=answers[item.sentence])
            for place, item in enumerate(shown, 1)
        )
    )


def test_each_call_hides_two_wrong_pairs_and_a_good_one_among_the_others() -> None:
    own = [Shown("A.", "A."), Shown("B.", "B.")]
    places = set[int]()
    for seed in range(50):
        mixed = hide_known(own, "en", random.Random(seed))
        assert [item for item in mixed if item.keep is None] == own
        hidden = [item.keep for item in mixed if item.keep is not None]
        assert sorted(hidden) == [False, False, True]
        places |= {place for place, item in enumerate(mixed) if item.keep is not None}
    assert places == {0, 1, 2, 3, 4}


def test_a_checker_is_believed_only_where_it_knows_the_known_pairs() -> None:
    shown = hide_known([Shown("A.", "A.")], "en", random.Random(1))
    right = {item.sentence: item.keep is not False for item in shown}
    assert judge(shown, verdicts(shown, right)) == [True]
    for item in shown:
        turned = verdicts(shown, {**right, item.sentence: not right[item.sentence]})
        if item.keep is None:
            assert judge(shown, turned) == [False]
        else:
            with pytest.raises(NarrativeUnavailable):
                judge(shown, turned)


def test_what_was_not_judged_or_judged_twice_is_not_kept() -> None:
    shown = hide_known([Shown("A.", "A.")], "en", random.Random(1))
    right = verdicts(shown, {item.sentence: item.keep is not False for item in shown})
    own = next(place for place, item in enumerate(shown, 1) if item.keep is None)
    others = tuple(verdict for verdict in right.verdicts if verdict.pair != own)
    assert judge(shown, Verdicts(verdicts=others)) == [False]
    doubted = Verdict(pair=own, difference="", keep=False)
    assert judge(shown, Verdicts(verdicts=(*right.verdicts, doubted))) == [False]


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
    told = pair_up(draft, PLAN)
    assert [[pair.sentence for pair in part] for part in told] == paired
    assert [name for part in told for pair in part for name in pair.ids] == [
        passage.id for passage in PLAN.passages
    ]
