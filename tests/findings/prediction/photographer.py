import io
from typing import Any

from werkzeug.test import TestResponse

from skinapi.findings.records.schemas.summary import SummaryView
from tests.support.backends import Person
from tests.support.photos import photo_of


def send(
    person: Person,
    content: bytes | None = None,
    *,
    field: str = "image",
    filename: str = "lesion.jpg",
    key: str | None = None,
    **texts: Any,
) -> TestResponse:
    sent = photo_of("melanoma") if content is None else content
    data = {field: (io.BytesIO(sent), filename), **texts}
    headers = {"Idempotency-Key": key} if key else {}
    return person.call(
        "POST", "/predict", data=data, content_type="multipart/form-data", headers=headers
    )


def listed(body: dict[str, Any]) -> dict[str, Any]:
    shown = SummaryView.model_json_schema(by_alias=True, mode="serialization")["properties"]
    return {name: value for name, value in body.items() if name in shown}


def predicted(person: Person, content: bytes | None = None, **options: Any) -> dict[str, Any]:
    answer = send(person, content, **options)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body
