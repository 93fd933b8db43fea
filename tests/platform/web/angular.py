from typing import Any

from werkzeug.test import TestResponse

from tests.support.backends import Backend, Person

ORIGIN = "http://localhost:4200"
DEFAULT_PASSWORD = "defaultPass123"


class Angular:
    """Sends what the app sends; `None` as token is its logged-out `Bearer null`."""

    def __init__(self, backend: Backend, token: str | None = None) -> None:
        self._backend = backend
        self.token = token

    @classmethod
    def from_backend(cls, backend: Backend, person: Person) -> "Angular":
        return cls(backend, person.token)

    def send(self, method: str, path: str, body: Any = None) -> TestResponse:
        headers = {"Origin": ORIGIN, "Accept": "application/json, text/plain, */*"}
        if path not in ("/login", "/register"):
            headers["Authorization"] = f"Bearer {self.token or 'null'}"
        sent = {} if body is None else {"json": body}
        answer = self._backend.client.open(path, method=method, headers=headers, **sent)
        assert_readable(answer)
        return answer

    def preflight(self, method: str, path: str, origin: str = ORIGIN) -> TestResponse:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        return self._backend.client.options(path, headers=headers)


def assert_readable(answer: TestResponse) -> None:
    """Check the CORS headers: without them the browser reports status 0 to the app."""
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers["Vary"]


def shown(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    if answer.status_code >= 400:
        assert body["error"] == body["message"] == body["msg"] == body["detail"]
        return answer.status_code, body["error"]
    return answer.status_code, body["message"]
