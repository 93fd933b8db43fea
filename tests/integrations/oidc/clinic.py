from typing import Any

from werkzeug.test import TestResponse

from tests.integrations.oidc.fake_provider import Asked, FakeProvider
from tests.support.backends import Backend, Person

ADA = "ada@clinic.example"


class Clinic(Backend):
    fake: FakeProvider

    def begin(self, provider: str = "hospital") -> Asked:
        answer = self.client.post(f"/auth/oidc/{provider}/start", json={})
        assert answer.status_code == 200, answer.text
        self.fake.asked = Asked.from_address(answer.get_json()["address"])
        return self.fake.asked

    def come_back(self, asked: Asked, provider: str = "hospital", **query: str) -> str:
        given = {"code": "a-code", "state": asked.state, **query}
        answer = self.client.get(f"/auth/oidc/{provider}/callback", query_string=given)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def finish(self, **body: Any) -> TestResponse:
        return self.client.post("/auth/oidc/finish", json=body)

    def enter(self, **claims: Any) -> TestResponse:
        self.fake.claims = claims
        assert self.come_back(self.begin()) == "/#/back"
        return self.finish()

    def entered(self, **claims: Any) -> Person:
        answer = self.enter(**claims)
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        return Person(self.client, body["access_token"], body["email"])

    def refused(self, **claims: Any) -> str:
        self.fake.claims = claims
        place = self.come_back(self.begin())
        assert place.startswith("/#/login/"), place
        return place.removeprefix("/#/login/")

    def kept(self) -> dict[str, Any]:
        return self.stored(but=("guesses", "oidc_round_trips"))

    def actions(self) -> list[tuple[str, str]]:
        return [(row["action"], row["outcome"]) for row in self.audit()]
