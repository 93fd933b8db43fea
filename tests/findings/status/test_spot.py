import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.findings.status import spot as rules
from skinapi.findings.status.spot import (
    Act,
    Certainty,
    Sample,
    SecondOpinionRequest,
    Spot,
    SpotFinding,
    SpotReview,
)
from skinapi.findings.status.waiting import waiting
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from tests.findings.status.oracle import Done, Oracle
from tests.support.size import size

BEGAN = datetime(2026, 11, 30, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OF_ANNA, OF_BEA = ("anna 1", "anna 2", "anna 3"), ("bea 1",)
LABELS = (None, "melanoma", "basal_cell_carcinoma", "inflammatory", "melanocytic_nevus")
SPOKEN = dict(zip(("this week", "two weeks", "doctor", "routine", "watch"), Band, strict=True))


# Each example is a story, and below it what the spot then says: the instruction, what set it for
# which photo, the current review, the day to see a doctor, and what the spot waits for.
# The photos are numbered. "photo 2: routine" adds one that the model finds routine, and "newer 2:
# routine" judges it again. "change 2" means that a comparison has found a change from photo 1. Days
# are counted from the day of the first photo.
EXAMPLES = """
-- What counts
photo 1: two weeks
    two weeks | model 1 | - | 14 | review visit telling
photo 1: routine; photo 2: doctor; photo 3: doctor
    doctor | model 3 | - | - | review
photo 1: this week; newer 1: watch
    watch | model 1 | - | - | review telling
photo 1: routine; photo 2: watch; change 2
    doctor | comparison 2 | - | - | review
photo 1: routine; photo 2: watch; change 2; newer 2: watch
    doctor | comparison 2 | - | - | review
photo 1: routine; photo 2: two weeks; change 2
    two weeks | model 2 | - | 14 | review visit telling
-- Reviews
photo 1: this week; review A: watch, sure melanocytic_nevus
    watch | review 1 | A | - | telling
photo 1: this week; opened; review A: watch, sure melanocytic_nevus
    watch | review 1 | A | - | -
photo 1: watch; review A: this week, suspected melanoma
    this week | review 1 | A | 7 | visit telling
photo 1: watch; review A: this week, suspected melanoma; photo 2: watch
    this week | review 1 | A | 7 | review visit telling
photo 1: routine; review A: two weeks; photo 2: two weeks
    two weeks | review 1 | A | 14 | review visit telling
photo 1: routine; review A: watch; photo 2: this week
    this week | model 2 | A | 7 | review visit telling
photo 1: routine; review A: watch; newer 1: doctor
    doctor | model 1 | A | - | review
photo 1: routine; review A: doctor; newer 1: watch
    doctor | review 1 | A | - | -
photo 1: routine; review A: routine; photo 2: watch; change 2; review B: watch
    watch | review 2 | B | - | -
photo 1: routine; review A: routine; photo 2: watch; change 2; review B: watch; change 2
    watch | review 2 | B | - | -
photo 1: watch; review A: watch, sure basal_cell_carcinoma; told
    watch | review 1 | A | - | -
photo 1: watch; review A: routine, another photo
    routine | review 1 | A | - | photo
photo 1: watch; review A: routine, another photo; photo 2: watch
    routine | review 1 | A | - | review
-- The day
photo 1: this week; day 5; newer 1: two weeks
    two weeks | model 1 | - | 7 | review visit telling
photo 1: two weeks; day 5; review A: this week
    this week | review 1 | A | 12 | visit telling
photo 1: two weeks; day 10; review A: this week
    this week | review 1 | A | 14 | visit telling
photo 1: two weeks; day 10; review A: this week, laboratory melanoma
    this week | review 1 | A | 17 | visit telling
photo 1: this week; review A: this week, sample waiting
    this week | review 1 | A | - | result telling
photo 1: this week; review A: this week, sample waiting; day 4; photo 2: two weeks
    this week | review 1 | A | 7 | review result visit telling
-- Voided, moved and deleted
photo 1: two weeks; review A: watch; void A
    two weeks | model 1 | - | 14 | review visit telling
photo 1: watch; review A: two weeks; void A
    two weeks | review 1 | - | 14 | review visit telling
photo 1: watch; review A: doctor; review B: routine; void B
    doctor | review 1 | A | - | review
photo 1: watch; review A: two weeks; photo 2: routine; move 1
    routine | model 2 | - | - | review telling
photo 1: watch; photo 2: two weeks; opened; another patient 2
    watch | model 1 | - | - | review telling
photo 1: routine; photo 2: two weeks; opened; in error 2
    two weeks | model 2 | - | 14 | review visit telling
photo 1: watch; photo 2: doctor; in error 2
    watch | model 1 | - | - | review
photo 1: watch; photo 2: watch; review A: two weeks; opened; in error 2; review B: watch
    watch | review 2 | B | - | telling
photo 1: watch; photo 2: doctor; delete 2
    doctor | model 2 | - | - | review
photo 1: watch; photo 2: routine; delete 2
    watch | model 1 | - | - | review
photo 1: routine; review A: two weeks; delete 1; photo 2: watch; review B: watch
    watch | review 2 | B | - | telling
photo 1: routine; review A: watch; dispute 1
    watch | review 1 | A | - | review
"""


def tell_story(story: str) -> Spot:
    spot, at = Spot("s"), BEGAN
    for sentence in story.split("; "):
        words, _, rest = sentence.partition(": ")
        act, _, name = words.rpartition(" ")
        band = SPOKEN.get(rest)
        at += timedelta(minutes=1)
        if act == "day":
            at = BEGAN + int(name) * DAY
        elif words in ("opened", "told"):
            spot = rules.mark_told(spot, at=at, opened=words == "opened")
        elif act == "photo" and band:
            spot = rules.add(spot, name, int(name), band, at=at)
        elif act == "newer" and band:
            spot = rules.judge(spot, name, band, at=at)
        elif act == "change":
            spot = rules.compare(spot, "1", name, at=at)
        elif act == "review":
            spot = rules.sign(spot, _read_review(name, rest, at), at=at)
        elif act == "move":
            spot, _ = rules.move(spot, Spot("t"), name, at=at)
        elif act == "dispute":
            spot = rules.dispute(spot, name, "another patient", at=at)
        else:
            acts: dict[str, Callable[..., Spot]] = {
                "void": rules.void,
                "delete": rules.delete,
                "in error": rules.enter_in_error,
                "another patient": rules.leave,
            }
            spot = acts[act](spot, name, at=at)
    return spot


def _read_review(name: str, stated: str, at: datetime) -> SpotReview:
    band, *more = stated.split(", ")
    review = SpotReview(name, "grey", SPOKEN[band], at, photo_wanted="another photo" in more)
    for words in more:
        first, _, last = words.partition(" ")
        if first == "sample":
            review = replace(review, sample=Sample(last))
        elif first in [*Certainty]:
            review = replace(review, certainty=Certainty(first), label=last)
    return review


@pytest.mark.parametrize(
    ("story", "expected"), re.findall(r"^(photo .+)\n    (.+)$", EXAMPLES, re.MULTILINE)
)
def test_example(story: str, expected: str) -> None:
    spot = tell_story(story)
    first, current, day = rules.instruction(spot), rules.current_review(spot), rules.spot_day(spot)
    assert first is not None
    waits = " ".join(item.kind for item in waiting(spot, can_read=True))
    assert expected.split(" | ") == [
        next(words for words, band in SPOKEN.items() if band is first.level.urgency),
        f"{first.level.source} {first.number}",
        current.id if current else "-",
        str((day - BEGAN.date()).days) if day else "-",
        waits or "-",
    ]


class History:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.at = BEGAN
        self.spots = {name: Spot(name) for name in (*OF_ANNA, *OF_BEA)}
        self.oracle = Oracle()

    def go_on(self) -> None:
        hours = self.random.choice((1, 5, 20, 24, 70, 200, 500))
        self.at += timedelta(hours=hours)
        before = dict(self.spots)
        spot = self.spots[self.random.choice((*OF_ANNA, *OF_BEA, OF_ANNA[0]))]
        acts = [self._add, self._add]
        if spot.findings:
            acts += [self._place, self._tell, self._tell, self._answer]
            acts += [self._sign] * 5
        if self._voidable(spot):
            acts += [self._void] * 2
        self.live = [item for item in spot.findings if not item.stub]
        if self.live:
            acts += [self._judge] * 4
            acts += [
                self._ask,
                self._compare,
                self._compare,
                self._dispute,
                self._delete,
                self._enter_in_error,
            ]
            if not rules.awaits_result(spot):
                acts += [self._move, self._move, self._give]
        self.random.choice(acts)(spot)
        self._check_invariants(before)

    def _log(self, what: str, spot: Spot, finding: SpotFinding | None = None, **more: Any) -> None:
        done = Done(self.at, what, spot.id, finding.id if finding else "")
        self.oracle.log.append(done._replace(**more))

    def _band(self) -> Band:
        return self.random.choice(list[Band](Band))

    def _add(self, spot: Spot) -> None:
        number, band = len(self.oracle.log), self._band()
        self.spots[spot.id] = rules.add(spot, f"f{number}", number, band, at=self.at)
        self._log("added", spot, photo=f"f{number}", urgency=band)

    def _place(self, spot: Spot) -> None:
        self.spots[spot.id] = rules.note_change(spot, Act.PLACED, at=self.at)
        self._log("placed", spot)

    def _tell(self, spot: Spot) -> None:
        opened = self.random.random() < 0.7
        self.spots[spot.id] = rules.mark_told(spot, at=self.at, opened=opened)
        self._log("opened" if opened else "told", spot)

    def _ask(self, spot: Spot) -> None:
        asked = self.random.choice(self.live)
        opinion = SecondOpinionRequest(number=asked.number, asked_at=self.at)
        self.spots[spot.id] = rules.ask(spot, opinion)
        self._log("asked", spot, asked)

    def _answer(self, spot: Spot) -> None:
        self.spots[spot.id] = rules.answer(spot, at=self.at)
        self._log("answered", spot)

    def _judge(self, spot: Spot) -> None:
        finding, band = self.random.choice(self.live), self._band()
        act, what = self.random.choice(((rules.judge, "judged"), (rules.correct, "corrected")))
        self.spots[spot.id] = act(spot, finding.id, band, at=self.at)
        self._log(what, spot, finding, urgency=band)

    def _compare(self, spot: Spot) -> None:
        earlier, later = self.random.choice(spot.findings), self.random.choice(self.live)
        if earlier.number < later.number:
            self.spots[spot.id] = rules.compare(spot, earlier.id, later.id, at=self.at)
            self._log("compared", spot, later, other=earlier.id)

    def _dispute(self, spot: Spot) -> None:
        finding = self.random.choice(self.live)
        self.spots[spot.id] = rules.dispute(spot, finding.id, "another patient", at=self.at)
        self._log("disputed", spot, finding)

    def _sign(self, spot: Spot) -> None:
        review = SpotReview(
            f"r{len(self.oracle.log)}",
            self.random.choice(("grey", "bailey")),
            self._band(),
            self.at,
            label=self.random.choice(LABELS),
            certainty=self.random.choice((None, *Certainty)),
            sample=self.random.choice((None, None, *Sample)),
            photo_wanted=self.random.random() < 0.3,
        )
        current = rules.current_review(spot)
        answers = review.sample is Sample.NONE or review.certainty is Certainty.LABORATORY
        if current and current.sample is Sample.WAITING and not answers:
            no_milder = min(review.urgency, current.urgency, key=urgency)
            review = replace(review, sample=Sample.WAITING, urgency=no_milder)
        asks = self.oracle.needs_confirmation(spot.id, review)
        assert bool(rules.find_replaced(spot, review)) is asks
        self.spots[spot.id] = rules.sign(spot, review, at=self.at)
        self._log("signed", spot, review=review)
        assert self.spots[spot.id].reviews[-1].spot_version == self.spots[spot.id].version

    def _signed_in(self, review: str) -> str:
        return next(act.spot for act in self.oracle.log if act.review and act.review.id == review)

    def _voidable(self, spot: Spot) -> list[SpotReview]:
        """The reviews signed in this spot that no spot needs for a sample."""
        awaited = [
            rules.current_review(each) for each in self.spots.values() if rules.awaits_result(each)
        ]
        here = [item for item in spot.reviews if self._signed_in(item.id) == spot.id]
        ids = {item.id for item in awaited if item}
        return [item for item in here if not item.voided and item.id not in ids]

    def _void(self, spot: Spot) -> None:
        """Void a review in its spot, and in each spot to which a finding has taken it along."""
        review = self.random.choice(self._voidable(spot)).id
        for each in self.spots.values():
            if each.id == spot.id or any(review in item.covered_by for item in each.findings):
                self.spots[each.id] = rules.void(each, review, at=self.at)
            else:
                known = (replace(r, voided=r.voided or r.id == review) for r in each.reviews)
                self.spots[each.id] = replace(each, reviews=tuple(known))
        signed = next(a.review for a in self.oracle.log if a.review and a.review.id == review)
        self._log("voided", spot, review=signed)

    def _move(self, spot: Spot) -> None:
        same = OF_ANNA if spot.id in OF_ANNA else OF_BEA
        others = [name for name in same if name != spot.id]
        if others:
            finding, to = self.random.choice(self.live), self.spots[self.random.choice(others)]
            moved = rules.move(spot, to, finding.id, at=self.at)
            self.spots[spot.id], self.spots[to.id] = moved
            self._log("moved", spot, finding, other=to.id)

    def _give(self, spot: Spot) -> None:
        finding, band, number = self.random.choice(self.live), self._band(), len(self.oracle.log)
        to = self.spots[self.random.choice(OF_BEA if spot.id in OF_ANNA else OF_ANNA)]
        self.spots[spot.id] = rules.leave(spot, finding.id, at=self.at)
        new, former = f"{finding.id}'", finding.level
        self.spots[to.id] = rules.add(to, new, number, band, former=former, at=self.at)
        self._log("given", spot, finding, urgency=band, other=to.id)

    def _delete(self, spot: Spot) -> None:
        finding = self.random.choice(self.live)
        self.spots[spot.id] = rules.delete(spot, finding.id, at=self.at)
        self._log("deleted", spot, finding)

    def _enter_in_error(self, spot: Spot) -> None:
        finding = self.random.choice(self.live)
        self.spots[spot.id] = rules.enter_in_error(spot, finding.id, at=self.at)
        self._log("in_error", spot, finding)

    def _check_invariants(self, before: dict[str, Spot]) -> None:
        """Only a review, or a newer version before any review, makes a finding milder. A spot
        becomes milder also if a finding leaves it.
        """
        what = self.oracle.log[-1].what if self.oracle.log else ""
        for spot in self.spots.values():
            former = {item.id: item for item in before[spot.id].findings}
            for item in spot.findings:
                if item.id in former and item.rank > former[item.id].rank:
                    reviewed = former[item.id].covered_by
                    assert what == "signed" or (what in ("judged", "corrected") and not reviewed)
                if item.level.review:
                    assert item.level.review in item.covered_by
            was, now = rules.instruction(before[spot.id]), rules.instruction(spot)
            if was and (now is None or now.rank > was.rank):
                left = former.keys() - {item.id for item in spot.findings}
                assert left or what in ("signed", "judged", "corrected")

    def compare(self) -> None:
        for name, spot in self.spots.items():
            assert _read_spot(spot) == self._ask_oracle(name)
            can_read = self.random.random() < 0.5
            dues = {item.kind: item.due_at for item in waiting(spot, can_read=can_read)}
            assert dues == self.oracle.waiting(name, can_read=can_read)

    def _ask_oracle(self, spot: str) -> dict[str, object]:
        ask = self.oracle
        first, current = ask.first(spot), ask.current_review(spot)
        return {
            "version": ask.version(spot),
            "findings": {
                name: (
                    *(item.number, item.urgency, item.source, item.day),
                    *(item.queued_at, item.stub, item.disputed, item.by and item.by.id),
                )
                for name, item in ask.photos(spot).items()
            },
            "instruction": first and (first.number, first.urgency, first.source),
            "review": current and current.id,
            "changed since": ask.last_change(spot, current) if current else None,
            "awaits result": ask.awaits_result(spot),
            "day": ask.day(spot),
            "telling": ask.telling(spot),
        }


def _read_spot(spot: Spot) -> dict[str, object]:
    first, current = rules.instruction(spot), rules.current_review(spot)
    since = rules.changed_since(spot, current.spot_version) if current else None
    return {
        "version": spot.version,
        "findings": {
            item.id: (
                *(item.number, item.level.urgency, item.level.source, item.level.day),
                *(item.queued_at, item.stub, item.dispute is not None, item.level.review),
            )
            for item in spot.findings
        },
        "instruction": first and (first.number, first.level.urgency, first.level.source),
        "review": current and current.id,
        "changed since": since and since.act.value,
        "awaits result": rules.awaits_result(spot),
        "day": rules.spot_day(spot),
        "telling": spot.telling and (spot.telling.began_at, spot.telling.grave),
    }


def test_random_histories_agree_with_the_oracle() -> None:
    for seed in range(size(200, 5000)):
        history = History(seed)
        try:
            for _ in range(25):
                history.go_on()
                history.compare()
        except Exception as error:
            acts = "\n".join(map(str, history.oracle.log))
            error.add_note(f"Seed {seed}, after these acts:\n{acts}")
            raise
