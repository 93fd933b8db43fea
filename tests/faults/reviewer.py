"""A doctor and a patient who go on working through HTTP: findings are made, reviewed, reviewed
again and read, and each answer is held against the last review that was acknowledged.
"""

import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ids import new_id
from tests.faults.actors import send
from tests.faults.history import Event, History
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form
from tests.support.backends import change_account
from tests.support.photos import photo_of

# Of a band that is less urgent than that of many labels.
HARMLESS = photo_of("melanocytic_nevus")
MOST = 25  # findings; then the same ones are reviewed again


@dataclass
class Reviewed:
    """A finding, as it was answered."""

    number: str
    band: Band
    labels: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str | None:
        """What every list says first, where the latest review is graver. It counts, for it is the
        same doctor's, who is sure.
        """
        if not self.labels:
            return None
        table = conditions_table()
        reviewed = table.by_key(self.labels[-1])
        if urgency(reviewed.urgency) >= urgency(self.band):
            return None
        return table.notices.graver_review.en.format(name=reviewed.names.en)


class Reviewer(threading.Thread):
    """`wrong` are answers that no version may give. `read` counts what lists said of a finding: by
    code without `graver_review`; by code with it, whether that was of the latest review (`right`,
    and where that is graver than the finding), or of an earlier one or none (`behind`).
    """

    def __init__(self, seeder: Seeder, history: History, seed: str) -> None:
        super().__init__(daemon=True)
        self.doctor, self.patient = seeder.person("doctor"), seeder.person()
        change_account(seeder.services, self.patient.id, doctor_id=self.doctor.id)
        for caller, role in ((self.doctor, "doctor"), (self.patient, "user")):
            history.record(Event("enrol", caller.email, caller.id, 201, role))
        self.findings: list[Reviewed] = []
        self.wrong: list[str] = []
        self.read = Counter[str]()
        self._history = history
        self._random = random.Random(seed)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            if len(self.findings) < MOST and self._random.random() < 0.3:
                self._judge()
            elif self.findings:
                self._random.choice([self._review, self._review, self._read_one, self._read_all])()

    def finish(self) -> None:
        self._over.set()
        self.join()

    def _judge(self) -> None:
        body, kind = as_form(HARMLESS, "image")
        key = new_id()
        answer = send(self.patient.port, "POST", "/predict", self.patient.token, body, kind, key)
        number = str(answer.json["id"]) if answer.status == 200 else ""
        self._history.record(Event("predict", self.patient.email, key, answer.status, number))
        if number:
            self.findings.append(Reviewed(number, Band(answer.json["band"])))

    def _review(self) -> None:
        finding = self._random.choice(self.findings)
        label = self._random.choice(sorted(conditions_table().keys))
        said = {"label": label, "agreement": "disagree", "told_by": "server"}
        body = json.dumps(said).encode()
        path = f"/submissions/{finding.number}/review"
        caller = self.doctor
        kind = "application/json"
        answer = send(caller.port, "POST", path, caller.token, body, kind, new_id())
        self._history.record(Event("review", caller.email, finding.number, answer.status, label))
        if answer.status == 201:
            finding.labels.append(label)

    def _read_one(self) -> None:
        finding = self._random.choice(self.findings)
        answer = self._get(self.doctor, f"/submissions/{finding.number}/reviews?limit=1000")
        if answer is not None and [one["label"] for one in answer] != finding.labels:
            self.wrong.append(f"the reviews of finding {finding.number}")

    def _read_all(self) -> None:
        answer = self._get(self.patient, "/submissions?limit=1000")
        if answer is None:
            return
        told = {str(one["id"]): one for one in answer}
        if told.keys() != {finding.number for finding in self.findings}:
            self.wrong.append("the list of findings")
        for finding in self.findings:
            one = told[finding.number]
            if one["band"] != finding.band:
                self.wrong.append(f"the band of finding {finding.number}")
            if "graver_review" not in one:
                self.read["by code without it"] += 1
            elif one["graver_review"] == finding.sentence:
                self.read["right, graver" if finding.sentence else "right"] += 1
            else:
                self.read["behind"] += 1

    def _get(self, caller: Caller, path: str) -> list[dict[str, str]] | None:
        answer = send(caller.port, "GET", path, caller.token, b"", "")
        self._history.record(Event("read", caller.email, path, answer.status))
        found: list[dict[str, str]] | None = answer.json if answer.status == 200 else None
        return found
