"""Whatever has happened to a spot, each channel tells each reader what `standing` says of it."""

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from skinapi.app.integrity_check import check_integrity
from skinapi.base.area_parts import list_parts
from skinapi.care.own_data import ORDER, Task
from skinapi.care.reminders import reminder_of
from skinapi.findings.records.schemas.finding_parts import AdviceView, InstructionView
from skinapi.findings.records.schemas.review import DecisionView
from skinapi.findings.status.decisions import WaitsFor, before_weekend
from skinapi.findings.status.lesion_status import Advice
from skinapi.findings.status.reviews import Review
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import PLACE_ON_SITE
from skinapi.platform.storage.ids import now
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.contradictions import asked_in
from tests.support.backends import Backend, Person
from tests.support.channels import CHANNELS
from tests.support.size import size
from tests.use_cases.spot_history import History, Patient, program_of

HISTORIES, STEPS = size(4, 500), 8
# What changes by itself, or with each request.
MADE_AT = re.compile(
    rb'DTSTAMP:\S+|"made_at": "[^"]+"|"timestamp": "[^"]+"'
    rb'|"Bundle", "meta": {"lastUpdated": "[^"]+"|--[0-9a-f]{32}(?=--|\r\n)'
)
PATIENT, DOCTOR, PROGRAM = "patient", "doctor", "program"


class Told(NamedTuple):
    """What a channel says, and what it should."""

    channel: str
    says: Any
    holds: Any


def plain(view: BaseModel | None) -> Any:
    return json.loads(view.model_dump_json(by_alias=True)) if view else None


def advice(said: Advice | None, *, for_doctor: bool = False) -> Any:
    return plain(AdviceView.from_advice(said, "en", for_doctor=for_doctor)) if said else None


class Truth:
    """What holds about a finding and its spot, for this reader."""

    def __init__(self, history: History, number: int, reader: str) -> None:
        self.history, self.number, self.reader = history, number, reader
        self.amended = len(history.read(number).get("amendments", ()))
        self.spot, self.own = history.compute_statuses(number)
        self.counts = self.spot.instruction.counts
        self.letters = history.signed_letters(number)

    @property
    def instruction(self) -> Any:
        for_doctor = self.reader != PATIENT
        return plain(InstructionView.of_spot(self.spot.instruction, "en", for_doctor=for_doctor))

    @property
    def decision(self) -> Any:
        decision, due = self.own.decision, None if self.elsewhere else self.counts.due
        return plain(DecisionView.from_decision(decision, "en", due=due)) if decision else None

    @property
    def reviews(self) -> list[Review]:
        return [*self.own.reviews]

    @property
    def waits(self) -> bool:
        """Whether the doctor in charge has to look: nobody has, a version or a comparison since
        then asks for more, or a second opinion has come.
        """
        return "opinion_key" in self.history.read(self.number) or self.own.waits

    @property
    def elsewhere(self) -> Advice | None:
        """What counts, where it was said of another finding and is something else."""
        own = self.own
        return self.spot.instruction.elsewhere(self.number, own.photo.band, own.decision)

    @property
    def decided(self) -> Band | None:
        """How urgent doctors have called it, for a program: by the decision about another finding,
        where that counts instead. None where nobody could judge it.
        """
        counts = self.elsewhere.decision if self.elsewhere else self.own.decision
        unjudged = counts is None or counts.waits_for is WaitsFor.PHOTO
        return None if unjudged or not counts else counts.urgency

    @property
    def asks(self) -> set[Band]:
        """What a text for a patient asks for."""
        return set() if self.counts.waits_for else {self.counts.band}

    @property
    def printed(self) -> Any:
        """What a paper says that may change."""
        letters = [(letter.id, letter.withdrawn is not None) for letter in self.letters]
        decision, counts, elsewhere = self.own.decision, self.counts, self.elsewhere
        own = decision and (decision.review, decision.photo_wanted)
        said_by = elsewhere and (elsewhere.finding, elsewhere.since)
        version = self.own.photo.newest.version, self.amended
        return own, version, (counts.band, counts.waits_for, counts.due, said_by), letters


def walk(history: History) -> Iterator[Told]:
    if history.draw.random() < 0.3:
        yield from walk_next_photo(history)
    yield from walk_lists(history)
    yield from walk_home(history)
    yield from walk_counts(history)
    yield from walk_gone(history)
    readers = [(history.ada, PATIENT), (history.grey, DOCTOR), (history.program, PROGRAM)]
    for number in history.numbers:
        asked = [(history.colleague, DOCTOR)] if history.asks_colleague(number) else []
        for person, reader in [*readers, *asked]:
            yield from walk_finding(person, Truth(history, number, reader))
    if history.numbers:
        number = history.draw.choice(history.numbers)
        for channel in CHANNELS:
            yield from walk_channel(channel, history, number)
    for area in list_parts("truth", "tests"):
        yield from area.walk(history)


def walk_next_photo(history: History) -> Iterator[Told]:
    """The answer to a photo of the spot."""
    answer = predicted(history.ada, lesion=history.spots[0])
    history.numbers.append(answer["id"])
    truth = Truth(history, answer["id"], PATIENT)
    yield Told("/predict instruction", answer["instruction"], truth.instruction)
    yield from walk_summary("/predict", answer, truth)


def walk_finding(person: Person, truth: Truth) -> Iterator[Told]:
    """The page of a finding, its reviews and letters, and its report."""
    path = f"/submissions/{truth.number}"
    finding = read(person, path)
    yield Told(f"{path} instruction", finding["instruction"], truth.instruction)
    yield from walk_summary(path, finding, truth)
    yield from walk_versions(path, finding, truth)
    reviews = [item["_id"] for item in read(person, f"{path}/reviews")]
    yield Told(f"{path}/reviews", reviews, [review.id for review in truth.reviews])
    report = read(person, f"{path}/report.json?issue=false")
    yield Told(f"{path}/report.json decision", report["decision"], truth.decision)
    elsewhere = advice(truth.elsewhere)
    yield Told(f"{path}/report.json spot_advice", report["spot_advice"], elsewhere)
    reading = report["reading"]
    told = [item["text"] for paragraph in reading["explanation"] for item in paragraph]
    words = [*told, *reading["next_steps"]]
    yield asks_nothing_else(f"{path}/report.json words", words, truth)
    page = person.call("GET", f"{path}/report.html").text
    yield Told(f"{path}/report.html", asked_in(text_of(page), "en"), truth.asks)
    letters = read(person, f"{path}/letters")
    for name, shown in (("letters", letters), ("report.json letters", report["letters"])):
        signed = [item for item in shown if item["signed_at"]]
        yield Told(
            f"{path}/{name}", [item["_id"] for item in signed], [x.id for x in truth.letters]
        )
        for letter in signed:
            if not (letter["superseded"] or letter["withdrawn"]):
                yield asks_nothing_else(f"{path}/{name} stands", [letter["decision"]], truth)


def walk_versions(channel: str, finding: Any, truth: Truth) -> Iterator[Told]:
    """All that its photo was answered with, and what was corrected each time."""
    contexts = [item["context"] for item in (*finding.get("versions", ()), finding)]
    numbers = [item["version"] for item in finding.get("versions", ())]
    newest = truth.own.photo.newest.version
    yield Told(
        f"{channel} versions", [*numbers, finding.get("version", 1)], [*range(1, newest + 1)]
    )
    corrected = [
        # A side is corrected without a version.
        {name for name, told in after.items() if told != before.get(name)} - {*PLACE_ON_SITE}
        for before, after in pairwise(contexts)
    ]
    told = [{*item.get("corrected", ())} for item in (*finding.get("versions", ()), finding)]
    yield Told(f"{channel} corrected", told, [set(), *corrected])


def walk_summary(channel: str, finding: Any, truth: Truth) -> Iterator[Told]:
    """A finding as the lists of clients that know of no spots have it, too."""
    yield Told(f"{channel} decision", finding["decision"], truth.decision)
    if report := finding.get("report"):
        words = [report["overview"], report["recommendation"]]
        yield asks_nothing_else(f"{channel} report", words, truth)
    elsewhere, band = truth.elsewhere, truth.own.photo.band
    decision = (elsewhere and elsewhere.decision) or truth.own.decision
    graver = decision and decision.graver_sentence(band, "en")
    yield Told(f"{channel} graver_review", finding["graver_review"], graver)


def asks_nothing_else(channel: str, words: list[str], truth: Truth) -> Told:
    return Told(channel, asked_in(" ".join(words), "en") - truth.asks, set())


def walk_lists(history: History) -> Iterator[Told]:
    own = f"/patients/{history.patient}"
    lists: list[tuple[Person, str, list[str]]] = [
        (history.ada, PATIENT, ["/submissions", "/lesions"]),
        (history.grey, DOCTOR, [f"{own}/submissions", f"{own}/lesions", "/queue"]),
        (history.program, PROGRAM, [f"{own}/submissions", f"{own}/lesions"]),
    ]
    for person, reader, paths in lists:
        truths = {number: Truth(history, number, reader) for number in history.numbers}
        courses = [f"/lesions/{spot}/submissions" for spot in history.spots]
        for path in [*paths, *courses]:
            found = person.pages(path)
            for listed in found:
                if path == "/queue" and listed["id"] not in truths:
                    continue  # of the other patients
                yield from walk_entry(f"{reader}: {path}", listed, truths)
        if reader == DOCTOR:
            yield from walk_queue(person, truths)


def walk_entry(channel: str, listed: Any, truths: Mapping[int, Truth]) -> Iterator[Told]:
    """An entry of a list of findings or of spots."""
    finding = listed.get("latest", listed)
    if finding is None:
        return
    truth = truths[finding["id"]]
    yield from walk_summary(channel, finding, truth)
    if "instruction" in listed:
        yield Told(f"{channel} instruction", listed["instruction"], truth.instruction)
    if truth.reader == DOCTOR:
        again = truth.counts.reopens and truth.counts.finding == truth.number
        other = None if again else truth.elsewhere
        due = None if other else truth.counts.due
        yield Told(f"{channel} due", finding.get("due"), due and due.isoformat())
        own = other is not None and other.finding == truth.number
        replaced = advice(other if truth.own.decision or own else None, for_doctor=True)
        yield Told(f"{channel} replaced_by", finding.get("replaced_by"), replaced)


def walk_queue(doctor: Person, truths: Mapping[int, Truth]) -> Iterator[Told]:
    """The keys by which a doctor's lists find what they list."""

    decided = {number: truth.own.decision for number, truth in truths.items()}
    waits = {number: item.spot.awaited(item.own.photo.id) for number, item in truths.items()}
    open_ = {number: item.waits for number, item in truths.items()}
    settled = {
        number: item for number, item in decided.items() if item and not truths[number].own.waits
    }
    urgencies = {number: item.urgency for number, item in settled.items()}
    lists: list[tuple[str, Mapping[int, Any], Any]] = [
        *((f"awaited={what}", waits, what) for what in WaitsFor),
        *((f"reviewed=true&urgency={band}", urgencies, band) for band in Band),
        ("reviewed=false", open_, True),
    ]
    for query, said, wanted in lists:
        listed = {item["id"] for item in doctor.pages(f"/queue?{query}")} & truths.keys()
        yield Told(f"/queue?{query}", listed, {x for x, item in said.items() if item is wanted})


def walk_home(history: History) -> Iterator[Told]:
    """What the patient is to do."""
    truths = [Truth(history, number, PATIENT) for number in history.numbers]
    spots = {history.read(item.number).get("lesion") or f"{item.number}": item for item in truths}
    tasks = read(history.ada, "/inbox")["tasks"]
    see = {
        task["advice"]["finding"]: task["advice"]
        for task in tasks
        if task["task"] == "see_doctor" or (task["task"] == Task.RESULT and not task.get("due"))
    }
    asked = [item.counts for item in spots.values() if item.counts.band in ORDER]
    holds = {item.finding: advice(item) for item in asked}
    yield Told("/inbox see_doctor", see, holds)
    pictures = {task["finding"] for task in tasks if task["task"] == Task.PICTURE}
    wanted = {
        item.spot.instruction.pictures_wanted[-1]
        for item in spots.values()
        if item.spot.instruction.picture_wanted
    }
    yield Told("/inbox picture", pictures, wanted)
    for spot, truth in spots.items():
        if spot not in history.spots:
            continue
        reminder = reminder_of(truth.spot.instruction)
        day = reminder and reminder.from_today(now().date())
        said = read(history.ada, f"/lesions/{spot}")["reminder"]
        named = day and (day.act, day.due.isoformat())
        yield Told("reminder", said and (said["act"], said["due"]), named)


def walk_counts(history: History) -> Iterator[Told]:
    """A finding is one, however often its photo was judged, and one person's."""
    queue = numbers_in(history.grey.pages("/queue"))
    for patient in filter(lambda item: item.spots, history.patients):
        path, once = f"/patients/{patient.id}/submissions", Counter(patient.numbers)
        yield Told(path, numbers_in(history.grey.pages(path)), once)
        yield Told(f"{path} of a program", numbers_in(history.program.pages(path)), once)
        yield Told("counted", history.backend.account(patient.person.email).findings, len(once))
        yield Told("/queue", {number: queue[number] for number in once}, once)
        yield Told("/submissions", numbers_in(patient.person.pages("/submissions")), once)
        tasks = read(patient.person, "/inbox")["tasks"]
        about = [(task["task"], task["lesion"] or task["advice"]["finding"]) for task in tasks]
        yield Told("/inbox twice", len(about), len({*about}))
    yield Told("/queue of all", queue.total(), sum(len(item.numbers) for item in history.patients))
    models = read(history.grey, "/outcomes")["models"].values()
    yield Told("/outcomes", sum(model["results"] for model in models), len(history.counted))
    yield Told("check", [fault.message for fault in check_integrity(history.backend.services)], [])


def numbers_in(listed: list[Any]) -> Counter[int]:
    return Counter(item["id"] for item in listed)


def walk_gone(history: History) -> Iterator[Told]:
    """What was deleted, moved or entered in error is nowhere at the one who had it."""
    parts = ("", "/reviews", "/letters", "/photo", "/thumbnail", "/heatmap", "/report.json")
    for patient in history.patients:
        for number in patient.gone:
            readers = [history.grey, history.program, *([patient.person] * bool(patient.spots))]
            for reader, part in product(readers, (*parts, "/report.html", "/report.pdf")):
                status = reader.call("GET", f"/submissions/{number}{part}").status_code
                yield Told(f"gone {number}{part}", status, 404)
            yield from walk_gone_elsewhere(history, patient, number)


def walk_gone_elsewhere(history: History, patient: Patient, number: int) -> Iterator[Told]:
    for area in list_parts("truth", "tests"):
        yield from area.walk_gone(history, patient, number)
    if identifier := history.find_id(number):
        for channel in CHANNELS:
            yield Told(
                f"gone {number} {channel.NAME}", channel.list_sent(history.backend, identifier), ()
            )


def walk_channel(channel: ModuleType, history: History, number: int) -> Iterator[Told]:
    """The coded report of a finding, and the printed one, in another system."""
    truth = Truth(history, number, PROGRAM)
    said = channel.read_back(history.backend, number)
    without_letters = re.split("Written (?:and signed by|on|just before) |Withdrawn by", said.text)
    yield Told(f"{channel.NAME} PDF", asked_in(without_letters[0], "en"), truth.asks)
    elsewhere = truth.elsewhere
    unanswered = elsewhere.band if elsewhere and not elsewhere.decision else None
    yield Told(f"{channel.NAME} urgency", said.urgency, truth.decided or unanswered)
    yield Told(f"{channel.NAME} final", said.final and not truth.counts.decision, False)


def read(person: Person, path: str) -> Any:
    answer = person.call("GET", path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.get_json(force=True)


def text_of(page: str) -> str:
    """Without what is struck."""
    kept = re.sub("<del>.*?</del>", " ", page.partition("<main>")[2], flags=re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", " ", kept))


# A second opinion changes nothing that others read; and what a paper says is compared.


@dataclass
class Paper:
    number: int
    code: str
    said: Any


def print_report(history: History) -> Paper:
    number = history.draw.choice(history.numbers)
    person = history.draw.choice([history.ada, history.grey])
    report = read(person, f"/submissions/{number}/report.json")
    code = report["verification"]["hash"]
    return Paper(number, code, Truth(history, number, PROGRAM).printed)


def verify(history: History, paper: Paper) -> Iterator[Told]:
    """That the same was printed anew is no change."""
    if paper.number not in history.numbers:
        return
    answer = history.backend.anyone.get(f"/reports/verify/{paper.code}").get_json()
    superseded = answer["superseded"] or {}
    changes = {name for name, at in superseded.items() if at}
    same = Truth(history, paper.number, PROGRAM).printed == paper.said
    status = changes <= {"newer_report_at"} if same else answer["newest"]
    yield Told(f"/reports/verify of {paper.number}", status, same)


def answers(history: History, papers: list[Paper]) -> dict[str, bytes]:
    """All that the patient, a program and anybody with a paper is told."""
    own = f"/patients/{history.patient}"
    paths = ["/submissions", "/lesions"]
    for spot in history.spots:
        of_spot = ("", "/submissions", "/letters")
        paths += [f"/lesions/{spot}{of}" for of in of_spot]
    parts = ("", "/reviews", "/letters", "/report.json?issue=false")
    of_findings = [f"/submissions/{number}{of}" for number in history.numbers for of in parts]
    areas = list_parts("truth", "tests")
    found = [path for area in areas for path in area.list_paths(history.patient)]
    for_program = [f"{own}/lesions", *found, *of_findings]
    seals = [f"/reports/verify/{paper.code}" for paper in papers]
    # The inbox last: to read a finding opens what was decided, which is new before.
    asked = [(history.ada, path) for path in [*paths, *of_findings, *seals, "/inbox"]]
    asked += [(history.program, path) for path in for_program]
    return {f"{person.token[:4]} {path}": answer_of(person, path) for person, path in asked}


def answer_of(person: Person, path: str) -> bytes:
    """Without what changes by itself, and which doctors work on a finding."""
    answer = person.call("GET", path)
    if answer.status_code != 200:
        return str(answer.status_code).encode()
    told = _without_case(answer.get_json()) if answer.is_json else answer.data
    return MADE_AT.sub(b"", told)


def _without_case(told: Any) -> bytes:
    rows = [told] if isinstance(told, dict) else told
    return json.dumps(
        [
            {name: value for name, value in row.items() if name != "case"}
            if isinstance(row, dict)
            else row
            for row in rows
        ]
    ).encode()


def run(folder: Path, seed: int) -> tuple[History, list[Told], int]:
    backend = Backend(folder)
    history = History(backend, program_of(backend), seed)
    papers, told = [print_report(history)], list[Told]()
    kept = list[Paper]()
    for _ in range(STEPS):
        act = history.step()
        secret = act == history.review_for_colleague
        before = answers(history, papers) if secret else {}
        days = decided_days(history) if history.corrects(act) else {}
        asked = read_asked(history) if history.arranges(act) else {}
        act()
        told += [Told("milder", item, None) for item in list_milder(history, act, asked)]
        if before:
            after = answers(history, papers)
            told += [Told(f"secret {name}", after[name], before[name]) for name in before]
        told += [Told("day", moved_later(history, *day), False) for day in days.items()]
        kept = [*papers] if act == history.back_up else kept
        papers = kept if act == history.restore else papers
        if history.numbers and history.draw.random() < 0.3:
            papers.append(print_report(history))
    told += walk(history)
    told += [item for paper in papers for item in verify(history, paper)]
    history.backend.services.store.close()
    return history, [item for item in told if item.says != item.holds], len(told)


# No act by which a patient arranges photos makes what was said of one milder, or its day later: by
# what is answered, and not by what `compute_status` computes.


class Asked(NamedTuple):
    """What a reader is told about a finding, and of the spot in which it is."""

    spot: str | None
    band: Band
    about: int
    since: date
    waits_for: str | None
    due: date | None

    @property
    def own_day(self) -> date | None:
        """The day that follows from what was said alone."""
        within = conditions_table().band_entry(self.band).see_within_days
        return None if within is None else before_weekend(self.since + timedelta(days=within))


def read_asked(history: History) -> dict[tuple[str, int], Asked]:
    found = dict[tuple[str, int], Asked]()
    for (person, reader), number in product(
        ((history.ada, PATIENT), (history.grey, DOCTOR)), history.numbers
    ):
        finding = read(person, f"/submissions/{number}")
        told, due = finding["instruction"], finding["instruction"]["due"]
        found[reader, number] = Asked(
            finding.get("lesion"),
            Band(told["band"]),
            told["finding"],
            datetime.fromisoformat(told["since"]).date(),
            told["waits_for"],
            due and date.fromisoformat(due),
        )
    return found


def list_milder(
    history: History, act: Callable[[], None], before: Mapping[tuple[str, int], Asked]
) -> Iterator[tuple[str, Asked, Asked]]:
    after = read_asked(history) if before else {}
    left = {item.spot for key, item in before.items() if after[key].spot != item.spot}
    for (reader, _), was in before.items():
        told = after[reader, was.about]
        # Who leaves a spot, or is left, has the day that follows from what was said of it.
        parted = act == history.move and was.spot in left
        day = was.own_day if parted and was.due else was.due
        milder = urgency(told.band) > urgency(was.band) and not (was.waits_for and told.due)
        if milder or (day and was.due and (told.due is None or told.due > max(day, was.due))):
            yield reader, was, told


def decided_days(history: History) -> dict[int, Any]:
    """Until when a doctor should see what a doctor has decided about, as the patient reads it."""
    asked = {
        item: read(history.ada, f"/submissions/{item}")["instruction"] for item in history.numbers
    }
    return {item: said["due"] for item, said in asked.items() if said["from"] == "decision"}


def moved_later(history: History, number: int, before: str | None) -> bool:
    due = read(history.ada, f"/submissions/{number}")["instruction"]["due"]
    return before is not None and (due is None or due > before)


@pytest.mark.timeout(size(240, 5400))
def test_each_channel_says_what_holds(tmp_path: Path) -> None:
    for seed in range(HISTORIES):
        history, wrong, _ = run(tmp_path / f"{seed}", seed)
        assert wrong == [], (seed, history.log)
