import base64
import http.client
import io
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from tests.model.comparison.pictures import spot
from tests.model.photos import encoded, skin_with_spot
from tests.served.wire import PATIENCE_S, Answer

BOUNDARY = "no-photo-holds-this-line"
TWELVE_MEGAPIXELS = (4000, 3000)
Body = tuple[bytes, str]


def as_form(content: bytes, field: str, **texts: str) -> Body:
    out = io.BytesIO()
    for name, text in texts.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        out.write(head.encode())
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="lesion.jpg"'
    out.write(f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n".encode())
    out.write(content)
    out.write(f"\r\n--{BOUNDARY}--\r\n".encode())
    return out.getvalue(), f"multipart/form-data; boundary={BOUNDARY}"


def as_json(content: bytes, field: str, head: str = "") -> Body:
    return json.dumps({field: head + base64.b64encode(content).decode()}).encode(), JSON


@dataclass(frozen=True)
class Client:
    """The request of a published client, and the form of its refusals. `draws`: its answer includes
    the drawn heat map.
    """

    name: str
    path: str
    body: Callable[[bytes], Body]
    refusal: Callable[[Answer], bool]
    too_large: int
    signed: bool = False
    limit: str = "10 MB"
    without_model: int = 503
    draws: bool = False

    def send(self, port: int, content: bytes, *, token: str = "", **headers: str) -> Answer:
        body, kind = self.body(content)
        if self.signed:
            headers["Authorization"] = f"Bearer {token}"
        return post(port, self.path, body, {"Content-Type": kind, **headers})


def post(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as line:
        line.request("POST", path, body, dict(headers))
        answer = line.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())


def says_error(answer: Answer) -> bool:
    said = answer.json
    return 400 <= answer.status < 500 and bool(said["error"]) and said["error"] == said["message"]


JSON = "application/json"
ANGULAR = Client("angular", "/predict", lambda c: as_form(c, "image"), says_error, 413, signed=True)


def lesions(many: int, size: tuple[int, int] = (300, 225), seed: int = 5) -> list[bytes]:
    random = np.random.default_rng(seed)

    def shade(low: int, high: int) -> tuple[int, int, int]:
        red = int(random.integers(low, high))
        return red, round(red * random.uniform(0.5, 0.75)), round(red * random.uniform(0.4, 0.6))

    return [
        encoded(skin_with_spot(size, skin=shade(190, 225), spot=shade(60, 150), grain=6))
        for _ in range(many)
    ]


@cache
def large_photo() -> bytes:
    """Twelve megapixels, with grain that gives the file a camera's size. It shows a lesion that no
    client reports as text alone: a heat map may be drawn at the photo's own size.
    """
    width, height = (side // 4 for side in TWELVE_MEGAPIXELS)
    # As small, pale and patterned as the shipped model takes for a spot that it knows.
    lesion = spot(1, area=0.15, darker=-60)
    small = lesion.resize((width, height), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(7).normal(0, 6, (height, width, 1))
    grainy = Image.fromarray((np.asarray(small) + grain).clip(0, 255).astype(np.uint8))
    return encoded(grainy.resize(TWELVE_MEGAPIXELS, Image.Resampling.BICUBIC), quality=95)
