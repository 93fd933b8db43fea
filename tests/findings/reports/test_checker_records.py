import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports import checker_records
from skinapi.findings.reports.checker import find_fault
from skinapi.findings.reports.checker_records import EXAM_PAIRS, LAST_PAIRS, Checker, CheckerRecords
from skinapi.findings.reports.explanation import plan_explanation
from skinapi.findings.reports.kept_answers import KeptAnswer, KeptAnswers, WordedExplanation
from skinapi.findings.reports.known_pairs import known_of
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.findings.reports.writer import Pair, Paired
from skinapi.model.context import Context, Modality
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from tests.findings.reports.facts import facts_of
from tests.support.backends import Backend
from tests.support.openrouter import known_answer
from tests.support.second_llms import BAD, Judge, SecondLlm, judge_perfectly, judge_well, keep_all
from tests.support.size import size

MODEL = "a/model"
DERMOSCOPIC = Context(modality=Modality.DERMOSCOPIC)
CONDITIONS = ("melanoma", "basal_cell_carcinoma", "melanocytic_nevus", "dermatofibroma")


@pytest.fixture
def records(store: Store) -> CheckerRecords:
    return CheckerRecords(store, [MODEL])


def ask_for_exam(records: CheckerRecords, language: Language = "en") -> None:
    with pytest.raises(NarrativeUnavailable):
        records.require_believed(language)


def make_due(records: CheckerRecords) -> None:
    for record in records.list_current():
        records._change({"id": record.id}, due_at=now())


def worded(language: Language, draw: random.Random) -> Paired:
    """Write the sentences of an LLM for a report. About two in three change the meaning."""
    plan = plan_explanation(facts_of(draw.choice(CONDITIONS), DERMOSCOPIC), "patient")
    return tuple(
        tuple(Pair((item,), draw.choice(known_of(item, language))[0]) for item in group)
        for group in plan.groups
    )


def test_nothing_is_believed_before_an_exam_of_known_pairs_in_the_form_of_calls(
    records: CheckerRecords,
) -> None:
    llm = SecondLlm(judge_perfectly, random.Random(5))
    checker, draw = Checker(llm, records), random.Random(1)
    with pytest.raises(NarrativeUnavailable):
        checker.check(worded("en", draw), "en", "patient", deadline=0)
    assert llm.calls == 0, "nothing was asked"
    checker.take_due_exams()
    [record] = records.list_current()
    assert record.believed
    assert EXAM_PAIRS <= len(record.right) <= LAST_PAIRS
    assert 3 <= llm.calls <= 6
    assert records.require_believed("en") == [MODEL]
    ask_for_exam(records, "fr")


def test_who_fails_the_exam_takes_the_next_one_hours_later(
    records: CheckerRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = SecondLlm(keep_all, random.Random(1))
    ask_for_exam(records)
    for _ in range(3):
        Checker(llm, records).take_due_exams()
    first = llm.calls
    ask_for_exam(records)
    later = now() + checker_records.EXAM_PAUSE + timedelta(seconds=1)
    monkeypatch.setattr(checker_records, "now", lambda: later)
    Checker(llm, records).take_due_exams()
    assert llm.calls > first
    assert first <= 6, "one exam"


@pytest.mark.parametrize(("misses", "believed"), [(0, True), (1, True), (2, False)])
def test_below_98_of_the_last_100_a_model_is_not_believed_until_it_has_passed_again(
    records: CheckerRecords, misses: int, believed: bool
) -> None:
    ask_for_exam(records)
    [record] = records.list_current()
    assert records.end_exam(record, [True] * EXAM_PAIRS)
    since = records.list_current()[0].passed_at
    for place in range(misses):
        kept = records.count(MODEL, "en", [True] * 10 + [False])
        assert (kept == since) is (place == 0)
    assert records.list_current()[0].believed is believed
    if not believed:
        assert records.count(MODEL, "en", [True] * EXAM_PAIRS) is None, "an exam counts alone"
        ask_for_exam(records)


def test_a_miss_is_forgotten_after_a_hundred_pairs(records: CheckerRecords) -> None:
    ask_for_exam(records)
    [record] = records.list_current()
    records.end_exam(record, [True] * EXAM_PAIRS)
    for _ in range(4):
        assert records.count(MODEL, "en", [False] + [True] * (LAST_PAIRS // 2 - 1))


def test_of_two_servers_one_examines_and_both_count(real_backend: Backend) -> None:
    records = CheckerRecords(real_backend.services.store, [MODEL])
    ask_for_exam(records)
    [record] = records.list_current()
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(records.begin_exam, [record] * 4)) == 1
        records.end_exam(record, [True] * EXAM_PAIRS)
        assert all(pool.map(lambda _: records.count(MODEL, "en", [True] * 7), range(6)))
        lost = [*pool.map(lambda _: records.count(MODEL, "en", [False]), range(4))]
    assert len([one for one in lost if one]) == 2, "none of the misses is lost"


def test_what_is_kept_holds_while_its_checker_is_believed(backend: Backend) -> None:
    store = backend.services.store
    records, answers = CheckerRecords(store, [MODEL]), KeptAnswers(store)
    ask_for_exam(records)
    [record] = records.list_current()
    records.end_exam(record, [True] * EXAM_PAIRS)
    answers.keep(KeptAnswer(id="llm-1", failed=Unwritten.MALFORMED))
    since = records.list_current()[0].passed_at
    told = WordedExplanation(
        paragraphs=(), written=1, kept=1, model="a/writer", checker=MODEL, passed_at=since
    )
    answers.keep(KeptAnswer(id="llm-1", explanation=told))
    kept = answers.get("llm-1")
    assert (kept.explanation, kept.failed) == (told, None)
    assert kept.explanation
    assert records.holds(MODEL, "en", kept.explanation.passed_at)
    records.count(MODEL, "en", [False] * 2)
    assert not records.holds(MODEL, "en", since)
    records.end_exam(record, [True] * EXAM_PAIRS)
    assert not records.holds(MODEL, "en", since)


def test_another_question_needs_another_exam(
    records: CheckerRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for_exam(records)
    records.end_exam(records.list_current()[0], [True] * EXAM_PAIRS)
    assert records.require_believed("en") == [MODEL]
    monkeypatch.setattr(checker_records, "_QUESTION", "another")
    ask_for_exam(records)


def test_one_that_lies_after_its_exam_lets_nothing_through(records: CheckerRecords) -> None:
    ask_for_exam(records)
    records.end_exam(records.list_current()[0], [True] * EXAM_PAIRS)
    checker = Checker(SecondLlm(keep_all, random.Random(1)), records)
    for seed in range(5):
        with pytest.raises(NarrativeUnavailable):
            checker.check(worded("en", random.Random(seed)), "en", "patient", deadline=0)


@dataclass
class Measured:
    calls: int = 0
    believed: int = 0
    wrong_kept: int = 0
    good_kept: int = 0
    good: int = 0


def measure(judge: Judge, records: CheckerRecords, calls: int) -> Measured:
    """Measure over as many reports, half of them in each language. A model that is not believed
    takes an exam before each, though a server would wait for hours.
    """
    draw, found = random.Random(7), Measured()
    checker = Checker(SecondLlm(judge, draw), records)
    for number in range(calls):
        language = LANGUAGES[number % len(LANGUAGES)]
        make_due(records)
        checker.take_due_exams()
        paired = worded(language, draw)
        pairs = [pair for part in paired for pair in part]
        good = [bool(known_answer(pair.text(language), pair.sentence or "")) for pair in pairs]
        found.calls += 1
        try:
            checked = checker.check(paired, language, "patient", deadline=0, draw=draw)
        except NarrativeUnavailable:
            continue
        found.believed += 1
        kept = [reason is None for reason in checked.dropped]
        found.wrong_kept += sum(k and not g for k, g in zip(kept, good, strict=True))
        found.good_kept += sum(k and g for k, g in zip(kept, good, strict=True))
        found.good += sum(good)
    return found


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", BAD)
def test_who_does_not_judge_is_believed_in_no_report(name: str, records: CheckerRecords) -> None:
    found = measure(BAD[name], records, size(40, 3000))
    assert (found.believed, found.wrong_kept) == (0, 0), found


@pytest.mark.timeout(3600)
def test_who_judges_well_with_a_slip_in_a_hundred_is_believed(records: CheckerRecords) -> None:
    """The first call of each language requests the exam."""
    found = measure(judge_well, records, size(300, 3000))
    assert found.believed >= 0.95 * found.calls, found
    assert found.good_kept >= 0.95 * found.good, found
    assert found.wrong_kept <= 0.01 * found.calls * 10, found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_rules_let_pass_is_what_the_second_llm_is_tested_with(language: Language) -> None:
    for seed in range(20):
        for part in worded(language, random.Random(seed)):
            assert [find_fault(pair, language) for pair in part] == [None] * len(part)
