from typing import Any

from werkzeug.test import TestResponse

from tests.care.clinic import patient_in_care
from tests.support.backends import Backend, Person


class Talk:
    def __init__(self, backend: Backend, *, about_a_spot: bool = True) -> None:
        self.backend, self.about_a_spot = backend, about_a_spot
        self.grey, self.ada = patient_in_care(backend)
        self.patient = backend.account(self.ada.email).id
        self.lesion = self.begin()

    @property
    def path(self) -> str:
        about = self.lesion if self.about_a_spot else self.patient
        return f"/conversations/{about}/messages"

    def begin(self) -> str:
        answer = self.ada.call("POST", "/lesions", json={"place": {"site": "back"}})
        lesion: str = answer.get_json()["id"]
        return lesion

    def send(
        self,
        by: Person,
        text: str = "hello",
        *,
        key: str | None = None,
        **fields: Any,
    ) -> TestResponse:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"text": text, **fields}
        return by.call("POST", self.path, json=body, headers=headers)

    def sent(self, by: Person, text: str = "hello", **fields: Any) -> dict[str, Any]:
        answer = self.send(by, text, **fields)
        assert answer.status_code == 201, answer.text
        message: dict[str, Any] = answer.get_json()
        return message

    def texts(self, person: Person, query: str = "") -> list[str]:
        return [item["text"] for item in person.pages(f"{self.path}{query}")]

    def newest(self, person: Person) -> str:
        identifier: str = person.call("GET", f"{self.path}?order=newest").get_json()[0]["_id"]
        return identifier

    def read(self, person: Person, last: str | None = None) -> None:
        person.call_ok("PUT", f"/messages/{last or self.newest(person)}/read")

    def done(self, person: Person, last: str | None = None) -> None:
        person.call_ok("POST", f"/messages/{last or self.newest(person)}/done")

    def waiting(self, person: Person) -> Any:
        return person.call("GET", "/messages").get_json()

    def waits(self, person: Person) -> list[int]:
        return [item["unread"] for item in self.waiting(person)]

    def assign(self, doctor: Person | None) -> None:
        body = {"doctor": doctor.email if doctor else None}
        admin = self.backend.member(role="admin")
        admin.call_ok("PUT", f"/users/{self.ada.email}/doctor", json=body)
