"""After any history of a spot, each channel must tell each reader what the oracle says: the
urgency, the day, the name, and who has decided it.
"""

import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pypdf import PdfReader

from skinapi.app.integrity_check import check_integrity
from skinapi.base.area_parts import list_parts
from skinapi.base.days import say_day
from skinapi.findings.status.spot import Act, LevelSource, SpotReview
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.bands import is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ports import Store
from tests.conftest import empty_database
from tests.findings.reports.contradictions import asked_in
from tests.findings.status.oracle import RANK, THIS_WEEK, Photo
from tests.support.backends import MAIL, Backend, Person, finish_erasures, store_of_kind
from tests.support.channels import CHANNELS
from tests.support.size import drill, size
from tests.use_cases.spot_history import History, Live, Patient

HISTORIES, STEPS = size(6, 500), 14
TABLE = conditions_table()
TAKEN_BACK = "A doctor's review was taken back on"
LETTERS = re.compile("Written (?:and signed by|on|just before|before) |Withdrawn by")


class Told(NamedTuple):
    """What a channel says, and what it should say."""

    channel: str
    says: Any
    holds: Any


@dataclass(frozen=True)
class Truth:
    """What the oracle says of the spot of a finding."""

    history: History
    live: Live

    @property
    def path(self) -> str:
        return f"/submissions/{self.live.number}"

    @cached_property
    def photos(self) -> dict[str, Photo]:
        return self.history.oracle.photos(self.live.spot)

    @cached_property
    def counts(self) -> Photo:
        found = self.history.oracle.first(self.live.spot)
        assert found
        return found

    @property
    def number(self) -> int:
        """Return the number of the finding with the instruction: of a review, the finding on which
        it was signed, or the first remaining one that it covers.
        """
        names = [name for name, it in self.photos.items() if it is self.counts]
        if by := self.review:
            covered = [name for name, it in self.photos.items() if by in it.reviews]
            on = [act.photo for act in self.history.oracle.log if act.review == by][:1]
            left = [name for name in covered if not self.photos[name].stub]
            signed_on = [name for name in on if name in (left or covered)]
            names = signed_on or left or names
        return self.history.numbers[names[0]]

    @property
    def review(self) -> SpotReview | None:
        """Return the review that has set the instruction. It is None if that was of a former
        patient or was voided.
        """
        by = self.counts.by
        return None if by and self.history.oracle.voided_at(by) else by

    @property
    def taken_back_at(self) -> datetime | None:
        """Return when a review was voided, if none was signed since, and no review counts."""
        oracle, said = (
            self.history.oracle,
            {it.id: it for p in self.photos.values() for it in p.reviews},
        )
        last = max(filter(None, map(oracle.voided_at, said.values())), default=None)
        since = [it for it in said.values() if last and it.signed_at > last]
        return last if self.review is None and all(map(oracle.voided_at, since)) else None

    @cached_property
    def current(self) -> SpotReview | None:
        return self.history.oracle.current_review(self.live.spot)

    @cached_property
    def day(self) -> date | None:
        return self.history.oracle.day(self.live.spot)

    @cached_property
    def dues(self) -> Any:
        return self.history.oracle.waiting(self.live.spot, can_read=True)

    @property
    def is_own(self) -> bool:
        """True if no doctor has said anything, and the instruction is the finding's own."""
        own = self.counts is self.live.photo and self.counts.urgency is self.counts.newest
        by_model = own and self.counts.source is LevelSource.MODEL
        return by_model and self.current is None and self.taken_back_at is None

    @property
    def waits_for(self) -> str | None:
        """Return what a patient is told to wait for, in place of the words of the urgency."""
        if self.review is None or self.review != self.current:
            return None
        if WaitingKind.RESULT in self.dues:
            return None if self.day else "result"
        asked = WaitingKind.PHOTO in self.dues and self.review.label is None
        return "photo" if asked and not is_sent(self.counts.urgency) else None

    @property
    def asks(self) -> set[Band]:
        return set() if self.waits_for else {self.counts.urgency}

    @property
    def instruction(self) -> dict[str, Any]:
        label, day = self.review.label if self.review else None, self.day
        return {
            "band": self.counts.urgency,
            "from": self.counts.source,
            "finding": self.number,
            "due": day and day.isoformat(),
            "label": label,
            "waits_for": self.waits_for,
            "photo_wanted": WaitingKind.PHOTO in self.dues,
        }

    @property
    def decision(self) -> dict[str, Any] | None:
        said = self.current
        if said is None:
            return None
        name = self.history.backend.account(said.doctor).name
        return {
            "label": said.label,
            "urgency": said.urgency,
            "certainty": said.certainty,
            "sample": said.sample,
            "decided_by": name,
            "photo_wanted": WaitingKind.PHOTO in self.dues,
            "due": self.day.isoformat() if self.day and said is self.review else None,
        }

    @property
    def changed(self) -> str | None:
        last = self.current and self.history.oracle.last_change(self.live.spot, self.current)
        return TABLE.notices.decision.changes[Act(last)].en if last else None

    @property
    def is_graver(self) -> bool:
        """True if a doctor has named something more urgent than the finding is by itself."""
        said = self.review or self.current
        named = said is not None and said.label is not None
        return named and RANK[said.urgency] < RANK[self.live.photo.newest] if said else False


def only(names: dict[str, Any] | None, told: Any) -> Any:
    return told and {name: told.get(name) for name in names or ()}


def read(person: Person, path: str) -> Any:
    answer = person.call("GET", path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.get_json(force=True)


def walk_often(history: History) -> Iterator[Told]:
    """Check the cheap channels after each act."""
    yield from walk_stored(history)
    yield from walk_waiting(history)
    yield from walk_lists(history)
    for live in history.list_live():
        yield from walk_finding(history.grey, Truth(history, live))
    yield from walk_queue(history)
    yield from walk_signed(history)
    for person in (history.grey, history.program):
        for number in history.gone[-2:]:
            status = person.call("GET", f"/submissions/{number}").status_code
            yield Told(f"gone {number}", status in (404, 410), True)
    yield from (Told("mail", *item) for item in history.mails)
    history.mails.clear()


def walk_damaged(history: History) -> Iterator[Told]:
    """A spot with an unreadable record is urgent, nothing is said of it, and all other spots are as
    before.
    """
    lives, store, grey = history.list_live(), history.backend.services.store, history.grey
    if not lives:
        return
    spot = history.draw.choice(lives).spot
    patient = history.owners[spot]
    parts = [("lesions", "id", "version"), ("submissions", "lesion", "level")]
    parts.append(("reviews", "lesion", "opinion"))
    moved = [item for item in store.collection("submissions").find() if item["lesion"] != spot]
    elsewhere = {review for item in moved for review in item.get("covered_by", ())}
    records = [
        (store.collection(name), field, record)
        for name, by, field in parts
        for record in store.collection(name).find({by: spot})
        if not record.get("error") and record["id"] not in elsewhere
    ]
    rows, field, whole = history.draw.choice(records)
    rows.update({"id": whole["id"]}, {"$set": {field: "nonsense"}})
    for live in lives:
        status = grey.call("GET", f"/submissions/{live.number}").status_code
        yield Told(f"damaged {field} {live.number}", status, 500 if live.spot == spot else 200)
    others = {item.number for item in history.list_live(patient) if item.spot != spot}
    listed = {item["id"] for item in grey.pages(f"/patients/{patient.id}/submissions")}
    yield Told(f"damaged {field} listed", listed, others)
    queued = [item for item in grey.pages("/queue?reviewed=false") if item.get("lesion") == spot]
    says = [(item["urgency"], item["finding"]) for item in queued]
    yield Told(f"damaged {field} queued", says, [(THIS_WEEK, None)])
    rows.delete({"id": whole["id"]})
    rows.insert(whole)
    history.backend.services.data.failed_items.forget(whole["id"])
    history.backend.services.findings.records.renew_waiting_of(patient.id)


def walk_seldom(history: History) -> Iterator[Told]:
    """Check the expensive channels, and those that open a spot."""
    yield from walk_readers(history)
    if lives := history.list_live():
        truth = Truth(history, history.draw.choice(lives))
        yield from walk_report(truth)
        yield from walk_webhook(truth)
        for channel in CHANNELS:
            said = channel.read_back(history.backend, truth.live.number)
            yield from walk_print(channel.NAME, said.text, truth)
            yield Told(f"{channel.NAME} urgency", said.urgency, holds_coded(truth))
            yield Told(f"{channel.NAME} final", said.final and not truth.current, False)
        for area in list_parts("truth", "tests"):
            yield from area.walk(truth)
    history.backend.services.data.trail.seal()
    faults = [fault.message for fault in check_integrity(history.backend.services)]
    yield Told("check", faults, [])


def holds_coded(truth: Truth) -> Band | None:
    """Check the urgency next to the model's: of a review, or of another finding of the spot."""
    return None if truth.is_own or truth.waits_for == "photo" else truth.counts.urgency


def walk_stored(history: History) -> Iterator[Told]:
    for name, stored, photo in history.walk_levels():
        level = stored["level"]
        says = [level["urgency"], level["source"], level.get("day"), "queued_at" in stored]
        day = photo.day and photo.day.isoformat()
        holds = [photo.urgency, photo.source, day, photo.queued_at is not None]
        yield Told(f"level of {name}", says, holds)
        yield Told(f"dispute of {name}", "disputed" in stored, photo.disputed)
    for spot in history.list_spots():
        stored = history.backend.services.store.collection("lesions").get(spot) or {}
        telling, waits = stored.get("telling"), history.oracle.telling(spot)
        yield Told(f"version of {spot}", stored.get("version"), history.oracle.version(spot))
        since = telling and telling["began_at"].date()
        yield Told(f"telling of {spot}", since, waits and waits[0].date())


def walk_waiting(history: History) -> Iterator[Told]:
    """Check what each spot waits for, its deadline in days, for whom, and what is opened for it."""
    store = history.backend.services.store
    rows: dict[str, list[Any]] = {spot: [] for spot in history.owners}
    for row in store.collection("waiting").find():
        if row.get("lesion"):
            rows[row["lesion"]].append(row)
    doctor = history.backend.account(history.grey.email).id
    for spot, patient in history.owners.items():
        counts = history.oracle.first(spot)
        dues = history.oracle.waiting(spot, can_read=not patient.suspended)
        if store.collection("lesions").get(spot) is None:
            dues = {}
        until = {kind: due.date() for kind, due in dues.items()}
        says = {row["kind"]: row["due_at"].date() for row in rows[spot]}
        yield Told(f"waiting of {spot}", says, until)
        numbers = {item["id"]: item["number"] for item in store.collection("submissions").find()}
        live = {item.number: item.photo for item in history.list_live(spot=spot)}
        for row in rows[spot]:
            of = row["owner"], row["doctor"], counts and row["urgency"]
            yield Told(f"row of {spot}", of, (patient.id, doctor, counts and counts.urgency))
            opened = live.get(numbers.get(row.get("finding"), 0))
            yield Told(f"finding of {spot}", opened is not None, bool(live))
            if row["kind"] == "review" and opened:
                is_open = any(photo.queued_at for photo in live.values())
                yield Told(f"open finding of {spot}", bool(opened.queued_at), is_open)


def walk_finding(person: Person, truth: Truth) -> Iterator[Told]:
    path = truth.path
    finding = read(person, path)
    yield Told(f"{path} band", finding["band"], truth.live.photo.newest)
    yield Told(f"{path} lesion", finding["lesion"], truth.live.spot)
    if person is truth.history.grey:
        version = truth.history.oracle.version(truth.live.spot)
        yield Told(f"{path} spot_version", finding["spot_version"], version)
    yield from walk_entry(path, finding, truth)


def walk_entry(channel: str, listed: Any, truth: Truth) -> Iterator[Told]:
    """Check a finding, or an entry of a list, with the fields that older clients show."""
    decision, holds = listed["decision"], truth.decision
    yield Told(f"{channel} decision", only(holds, decision), holds)
    if decision:
        before = decision.get("signed_before") or ""
        yield Told(f"{channel} signed before", (truth.changed or "") in before, True)
        yield Told(f"{channel} has changed", bool(before), bool(truth.changed))
        said = f"The review of {decision['decided_by']} is not about this photo" in before
        yield Told(f"{channel} not covered", said, truth.current not in truth.live.photo.reviews)
    if "instruction" in listed:
        yield from walk_instruction(channel, listed["instruction"], truth)
    if "graver_review" in listed:
        yield Told(f"{channel} graver_review", bool(listed["graver_review"]), truth.is_graver)
    if level := listed.get("level"):
        set_by = truth.live.photo.urgency, truth.live.photo.source
        yield Told(f"{channel} level", (level["urgency"], level["from"]), set_by)
    if report := listed.get("report"):
        asked = asked_in(f"{report['overview']} {report['recommendation']}", "en")
        yield Told(f"{channel} report", asked - truth.asks, set())


def walk_instruction(channel: str, told: Any, truth: Truth) -> Iterator[Told]:
    yield Told(f"{channel} instruction", only(truth.instruction, told), truth.instruction)
    at, why = truth.taken_back_at, told.get("why") or ""
    yield Told(f"{channel} taken back", TAKEN_BACK in why, at is not None)
    if at:
        yield Told(f"{channel} taken back at", f"{TAKEN_BACK} {say_day(at, 'en')}." in why, True)


def walk_lists(history: History) -> Iterator[Told]:
    for patient in history.patients:
        lives = {item.number: Truth(history, item) for item in history.list_live(patient)}
        own = f"/patients/{patient.id}"
        for person in (history.grey, history.program):
            found = person.pages(f"{own}/submissions")
            yield Told(f"{own}/submissions", sorted(item["id"] for item in found), sorted(lives))
            for listed in found:
                truth = lives[listed["id"]]
                yield from walk_entry(f"{own}/submissions", listed, truth)
        for emptied in patient.emptied:
            found = history.program.pages(f"/patients/{emptied}/submissions")
            yield Told(f"of {emptied}", sorted(item["id"] for item in found), sorted(lives))
        yield from walk_spots(history.grey, f"{own}/lesions", patient, history)


def walk_spots(person: Person, path: str, patient: Patient, history: History) -> Iterator[Told]:
    """Check the list of spots, and each spot, including one of which only stubs are left."""
    listed = person.pages(path)
    ids = sorted(spot["id"] for spot in listed)
    yield Told(path, ids, sorted(history.list_spots(patient)))
    for spot in listed:
        yield from walk_spot(f"{path}", spot, history)
    for identifier in history.list_spots(patient):
        path = f"/lesions/{identifier}"
        yield from walk_spot(path, read(person, path), history)


def walk_spot(channel: str, spot: Any, history: History) -> Iterator[Told]:
    photos = history.oracle.photos(spot["id"])
    if not photos:
        yield Told(f"{channel} without findings", spot["instruction"], None)
        return
    name, photo = next(iter(photos.items()))
    truth = Truth(history, Live(name, history.numbers[name], spot["id"], photo))
    yield from walk_instruction(channel, spot["instruction"], truth)
    yield Told(f"{channel} stubs", "deleted" in spot, all(it.stub for it in photos.values()))
    reminder = spot.get("reminder")
    if reminder and truth.day:
        due = max(truth.day, history.at.date()).isoformat()
        yield Told(f"{channel} reminder", (reminder["act"], reminder["due"]), ("see_doctor", due))


def walk_queue(history: History) -> Iterator[Told]:
    """Check that each open spot, and each with a new opinion, is listed once, the most urgent
    first.
    """
    lives = {item.number: item.photo for item in history.list_live()}
    rows = history.grey.pages("/queue?reviewed=false")
    listed = [lives[row["id"]].spot if "id" in row else row["lesion"] for row in rows]
    came = {spot for spot in history.list_spots() if history.oracle.asked_at(spot)}
    is_open = {spot for spot in history.list_spots() if history.oracle.is_open(spot)}
    yield Told("/queue", sorted(listed), sorted(is_open | came))
    told = [row["urgency"] for row in rows]
    spots = [history.oracle.first(spot) for spot in listed]
    yield Told("/queue urgency", told, [photo and photo.urgency for photo in spots])
    ranks = [RANK[Band(band)] for band in told]
    yield Told("/queue order", ranks, sorted(ranks))
    for row, spot in zip(rows, listed, strict=True):
        photos = [photo for photo in lives.values() if photo.spot == spot]
        opened = [RANK[photo.urgency] for photo in photos if photo.queued_at]
        deleted = spot in is_open and not opened
        yield Told(f"/queue deleted {spot}", "deleted" in row, deleted)
        yield Told(f"/queue finding {spot}", "id" in row, bool(photos))
        if "id" in row and opened:
            shown = lives[row["id"]]
            says = shown.queued_at is not None, RANK[shown.urgency]
            yield Told(f"/queue shown {spot}", says, (True, min(opened)))
        elif "id" in row and spot in came:
            yield Told(f"/queue opinion {spot}", bool(row["case"]["opinion_came_at"]), True)
    counts = read(history.grey, "/queue/counts")
    yield Told("/queue/counts", counts["to_review"], len(rows))
    by_urgency = {band: told.count(band) for band in Band}
    yield Told("/queue/counts by_urgency", counts["by_urgency"], by_urgency)
    closed = {number for number, photo in lives.items() if not photo.queued_at}
    listed = [item["id"] for item in history.grey.pages("/queue?reviewed=true")]
    yield Told("/queue?reviewed=true", sorted(listed), sorted(closed))
    bands = {item["_id"]: item["waiting_band"] for item in history.grey.pages("/patients")}
    for patient in history.patients:
        own = [it for it in history.list_spots(patient) if history.oracle.is_open(it)]
        asked = [photo.urgency for spot in own if (photo := history.oracle.first(spot))]
        holds = min(asked, key=lambda band: RANK[band], default=None)
        yield Told("/patients waiting_band", bands[patient.id], holds)


def walk_signed(history: History) -> Iterator[Told]:
    """Check what is shown above letters and printed reports, which do not change, and their
    code.
    """
    for signed in history.letters:
        if now := history.has(signed.name):
            shown = read(history.grey, f"/submissions/{now.number}/letters")
            [letter] = [item for item in shown if item["_id"] == signed.id]
            above, truth = letter["written_before"], Truth(history, now)
            changed = history.has_changed_since(signed)
            yield Told(f"letter {signed.id} has changed", above is not None, changed)
            yield Told(f"letter {signed.id}", asked_in(above or "", "en") <= truth.asks, True)
    for paper in history.papers:
        said = history.backend.anyone.get(f"/reports/verify/{paper.id}").get_json()
        yield Told(
            f"paper of {paper.name} valid", said["valid"], history.has(paper.name) is not None
        )
        if said["valid"]:
            later = [it for it in history.letters if it.name == paper.name and it.at > paper.at]
            newest = not later and not history.has_changed_since(paper)
            yield Told(f"paper of {paper.name}", said["newest"], newest)


def walk_readers(history: History) -> Iterator[Told]:
    """Check the program, and each patient who can read, for whom no notification is then
    pending.
    """
    for live in history.list_live():
        yield from walk_finding(history.program, Truth(history, live))
    for patient in history.patients:
        person = patient.person
        if patient.suspended:
            yield Told("suspended", person.call("GET", "/submissions").status_code >= 400, True)
            continue
        lives = {item.number: Truth(history, item) for item in history.list_live(patient)}
        yield from walk_spots(person, "/lesions", patient, history)
        for listed in person.pages("/submissions"):
            yield from walk_entry("/submissions", listed, lives[listed["id"]])
        yield from walk_home(history, patient)
        for truth in lives.values():
            yield from walk_finding(person, truth)
        for spot in history.list_spots(patient):
            history.note_opened(spot)


def walk_home(history: History, patient: Patient) -> Iterator[Told]:
    tasks = read(patient.person, "/inbox")["tasks"]
    says = {item["lesion"]: item["advice"] for item in tasks if item["task"] == "see_doctor"}
    truths = {live.spot: Truth(history, live) for live in history.list_live(patient)}
    asked = {
        spot: truth.instruction
        for spot, truth in truths.items()
        if is_sent(truth.counts.urgency) and truth.waits_for is None
    }
    yield Told("/inbox", {*says} & {*truths}, {*asked})
    for spot, holds in asked.items():
        del holds["photo_wanted"]
        yield Told(f"/inbox {spot}", only(holds, says.get(spot)), holds)


def walk_report(truth: Truth) -> Iterator[Told]:
    path, person = truth.path, truth.history.grey
    report = read(person, f"{path}/report.json?issue=false")
    band = min(truth.counts.urgency, truth.live.photo.newest, key=lambda band: RANK[band])
    yield Told(f"{path}/report.json band", report["band"], band)
    decision = truth.decision
    yield Told(f"{path}/report.json", only(decision, report["decision"]), decision)
    advice = report["spot_advice"] or {"band": truth.counts.urgency, "from": truth.counts.source}
    says = advice["band"], advice["from"]
    yield Told(f"{path}/report.json spot_advice", says, (truth.counts.urgency, truth.counts.source))
    told = [item["text"] for each in report["reading"]["explanation"] for item in each]
    asked = asked_in(" ".join([*told, *report["reading"]["next_steps"]]), "en")
    yield Told(f"{path}/report.json words", asked - truth.asks, set())
    page = person.call("GET", f"{path}/report.html").text.partition("<main>")[2]
    yield from walk_print(f"{path}/report.html", text_of(page), truth)
    printed = io.BytesIO(person.call("GET", f"{path}/report.pdf").data)
    text = " ".join(sheet.extract_text() for sheet in PdfReader(printed).pages)
    yield from walk_print(f"{path}/report.pdf", text, truth)


def text_of(page: str) -> str:
    """Return the text without what is struck through."""
    kept = re.sub("<del>.*?</del>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", " ", kept))


def walk_print(channel: str, text: str, truth: Truth) -> Iterator[Told]:
    text = " ".join(LETTERS.split(text)[0].split())
    yield Told(f"{channel} asks", asked_in(text, "en"), truth.asks)
    yield Told(f"{channel} taken back", TAKEN_BACK in text, truth.taken_back_at is not None)
    if truth.day and truth.asks:
        yield Told(f"{channel} day", say_day(truth.day, "en") in text, True)
    if decision := truth.decision:
        yield Told(f"{channel} who", decision["decided_by"] in text, True)
        if label := decision["label"]:
            names = (TABLE.name(label, "en"), TABLE.name_for_patient(label, "en"))
            named = any(name.casefold() in text.casefold() for name in names)
            yield Told(f"{channel} name", named, True)


def walk_webhook(truth: Truth) -> Iterator[Told]:
    [sender] = list_parts("sender", "tests")
    told = sender.read_clinical(truth.history.backend, truth.live.number)
    instruction, decision = truth.instruction, truth.decision
    yield Told("webhook", only(instruction, told["instruction"]), instruction)
    if decision:
        del decision["decided_by"]
    yield Told("webhook decision", only(decision, told["decision"]), decision)


def list_milder(history: History, before: dict[str, Any]) -> Iterator[Told]:
    """No act but a review, or a newer version before any review, makes a finding milder."""
    for name, stored, _ in history.walk_levels():
        was = before.get(name)
        if was and RANK[stored["level"]["urgency"]] > RANK[was["level"]["urgency"]]:
            newer = history.act_name in ("correct", "judge_again") and not was.get("covered_by")
            yield Told(f"{name} milder", newer or history.act_name, newer or "sign")


# They name an account by its id alone. The mail with the receipt waits here to be sent.
LEFT = ("audit", "erased_ids", "erasure_receipts", "outbox", "guesses", "leases", "counters")


def walk_erased(history: History) -> Iterator[Told]:
    """After both accounts are closed and the waiting period is over, nothing is left."""
    backend = history.backend
    for patient in history.patients:
        history.root.call("DELETE", f"/users/{patient.person.email}")
    history.let_time_pass(timedelta(days=60))
    finish_erasures(backend)
    left = str(backend.stored(but=LEFT))
    accounts = [{it.id: it.person.email, **it.emptied} for it in history.patients]
    named = [word for each in accounts for pair in each.items() for word in pair]
    named += [*history.owners, *(signed.id for signed in history.letters)]
    yield Told("erased", [word for word in named if word in left], [])
    yield Told("files of an erased account", [*backend.services.store.blobs.keys()], [])
    mails = {row["kind"] for row in backend.stored()["outbox"] if row["account"] in named}
    yield Told("mails of an erased account", mails - {"closed"}, set())


def run(folder: Path, seed: int, store: Store | None = None) -> tuple[History, list[Told], int]:
    """Run a history. Return what a channel says wrongly, and how many statements were checked. It
    ends at the first act with an error.
    """
    with pytest.MonkeyPatch.context() as patch:
        backend = Backend(folder, store, photos="always", deletion_wait_days=28, **MAIL)
        history, told = History(backend, patch, seed), list[Told]()
        wrong = list[Told]()
        for step in range(STEPS):
            before = {name: stored for name, stored, _ in history.walk_levels()}
            history.go_on()
            found = [*list_milder(history, before), *walk_often(history)]
            if step % 3 == 2:
                found += walk_damaged(history)
            if step % 7 == 6:
                found += walk_seldom(history)
            told += found
            wrong = [item for item in found if item.says != item.holds]
            if wrong:
                break
        else:
            wrong = [item for item in walk_erased(history) if item.says != item.holds]
        backend.services.store.close()
        return history, wrong, len(told)


@pytest.mark.timeout(size(240, 5400))
@pytest.mark.parametrize("kind", ["sqlite", *(["mongod"] if drill else [])])
def test_each_channel_says_what_the_oracle_says(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for seed in range(HISTORIES):
        folder, uri = tmp_path / f"{seed}", None
        if kind == "mongod":
            uri = request.getfixturevalue("shared_database_uri")
            empty_database(uri)
        history, wrong, _ = run(folder, seed, store_of_kind(kind, folder, uri) if uri else None)
        acts = "\n".join(map(str, history.oracle.log))
        assert wrong == [], f"seed {seed}, after {history.act_name}:\n{acts}"
