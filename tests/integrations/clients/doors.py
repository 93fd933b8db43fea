"""These clients for the tests that send photos to every door: see tests/served/doors.py."""

from tests.served.photo_clients import JSON, Client, as_form, as_json, says_error
from tests.served.wire import Answer

OPEN = {"OPEN_LAB": "true"}
SHUT = dict.fromkeys(("OPEN_SKINARTIFY", "OPEN_EXPLAINABLE", "OPEN_GUIDE"), "false")
REFUSED = {
    "an anonymous client that is closed": ("/inference", JSON, None, 401),
    "a closed client that knows 200 alone": ("/api/predict", JSON, None, 200),
}


def _says_detail(answer: Answer) -> bool:
    return answer.status == 400 and bool(answer.json["detail"])


def _is_plain(answer: Answer) -> bool:
    kind = answer.headers["Content-Type"]
    return 400 <= answer.status < 500 and kind.startswith("text/plain") and bool(answer.data)


def _is_inconclusive(answer: Answer) -> bool:
    said = answer.json
    return (answer.status, said["class_name"], said["confidence"]) == (
        200,
        "Inconclusive - no diagnosis",
        0,
    )


CLIENTS = (
    Client(
        "guide",
        "/api/predict",
        lambda c: as_form(c, "file"),
        _says_detail,
        400,
        limit="8388608 bytes",
        draws=True,
    ),
    Client("skinartify", "/predict", lambda c: as_form(c, "file"), says_error, 413),
    Client("explainable", "/inference", lambda c: as_json(c, "image_data"), says_error, 413),
    Client("explainable report", "/report", lambda c: as_json(c, "image_data"), _is_plain, 413),
    Client(
        "lab",
        "/api/predict",
        lambda c: as_json(c, "image", "data:image/jpeg;base64,"),
        _is_inconclusive,
        200,
        without_model=200,
    ),
)
