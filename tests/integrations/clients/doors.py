from functools import partial

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


IN_FILE, IN_DATA = partial(as_form, field="file"), partial(as_json, field="image_data")
AS_URL = partial(as_json, field="image", head="data:image/jpeg;base64,")
GUIDE = Client(
    "guide", "/api/predict", IN_FILE, _says_detail, 400, draws=True, limit="8388608 bytes"
)
CLIENTS = (
    GUIDE,
    Client("skinartify", "/predict", IN_FILE, says_error, 413),
    Client("explainable", "/inference", IN_DATA, says_error, 413),
    Client("explainable report", "/report", IN_DATA, _is_plain, 413),
    Client("lab", "/api/predict", AS_URL, _is_inconclusive, 200, without_model=200),
)
