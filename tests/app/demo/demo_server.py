from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skinapi.base.settings.demo_folder import Demo, read_demo
from tests.served.people import Caller
from tests.served.server import Server, stopping
from tests.served.wire import ask

COMMAND = ("make", "demo", "--assume-old=.venv/serving", "PYTHON={python}", "DEMO={folder}")
FOREIGN = {
    "JWT_SECRET_KEY": "",
    "MODEL_PATH": "",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "MAIL_FROM": "clinic@example.org",
}


class DemoServer(Server):
    ready_s = 300  # its folder is made first: 8 s, on a busy machine minutes

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FOREIGN, workers=1)
        self._callers: dict[str, Caller] = {}

    @property
    def instance(self) -> Path:
        return self.folder / "instance"

    @property
    def demo(self) -> Demo:
        found = read_demo(self.instance)
        assert found, self.log()
        return found

    def role_of(self, email: str) -> str:
        return next(person.role for person in self.demo.people if person.email == email)

    def emails(self, role: str) -> list[str]:
        return [person.email for person in self.demo.people if person.role == role]

    def caller(self, email: str) -> Caller:
        if email not in self._callers:
            body = {"email": email, "password": self.demo.password}
            answer = ask(self.port, "POST", "/login", json=body)
            assert answer.status == 200, answer.json
            self._callers[email] = Caller(self.port, "", email, answer.json["access_token"])
        return self._callers[email]

    def read(self, email: str, path: str) -> Any:
        answer = self.caller(email).call("GET", path)
        assert answer.status == 200, (path, answer.json)
        return answer.json


@contextmanager
def serving_demo(folder: Path) -> Iterator[DemoServer]:
    server = DemoServer(folder)
    names = {"python": server.interpreter, "folder": server.instance}
    command = [part.format(**names) for part in COMMAND]
    with stopping(server):
        server.start(("-c", f"import os; os.execvp('make', {command!r})"))
        yield server
