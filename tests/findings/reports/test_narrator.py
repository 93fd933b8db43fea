import json
import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import time as midnight
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from structlog.testing import capture_logs

from skinapi.accounts.admin.usage import DailyCounts
from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports import narrator as narrator_module
from skinapi.findings.reports import openrouter
from skinapi.findings.reports.checker_records import CheckerRecords
from skinapi.findings.reports.explanation import plan_explanation
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.kept_answers import KeptAnswers
from skinapi.findings.reports.narrator import Narrator, open_checker, open_llm
from skinapi.findings.reports.openrouter import DailyBudget
from skinapi.findings.reports.report import (
    MOST_CHARACTERS,
    Narrative,
    NarrativeUnavailable,
    Source,
    Unwritten,
    Writer,
)
from skinapi.findings.reports.template import write_template
from skinapi.model.bands import RaisedBy
from skinapi.model.context import Context, Modality
from skinapi.model.finding import Doubt
from skinapi.model.passages import passages_table
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from tests.findings.reports.facts import facts_of
from tests.support.backends import settings_in, unavailable
from tests.support.openrouter import (
    FOREVER_S,
    KEY,
    Behaviour,
    Call,
    OpenRouter,
    believe,
    comparing,
    drip,
    drip_headers,
    failing,
    failing_inside_200,
    flood,
    hang,
    hang_up,
    in_turn,
    redirect,
    saying,
    well,
    writing,
)

NEVUS = facts_of("melanocytic_nevus", probability=0.6, raised_by=(RaisedBy.MELANOMA,))
CONSENTS = {"llm": True}
PATIENT_S = 0.3
CHECKER = "anthropic/claude-haiku-4.5"
FIRST, SECOND = "openai/gpt-4.1-mini", "google/gemini-2.5-flash"


class Make(Protocol):
    def __call__(self, **settings: Any) -> Narrator: ...


@pytest.fixture(autouse=True)
def draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the same twins each time: a checker that judges nothing sometimes passes by luck."""
    monkeypatch.setattr(random, "SystemRandom", lambda: random.Random(1))


@pytest.fixture
def make(llm: OpenRouter, store: Store, tmp_path: Path) -> Make:
    def narrator(**settings: Any) -> Narrator:
        asked = {"openrouter_api_key": KEY, "openrouter_url": llm.url, **settings}
        usage = DailyCounts(store, Totals(store))
        given = settings_in(tmp_path, **asked)
        checker = open_checker(given, store, CheckerRecords(store, given.checker_models))
        believe(store, given.checker_models)
        first = open_llm(given, store)
        return Narrator(first, checker, KeptAnswers(store), usage)

    return narrator


def narrate_with(
    narrator: Narrator, facts: Facts = NEVUS, language: Language = "en", **options: Any
) -> Narrative:
    return narrator.narrate(
        facts=facts, language=language, **{"llm": True, "consents": CONSENTS, **options}
    )


def by_template(reason: Unwritten | None, facts: Facts = NEVUS, language: Language = "en") -> Any:
    narrative = write_template(facts, language)
    return narrative.model_copy(update={"source": Source(reason=reason)})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["melanoma", "melanocytic_nevus", "dermatofibroma"])
def test_a_good_answer_is_used_and_names_its_model(
    make: Make, key: str, language: Language
) -> None:
    facts = facts_of(key)
    narrative = narrate_with(make(), facts, language)
    plan = plan_explanation(facts, "patient")
    count = len(plan.passages)
    assert narrative.source == Source(
        writer=Writer.LLM, model=FIRST, checker=CHECKER, kept=count, written=count
    )
    assert narrative.explanation == plan.as_written(language)
    template = write_template(facts, language)
    assert narrative.sections.recommendation == template.sections.recommendation
    assert narrative.next_steps == template.next_steps
    assert sum(map(len, narrative.sections.model_dump().values())) <= MOST_CHARACTERS


def keep_all(call: Call) -> None:
    call.tell(verdicts=[{**item, "keep": True} for item in call.draft()["verdicts"]])


BADLY: dict[str, tuple[Behaviour, Unwritten]] = {
    "not json": (lambda call: call.say("Here is your report!"), Unwritten.MALFORMED),
    "a body that is not json": (lambda call: call.answer(200, b"<html>"), Unwritten.MALFORMED),
    "a field too many": (saying(recommendation="Wait."), Unwritten.MALFORMED),
    "no verdicts": (comparing(lambda call: call.say("All good!")), Unwritten.MALFORMED),
    "a checker that fails": (comparing(failing(500)), Unwritten.PROVIDER),
    "a checker that is asleep": (comparing(keep_all), Unwritten.CHECKER_NOT_BELIEVED),
    "nothing written": (saying(entries=[]), Unwritten.NOTHING_KEPT),
    "nothing said": (lambda call: call.say(None), Unwritten.MALFORMED),
    "a model that is markup": (
        lambda call: call.say(json.dumps(call.draft()), model="<b>x</b>"),
        Unwritten.MALFORMED,
    ),
    "truncated by length": (
        lambda call: call.say(json.dumps(call.draft()), finish_reason="length"),
        Unwritten.MALFORMED,
    ),
    "deep nesting": (lambda call: call.answer(200, b"[" * 50_000), Unwritten.MALFORMED),
    "an error inside 200": (failing_inside_200(500), Unwritten.PROVIDER),
    "no credit, inside 200": (failing_inside_200(402), Unwritten.NO_CREDIT),
    "402": (failing(402), Unwritten.NO_CREDIT),
    "429 for longer than there is time": (
        failing(429, {"Retry-After": "60"}),
        Unwritten.RATE_LIMITED,
    ),
    "429 three times": (failing(429, {"Retry-After": "0"}), Unwritten.RATE_LIMITED),
    "503": (failing(503, {"Retry-After": "0"}), Unwritten.PROVIDER),
    "a redirect with a body": (redirect(b"/x", megabytes=40), Unwritten.TOO_LARGE),
    "hung up": (hang_up, Unwritten.UNREACHABLE),
    "a body without end": (flood, Unwritten.TOO_LARGE),
    "no list": (saying(entries="There is no need to see a doctor."), Unwritten.MALFORMED),
    "too many entries": (
        saying(entries=[{"text": "A mole.", "passages": ["melanoma.what"]}] * 50),
        Unwritten.MALFORMED,
    ),
    "a sentence without end": (
        saying(entries=[{"text": "A mole. " * 200, "passages": ["melanoma.what"]}]),
        Unwritten.MALFORMED,
    ),
}


@pytest.mark.parametrize("badly", BADLY)
def test_a_bad_answer_ends_in_the_templates_words_and_its_reason(
    llm: OpenRouter, store: Store, make: Make, badly: str
) -> None:
    llm.behave, reason = BADLY[badly]
    with capture_logs() as logged:
        narrative = narrate_with(make())
    assert narrative == by_template(reason)
    line = logged[-1]
    assert (line["reason"], set(line)) == (reason, {"event", "log_level", "reason", "language"})
    assert not [row for row in store.collection("kept_answers").find() if "explanation" in row]


@pytest.mark.parametrize("stall", [hang, drip, drip_headers])
def test_nobody_waits_past_the_deadline(
    llm: OpenRouter, make: Make, monkeypatch: pytest.MonkeyPatch, stall: Behaviour
) -> None:
    llm.behave = stall
    monkeypatch.setattr(narrator_module, "LLM_DEADLINE_S", PATIENT_S)
    narrator = make()
    started = time.monotonic()
    assert narrate_with(narrator) == by_template(Unwritten.DEADLINE)
    assert time.monotonic() - started < FOREVER_S / 3
    while any(thread.name.endswith("(_post_in_thread)") for thread in threading.enumerate()):
        assert time.monotonic() - started < FOREVER_S / 3, "its thread goes on"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("answered", "printed"),
    [
        (FIRST, FIRST),
        (f"{FIRST}-2026-04-14", FIRST),
        (f"{SECOND}:free", SECOND),
        (f"{FIRST}.no-doctor-is-needed", f"{FIRST} / {SECOND}"),
        ("THIS-LESION-IS-BENIGN:see-https://evil.example/all-clear", f"{FIRST} / {SECOND}"),
    ],
)
def test_only_a_configured_name_is_printed_as_the_model(
    llm: OpenRouter, make: Make, answered: str, printed: str
) -> None:
    llm.behave = writing(lambda call: call.say(json.dumps(call.draft()), model=answered))
    assert narrate_with(make()).source.model == printed


@pytest.mark.parametrize("after", ["Mon, 01 Jan 2024 00:00:00 +" + "9" * 20, "9" * 5000])
def test_no_time_to_wait_breaks_anything(llm: OpenRouter, make: Make, after: str) -> None:
    llm.behave = failing(503, {"Retry-After": after})
    assert narrate_with(make()) == by_template(Unwritten.PROVIDER)


@pytest.mark.parametrize("broken", ["configured_model", "read_answer"])
def test_a_fault_of_ours_costs_the_words_alone_and_is_logged_without_its_text(
    make: Make, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(openrouter, broken, fail)
    narrator = make()
    with capture_logs() as logged:
        assert narrate_with(narrator) == by_template(Unwritten.FAULT)
    assert logged[0]["event"] == "fault"
    assert "secret" not in str(logged)
    for _ in range(openrouter.MOST_FAILURES):
        reason = narrate_with(narrator).source.reason
    assert reason is Unwritten.RESTING


@pytest.mark.parametrize("status", [429, 503])
def test_what_passes_is_tried_again_when_it_may_be(
    llm: OpenRouter, make: Make, status: int
) -> None:
    llm.behave = in_turn(failing(status, {"Retry-After": "0"}), well)
    assert narrate_with(make()).source.writer is Writer.LLM
    assert len(llm.calls) == 3


def test_what_is_asked_is_closed_strict_and_private(llm: OpenRouter, make: Make) -> None:
    context = Context(
        modality=Modality.DERMOSCOPIC,
        age_band="60-74",
        sex="female",
        body_site="genital",
        fitzpatrick=3,
        checklist=("oozing",),
    )
    facts = facts_of("melanoma", context, reasons=(Doubt.TOO_CLOSE,))
    models = {"openrouter_models": "a/first, b/second", "openrouter_checker_models": "c/third"}
    narrate_with(make(**models), facts)
    for (path, headers, sent), asked_of in zip(
        llm.calls, (["a/first", "b/second"], ["c/third"]), strict=True
    ):
        body = json.loads(sent)
        assert path == "/api/v1/chat/completions"
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert body["models"] == asked_of
        assert body["provider"] == PRIVATE
        assert (body["temperature"], type(body["seed"])) == (0, int)
        asked = body["response_format"]
        assert (asked["type"], asked["json_schema"]["strict"]) == ("json_schema", True)
        schema = asked["json_schema"]["schema"]
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])
        for private in ("60-74", "female", "genital", "made-1", KEY):
            assert private not in sent
    first = json.loads(llm.calls[0][2])
    [ids] = {*find_enums(first["response_format"]["json_schema"]["schema"])}
    told = json.loads(first["messages"][1]["content"])["paragraphs"]
    assert [item["id"] for part in told for item in part] == [*ids]
    assert "general.signs" not in ids, "it follows from what a person told"


PRIVATE = {"require_parameters": True, "data_collection": "deny", "zdr": True}


def find_enums(schema: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(schema, dict):
        if "enum" in schema:
            yield tuple(schema["enum"])
        for part in schema.values():
            yield from find_enums(part)


def test_neither_the_environments_proxy_nor_netrc_is_followed(
    llm: OpenRouter, tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert narrate_with(make()).source.writer is Writer.LLM
    assert llm.calls[0][1]["Authorization"] == f"Bearer {KEY}"


def test_without_key_or_consent_nothing_is_sent(llm: OpenRouter, make: Make) -> None:
    keyless = make(openrouter_api_key=None)
    assert narrate_with(keyless) == by_template(Unwritten.NO_KEY)
    narrator = make()
    for consents in ({}, {"llm": False}, {"photos": True}):
        assert narrate_with(narrator, consents=consents) == by_template(Unwritten.NO_CONSENT)
    assert narrate_with(narrator, llm=False) == by_template(None)
    stated = Facts.as_stated(condition="normal_skin", confidence=0.9)
    assert narrate_with(narrator, stated) == by_template(Unwritten.NOTHING_TO_EXPLAIN, stated)
    assert llm.calls == []


def test_the_same_question_gives_the_same_words_and_is_asked_once(
    llm: OpenRouter, store: Store, make: Make
) -> None:
    first = narrate_with(make())
    llm.behave = hang_up
    again = narrate_with(make())
    assert (first, len(llm.calls)) == (again, 2)
    # Another finding with similar figures, possibly of another person.
    elder = Context(modality=Modality.DERMOSCOPIC, age_band="75+", sex="female")
    alike = facts_of("melanocytic_nevus", elder, probability=0.601, raised_by=(RaisedBy.MELANOMA,))
    assert narrate_with(make(), alike).explanation == first.explanation
    assert len(llm.calls) == 2
    llm.behave = well
    narrate_with(make(), language="fr")
    narrate_with(make(), facts_of("melanoma"))
    narrate_with(make(openrouter_models="another/one"))
    narrate_with(make(openrouter_checker_models="yet/another"))
    assert len(llm.calls) == 10
    kept = store.collection("kept_answers").find()
    assert {name for row in kept for name in row} == {
        *("id", "schema", "created_at", "expires_at", "explanation")
    }


@pytest.mark.parametrize("confidence", [0.0, 0.505, 0.94, 0.9487, 1.0])
def test_a_stated_condition_is_one_question_whatever_its_confidence(
    llm: OpenRouter, make: Make, confidence: float
) -> None:
    narrate_with(make(), Facts.as_stated(condition="melanoma", confidence=0.5))
    asked = len(llm.calls)
    stated = Facts.as_stated(condition="melanoma", confidence=confidence)
    assert narrate_with(make(), stated).source.writer is Writer.LLM
    assert len(llm.calls) == asked


def test_words_are_kept_for_ninety_days_and_asked_for_anew_then(
    llm: OpenRouter, store: Store, make: Make
) -> None:
    narrate_with(make())
    [kept] = store.collection("kept_answers").find()
    assert kept["expires_at"] - kept["created_at"] == timedelta(days=90)
    assert kept["created_at"].time() == midnight(), "no moment leads back to a finding"
    past = {"expires_at": now() - timedelta(seconds=1)}
    assert store.collection("kept_answers").update({"id": kept["id"]}, {"$set": past})
    narrate_with(make())
    assert len(llm.calls) == 4


def test_an_explanation_is_used_while_its_checker_is_believed_without_a_break(
    llm: OpenRouter, store: Store, make: Make
) -> None:
    narrator = make(openrouter_checker_models=CHECKER)
    first = narrate_with(narrator)
    assert CheckerRecords(store, [CHECKER]).count(CHECKER, "en", [False] * 2) is None
    assert narrate_with(narrator) == by_template(Unwritten.CHECKER_NOT_BELIEVED)
    assert len(llm.calls) == 2, "nobody is asked"
    believe(store, [CHECKER])
    assert narrate_with(narrator).explanation == first.explanation
    assert len(llm.calls) == 4, "what it let through before is judged again"


def test_at_most_four_are_under_way_and_the_fifth_does_not_wait(
    llm: OpenRouter, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm.behave = hang
    monkeypatch.setattr(narrator_module, "LLM_DEADLINE_S", 1)
    narrator = make()
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: narrate_with(narrator), range(16)))
    reasons = [narrative.source.reason for narrative in told]
    assert reasons.count(Unwritten.DEADLINE) == 4
    assert set(reasons) <= {Unwritten.DEADLINE, Unwritten.BUSY, Unwritten.RESTING}
    assert llm.most_at_once == 4


def test_after_three_failures_the_circuit_breaker_opens(llm: OpenRouter, make: Make) -> None:
    narrator = make()
    llm.behave = failing(500)
    reasons = [narrate_with(narrator).source.reason for _ in range(5)]
    assert reasons == [Unwritten.PROVIDER] * 3 + [Unwritten.RESTING] * 2
    assert len(llm.calls) == 3


def test_after_the_pause_one_request_probes_the_llm(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = openrouter.CircuitBreaker()
    later = time.monotonic() + openrouter.COOLDOWN_S + 1
    for _ in range(openrouter.MOST_FAILURES):
        breaker.admit()
        breaker.record(success=False)
    with pytest.raises(NarrativeUnavailable):
        breaker.admit()
    monkeypatch.setattr("skinapi.findings.reports.openrouter.time.monotonic", lambda: later)
    breaker.admit()
    with pytest.raises(NarrativeUnavailable):
        breaker.admit()
    breaker.record(success=True)
    breaker.admit()
    breaker.admit()


def test_a_store_that_fails_costs_the_words_alone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.findings.reports.narrator.KeptAnswers.find", unavailable)
    assert narrate_with(make()) == by_template(Unwritten.STORE)


def test_the_days_budget_is_shared_by_all_and_outlives_a_restart(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for key in ("melanoma", "melanocytic_nevus", "dermatofibroma"):
        narrator = make(llm_daily_budget=4)
        answers.append(narrate_with(narrator, facts_of(key)).source)
    assert [source.writer for source in answers] == [Writer.LLM, Writer.LLM, Writer.TEMPLATE]
    assert answers[-1].reason is Unwritten.BUDGET
    monkeypatch.setattr(openrouter, "now", lambda: now() + timedelta(days=1))
    assert narrate_with(narrator, facts_of("melanoma", probability=0.8)).source.writer is Writer.LLM
    none_left = make(llm_daily_budget=0)
    assert narrate_with(none_left, facts_of("vascular_lesion")).source.reason is Unwritten.BUDGET


def test_at_once_no_more_is_spent_than_the_budget(
    llm: OpenRouter, store: Store, tmp_path: Path
) -> None:
    budget = DailyBudget(store, most=5)

    def spend(_: int) -> bool:
        try:
            budget.spend()
        except NarrativeUnavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(24))) == 5


def test_a_sentence_that_is_dropped_is_replaced_by_its_passage_and_counted_without_its_text(
    llm: OpenRouter, store: Store, make: Make
) -> None:
    def write(call: Call) -> None:
        entries = call.draft()["entries"]
        entries[0]["text"] = "Melanoma is not a cancer."  # the second LLM sees the difference
        entries[1]["text"] = "It can wait for 3 weeks."
        call.tell(entries=entries[:3])

    llm.behave = writing(write)
    facts = facts_of("melanoma")
    with capture_logs() as logged:
        narrative = narrate_with(make(), facts)
    plan = plan_explanation(facts, "patient")
    assert narrative.explanation == plan.as_written("en"), "whole, and in order"
    assert (narrative.source.kept, narrative.source.written) == (1, len(plan.passages))
    assert "wait" not in str(logged)
    [day] = store.collection("daily_counts").find()
    counted = {name: day[name] for name in day if name.startswith("writer_")}
    assert counted.pop("writer_milliseconds", 0) < 12_000
    assert counted == {
        "writer_answers": 1,
        "writer_kept": 1,
        "writer_dropped_checker": 1,
        "writer_dropped_number": 1,
        "writer_dropped_missing": len(plan.passages) - 3,
        "writer_tokens": 2 * 960,
    }


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (comparing(keep_all), Unwritten.CHECKER_NOT_BELIEVED),
        (comparing(lambda call: call.say("All good!")), Unwritten.MALFORMED),
        (saying(entries=[]), Unwritten.NOTHING_KEPT),
        (saying(entries=1), Unwritten.MALFORMED),
    ],
)
def test_a_question_that_failed_is_not_asked_again_within_a_day_whoever_opens_the_page(
    llm: OpenRouter, store: Store, make: Make, behave: Behaviour, reason: Unwritten
) -> None:
    llm.behave = behave
    assert narrate_with(make(), account="ada").source.reason is reason
    llm.behave, asked = well, len(llm.calls)
    for account in ("ada", "bob"):
        assert narrate_with(make(), account=account).source.reason is reason
    assert len(llm.calls) == asked
    [kept] = store.collection("kept_answers").find()
    assert kept["expires_at"] - now() <= timedelta(days=1)
    past = {"expires_at": now() - timedelta(seconds=1)}
    assert store.collection("kept_answers").update({"id": kept["id"]}, {"$set": past})
    assert narrate_with(make()).source.writer is Writer.LLM


def test_a_draft_that_the_checker_had_no_time_for_is_checked_at_the_next_opening(
    llm: OpenRouter, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = openrouter.OpenRouterClient.ask

    def hurry(self: Any, question: Any, *args: Any, deadline: float, **options: Any) -> Any:
        if question.name == "comparison":
            deadline = time.monotonic() + PATIENT_S
        return ask(self, question, *args, deadline=deadline, **options)

    llm.behave = comparing(hang)
    with monkeypatch.context() as patched:
        patched.setattr(openrouter.OpenRouterClient, "ask", hurry)
        assert narrate_with(make()) == by_template(Unwritten.DEADLINE)
    llm.behave = well
    assert narrate_with(make()).source.writer is Writer.LLM
    names = [json.loads(sent)["response_format"]["json_schema"]["name"] for *_, sent in llm.calls]
    assert names == ["explanation", "comparison", "comparison"]


def test_the_checker_has_a_deadline_of_its_own(
    llm: OpenRouter, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = list[float]()
    ask = openrouter.OpenRouterClient.ask

    def noting(self: Any, *args: Any, deadline: float, **options: Any) -> Any:
        deadlines.append(deadline)
        time.sleep(0.01)
        return ask(self, *args, deadline=deadline, **options)

    monkeypatch.setattr(openrouter.OpenRouterClient, "ask", noting)
    narrate_with(make())
    assert deadlines[0] < deadlines[1]


def test_no_account_uses_up_what_all_have(llm: OpenRouter, store: Store, make: Make) -> None:
    conditions = sorted({item.about for item in passages_table().all if item.about})
    narrator, reasons = make(llm_daily_budget=40), list[Unwritten | None]()
    for key in conditions:
        facts = Facts.as_stated(condition=key, confidence=0.5)
        reasons.append(narrate_with(narrator, facts, account="ada").source.reason)
    assert Unwritten.BUDGET in reasons
    assert len(llm.calls) == openrouter.LEAST_SHARE_OF_ONE
    assert narrate_with(narrator, account="bob").source.writer is Writer.LLM
    counted = str(store.collection("llm_calls").find())
    assert "ada" not in counted
    assert "bob" not in counted


def test_the_stated_class_is_explained_in_the_four_sections(llm: OpenRouter, make: Make) -> None:
    def write(call: Call) -> None:
        call.tell(
            entries=[{**item, "text": "So: " + item["text"]} for item in call.draft()["entries"]]
        )

    def compare(call: Call) -> None:
        verdicts = call.draft()["verdicts"]
        own = [item["pair"] for item in call.sent["pairs"] if item["sentence"].startswith("So: ")]
        call.tell(
            verdicts=[
                {**verdict, "keep": verdict["keep"] or verdict["pair"] in own}
                for verdict in verdicts
            ]
        )

    llm.behave = lambda call: compare(call) if call.compares else write(call)
    stated = Facts.as_stated(condition="melanoma", confidence=0.912)
    told = narrate_with(make(), stated).sections
    assert "So: Melanoma is a cancer of the skin cells" in told.overview
    assert "So: Found while it is still thin" in told.importance_of_early_detection
    assert "So: Surgery is the main treatment" in told.recommendation


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_section_tells_of_a_condition_that_is_only_open_without_saying_so(
    make: Make, language: Language
) -> None:
    facts = facts_of("benign_keratosis", reasons=(Doubt.TOO_CLOSE,))
    told = narrate_with(make(), facts, language).sections
    lead = {"en": "If it is a melanoma:", "fr": "Si c'est un mélanome\u00a0:"}
    for section in (told.overview, told.importance_of_early_detection):
        before, _, after = section.partition(lead[language])
        what = {
            "en": "cancer of the skin cells|[Ff]ound while",
            "fr": "cancer des cellules|[Dd]écouvert",
        }
        assert re.search(what[language], after)
        assert not re.search(what[language], before)


def test_where_room_is_short_no_lead_stands_alone_and_the_likely_thing_is_still_said(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = facts_of("benign_keratosis", reasons=(Doubt.TOO_CLOSE,))
    narrator, lengths = make(), set[int]()
    for most in range(900, MOST_CHARACTERS, 50):
        monkeypatch.setattr("skinapi.findings.reports.template.MOST_CHARACTERS", most)
        overview = narrate_with(narrator, facts).sections.overview
        lengths.add(len(overview))
        assert not overview.endswith("If it is a melanoma:")
        assert facts.likely_in_short
        assert facts.likely_in_short.en in overview
    assert len(lengths) > 1


def test_malformed_answers_put_it_to_rest_for_nobody(llm: OpenRouter, make: Make) -> None:
    narrator = make()
    llm.behave = saying(entries=1)
    for key in ("melanoma", "dermatofibroma", "vascular_lesion", "benign_keratosis"):
        assert narrate_with(narrator, facts_of(key)).source.reason is Unwritten.MALFORMED
    llm.behave = well
    assert narrate_with(narrator).source.writer is Writer.LLM
