"""Writers that work through HTTP while something is being killed, and remember what they were
promised: a 2xx is a promise, everything else is none."""

import http.client
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from skinapi.auth.passwords import Passwords
from skinapi.storage.ids import new_id
from tests.houses import PASSWORD
from tests.served.people import Caller, Town
from tests.served.wire import Answer, ask


@dataclass
class Promises:
    """What the server acknowledged to one writer."""

    registered: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    roles: dict[str, set[str]] = field(default_factory=dict)  # more than one: no answer came
    password: str = PASSWORD
    maybe: set[str] = field(default_factory=set)  # passwords sent since, without an answer
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def many(self) -> int:
        return sum(many for status, many in self.statuses.items() if 200 <= status < 300)


class Writer(threading.Thread):
    """Registers people, has them approved and given roles, and changes a password of its own."""

    def __init__(self, port: int, admin: Caller, seed: int) -> None:
        super().__init__(daemon=True)
        self.promises = Promises()
        self.email = f"writer-{new_id()[-12:]}@example.org"
        self._port = port
        self._admin = admin
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._token = self._enrol()
        dear = [self._register, self._approve, self._change_password]  # two of them hash
        self._deeds = dear + [self._change_role] * 6

    def run(self) -> None:
        while not self._over.is_set():
            self._random.choice(self._deeds)()

    def finish(self) -> None:
        self._over.set()
        self.join()

    def _enrol(self) -> str:
        """Before anything is killed."""
        body = {"name": "Writer", "email": self.email, "password": PASSWORD}
        token: str = ask(self._port, "POST", "/register", json=body).json["access_token"]
        assert self._admin.call("PATCH", f"/users/{self.email}/approve", json={}).status == 200
        return token

    def _register(self) -> None:
        email = f"w-{new_id()[-16:]}@example.org"
        answer = self._try("POST", "/register", {"email": email, "name": "W", "password": PASSWORD})
        if answer and answer.acknowledged:
            self.promises.registered.append(email)

    def _approve(self) -> None:
        waiting = sorted(set(self.promises.registered) - set(self.promises.approved))
        if not waiting:
            return
        email = self._random.choice(waiting)
        answer = self._try("PATCH", f"/users/{email}/approve", {}, self._admin.token)
        if answer and answer.acknowledged:
            self.promises.approved.append(email)

    def _change_role(self) -> None:
        if not self.promises.registered:
            return
        email = self._random.choice(self.promises.registered)
        role = self._random.choice(("user", "doctor", "researcher"))
        possible = self.promises.roles.setdefault(email, {"user"})
        possible.add(role)
        answer = self._try("PUT", f"/users/{email}/role", {"role": role}, self._admin.token)
        if answer and answer.acknowledged:
            self.promises.roles[email] = {role}

    def _change_password(self) -> None:
        """After an unanswered change either password may hold; logging in tells which."""
        if self.promises.maybe:
            self._settle()
            return
        new = f"{PASSWORD} {self._random.randrange(10**9)}"
        self.promises.maybe = {self.promises.password, new}
        body = {"current_password": self.promises.password, "new_password": new}
        answer = self._try("PUT", "/me/password", body, self._token)
        if answer and answer.acknowledged:
            self._keep(new, answer)
        elif answer and 400 <= answer.status < 500:
            self.promises.maybe = set()

    def _settle(self) -> None:
        for password in sorted(self.promises.maybe):
            answer = self._try("POST", "/login", {"email": self.email, "password": password})
            if answer and answer.acknowledged:
                self._keep(password, answer)
                return

    def _keep(self, password: str, answer: Answer) -> None:
        self.promises.password, self.promises.maybe = password, set()
        self._token = answer.json["access_token"]

    def _try(
        self, method: str, path: str, body: dict[str, str], token: str | None = None
    ) -> Answer | None:
        """None where the connection broke."""
        try:
            answer = ask(self._port, method, path, json=body, token=token)
        except (OSError, http.client.HTTPException):
            self.promises.statuses[0] += 1
            time.sleep(0.02)
            return None
        self.promises.statuses[answer.status] += 1
        return answer


def broken_promises(town: Town, writers: list[Writer]) -> list[str]:
    """Every acknowledged write that is not there."""
    lost = []
    passwords = Passwords()
    for writer in writers:
        kept = writer.promises
        found = {email: town.accounts.by_email(email) for email in kept.registered}
        lost += [f"registration of {email}" for email, account in found.items() if not account]
        approved = [found[email] for email in kept.approved]
        lost += ["approval" for account in approved if account and not account.approved]
        lost += [
            f"role of {email}"
            for email, possible in kept.roles.items()
            if (account := found[email]) and account.role not in possible
        ]
        owner = town.accounts.by_email(writer.email)
        possible = kept.maybe or {kept.password}
        kept_hash = owner.password_hash if owner else None
        if not any(passwords.matches(one, kept_hash) for one in possible):
            lost.append(f"password of {writer.email}")
    return lost


def promised(writers: list[Writer]) -> tuple[int, Counter[int]]:
    """How many writes were acknowledged, and every status that was seen (0: cut off)."""
    statuses: Counter[int] = Counter()
    for writer in writers:
        statuses += writer.promises.statuses
    return sum(writer.promises.many for writer in writers), statuses
