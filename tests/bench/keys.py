"""A finding with a program's key beside one with a person's token, and the same of a reading.

`python -m tests.bench.keys` prints this part of `make bench` alone. The two take turns, so that
both meet the same machine.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.settings import Settings
from skinapi.vision.network.model import SHIPPED_MODEL
from tests.bench.photos import photos
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import serving
from tests.support.backends import PASSWORD
from tests.support.size import size

TURNS = size(60, 600)
MOST_RATIO = 1.05
Results = dict[str, Any]


def measure_keys(model: Path) -> Results:
    """For each request the medians in milliseconds, and their ratio."""
    times: dict[tuple[str, str], list[float]] = {}
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        serving(Path(folder), {"MODEL_PATH": str(model)}, workers=1) as server,
        closing(Seeder(server)) as seeder,
        closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as line,
    ):
        ada = seeder.person()
        wanted = {
            "name": "bench",
            "scopes": ["findings:write", "findings:read"],
            "current_password": PASSWORD,
        }
        key = ada.call("POST", "/keys", json=wanted).json["secret"]
        candidates = photos(None)["600x450"]
        photo = next(one for one in candidates if ANGULAR.send(server.port, one, token=key))
        body, kind = ANGULAR.body(photo)
        asked: tuple[tuple[str, str, str, bytes | None, dict[str, str]], ...] = (
            ("a finding", "POST", "/predict", body, {"Content-Type": kind}),
            ("a list", "GET", "/submissions?limit=10", None, {}),
        )
        for turn in range(TURNS + 2):
            for what, method, path, sent, more in asked:
                for who, token in (("token", ada.token), ("key", key)):
                    began = time.perf_counter()
                    headers = {"Authorization": f"Bearer {token}", **more}
                    line.request(method, path, sent, headers)
                    answer = line.getresponse()
                    said = answer.read()
                    if answer.status != 200:
                        raise RuntimeError(f"{path} says {answer.status}: {said!r}")
                    if turn > 1:  # the first ones load what they need
                        times.setdefault((what, who), []).append(time.perf_counter() - began)
    medians = {named: 1000 * statistics.median(each) for named, each in times.items()}
    return {
        what: {
            "token_ms": round(medians[what, "token"], 2),
            "key_ms": round(medians[what, "key"], 2),
            "ratio": round(medians[what, "key"] / medians[what, "token"], 3),
        }
        for what, *_ in asked
    }


def table(results: Results) -> Iterator[str]:
    for what, found in results.items():
        yield (
            f"{what} with a token {found['token_ms']} ms, with a key {found['key_ms']} ms: "
            f"{found['ratio']} x  (target {MOST_RATIO})"
        )


if __name__ == "__main__":
    found = measure_keys(Settings().model_path or SHIPPED_MODEL)
    sys.stdout.write("\n".join([*table(found), ""]))
