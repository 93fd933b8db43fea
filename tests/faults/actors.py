import http.client
import json
import random
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field

from skinapi.platform.storage.ids import new_id
from tests.faults.history import HUNG, Event, History
from tests.served.people import Caller
from tests.served.photo_clients import as_form
from tests.served.wire import Answer
from tests.support.backends import PASSWORD

PATIENCE_S = 60  # what hangs for longer has not been answered
CUT_OFF = Answer(0, {}, b"{}")
NO_ANSWER = Answer(HUNG, {}, b"{}")
ROLES = ("user", "doctor", "researcher", "admin")
# What a proxy says of a server that broke off; ours never answer so.
FROM_PROXY = (502, 504)


def send(
    port: int,
    method: str,
    path: str,
    token: str,
    body: bytes,
    kind: str,
    key: str = "",
    patience_s: float = PATIENCE_S,
) -> Answer:
    """Return CUT_OFF if the connection broke or an impatient client hung up, and NO_ANSWER after a
    timeout.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Idempotency-Key": key}
    said = {name: value for name, value in headers.items() if value not in ("", "Bearer ")}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)) as line:
        try:
            line.request(method, path, body, said)
            answer = line.getresponse()
            data = answer.read()
        except TimeoutError:
            return NO_ANSWER if patience_s == PATIENCE_S else CUT_OFF
        except (OSError, http.client.HTTPException):
            return CUT_OFF
    if answer.status in FROM_PROXY:
        return CUT_OFF
    return Answer(answer.status, dict(answer.getheaders()), data)


@dataclass
class Patient:
    caller: Caller
    unsettled: list[str] = field(default_factory=list)  # keys without an answer
    settled: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


class Actor(threading.Thread):
    """Does one action after the other on subjects of its own, and some on e-mails that all actors
    want. After a failure it waits a little, as a client does. It waits `patience_s` for a photo.
    """

    def __init__(
        self,
        *,
        admin: Caller,
        patients: list[Patient],
        photos: list[bytes],
        contested: list[str],
        history: History,
        seed: str,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(daemon=True)
        self._patience_s = patience_s
        self._admin = admin
        self._patients = patients
        self._photos = photos
        self._contested = contested
        self._history = history
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._people: list[str] = []
        self._wanted: list[str] = []  # e-mails whose registration had no answer
        self._actions = [
            *(self._register, self._contest, self._remove_patient, self._read),
            *(self._approve, self._remove_person, self._discard) * 2,
            *(self._change_role, self._ask_again) * 4,
            *(self._predict,) * 6,
        ]

    def run(self) -> None:
        while not self._over.is_set():
            self._random.choice(self._actions)()

    def finish(self) -> None:
        self._over.set()
        self.join()

    def _register(self) -> None:
        email = self._wanted.pop() if self._wanted else f"p-{new_id()[-16:]}@example.org"
        event = self._tell("register", email, "", self._ask_to_register(email))
        if event.unknown:
            self._wanted.append(email)
        elif event.done or event.status == 409:
            self._people.append(email)

    def _contest(self) -> None:
        email = self._random.choice(self._contested)
        self._tell("register", email, "", self._ask_to_register(email))

    def _approve(self) -> None:
        if self._people:
            email = self._random.choice(self._people)
            self._admin_does("approve", email, "PATCH", "/approve", {})

    def _change_role(self) -> None:
        if self._people:
            email, role = self._random.choice(self._people), self._random.choice(ROLES)
            self._admin_does("role", email, "PUT", "/role", {"role": role}, value=role)

    def _remove_person(self) -> None:
        """The user routes do not find a doctor."""
        if len(self._people) > 3:
            email = self._people.pop(self._random.randrange(len(self._people)))
            self._admin_does("role", email, "PUT", "/role", {"role": "user"}, value="user")
            self._admin_does("remove", email, "DELETE", "", None)

    def _remove_patient(self) -> None:
        if len(self._patients) > 2:
            patient = self._patients.pop(self._random.randrange(len(self._patients)))
            email = patient.caller.email
            self._admin_does("remove", email, "DELETE", "", None)
            body = {"email": email, "password": PASSWORD}
            self._tell("login", email, "", self._say_json("POST", "/login", "", body))
            self._read_of(patient)

    def _predict(self) -> None:
        patient = self._random.choice(self._patients)
        self._judge(patient, patient.unsettled.pop() if patient.unsettled else new_id())

    def _ask_again(self) -> None:
        """Retry with a key that was answered before, or that will be if its request is still in
        progress.
        """
        patient = self._random.choice(self._patients)
        if patient.settled:
            self._judge(patient, self._random.choice(patient.settled))

    def _judge(self, patient: Patient, key: str) -> None:
        photo = self._photos[int(key[-1], 16) % len(self._photos)]
        body, kind = as_form(photo, "image")
        token = patient.caller.token
        answer = self._say("POST", "/predict", token, body, kind, key, self._patience_s)
        number = str(answer.json["id"]) if answer.status == 200 else ""
        event = self._tell("predict", patient.caller.email, key, answer, number)
        if event.unknown:
            patient.unsettled.append(key)
        elif event.done and key not in patient.settled:
            patient.settled.append(key)
            patient.numbers.append(number)

    def _discard(self) -> None:
        patient = self._random.choice(self._patients)
        if patient.numbers:
            place = self._random.randrange(len(patient.numbers))
            number = patient.numbers.pop(place)
            patient.settled.pop(place)
            answer = self._say("DELETE", f"/submissions/{number}", patient.caller.token)
            self._tell("discard", patient.caller.email, number, answer)

    def _read(self) -> None:
        """Read all that is stored of a patient, also on a server of the previous version."""
        self._read_of(self._random.choice(self._patients))

    def _read_of(self, patient: Patient) -> None:
        answer = self._say("GET", "/submissions", patient.caller.token)
        self._tell("read", patient.caller.email, "", answer)

    def _ask_to_register(self, email: str) -> Answer:
        body = {"name": "P", "email": email, "password": PASSWORD}
        return self._say_json("POST", "/register", "", body)

    def _admin_does(
        self, action: str, email: str, method: str, path: str, body: object, value: str = ""
    ) -> Event:
        answer = self._say_json(method, f"/users/{email}{path}", self._admin.token, body)
        return self._tell(action, email, value, answer)

    def _say_json(self, method: str, path: str, token: str, body: object) -> Answer:
        text = b"" if body is None else json.dumps(body).encode()
        return self._say(method, path, token, text, "application/json" if text else "")

    def _say(
        self,
        method: str,
        path: str,
        token: str,
        body: bytes = b"",
        kind: str = "",
        key: str = "",
        patience_s: float = PATIENCE_S,
    ) -> Answer:
        answer = send(self._admin.port, method, path, token, body, kind, key, patience_s)
        if not answer.acknowledged:
            time.sleep(0.05)
        return answer

    def _tell(self, action: str, about: str, value: str, answer: Answer, number: str = "") -> Event:
        return self._history.record(Event(action, about, value, answer.status, number))
