"""Files findings in one process: `python filing.py URI SECONDS THREADS`, run by findings.py.

It imports the code of the checkout in PYTHONPATH, which may be an older one. The whole request is
run but for the socket and the network: each photo has the finding of the first.
"""

import io
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from werkzeug.test import EnvironBuilder

from tests.support.backends import Backend, store_of_kind
from tests.support.photos import photo_of

READY = "ready"


class FilingBackend(Backend):
    """Classifies one photo, and gives its finding to all that follow."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        registry: Any = self.app.registry
        classify, found = registry.classify_photo, list[Any]()

        def classify_once(**given: Any) -> Any:
            if not found:
                found.append(classify(**given))
            return found[0]

        registry.classify_photo = classify_once


def environ_of(token: str) -> tuple[dict[str, Any], bytes]:
    data: dict[str, Any] = {"image": (io.BytesIO(photo_of("melanoma")), "lesion.jpg")}
    builder = EnvironBuilder(
        "/predict", method="POST", data=data, headers=[("Authorization", f"Bearer {token}")]
    )
    environ = builder.get_environ()
    return environ, environ["wsgi.input"].read()


def post(backend: Backend, environ: dict[str, Any], body: bytes) -> str:
    """The status of the answer."""
    heard: list[Any] = []

    def begin(status: str, *_: Any) -> Callable[[bytes], object]:
        heard.append(status)
        return heard.append

    b"".join(backend.app.wsgi_app({**environ, "wsgi.input": io.BytesIO(body)}, begin))
    return str(heard[0])


def file_findings(backend: Backend, seconds: float, threads: int) -> tuple[int, float]:
    """How many were filed, each thread for an account of its own; and the processor's seconds."""
    requests = [environ_of(backend.member().token) for _ in range(threads)]
    for environ, body in requests:  # makes what is made once
        post(backend, environ, body)
    filed = [0] * threads
    say(READY)
    sys.stdin.readline()
    used, end = time.process_time(), time.monotonic() + seconds

    def file(place: int) -> None:
        while time.monotonic() < end:
            filed[place] += post(backend, *requests[place]) == "200 OK"

    crowd = [threading.Thread(target=file, args=(place,)) for place in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return sum(filed), time.process_time() - used


def main(uri: str, seconds: float, threads: int) -> None:
    with (
        TemporaryDirectory() as folder,
        closing(store_of_kind("mongod", Path(folder), uri)) as store,
    ):
        backend = FilingBackend(Path(folder), store, rate_limit_storage=uri, most_submissions=10**6)
        running = (backend.app.background.totals, backend.app.background.audit_sealer)
        for thread in running:
            thread.start()
        filed, used = file_findings(backend, seconds, threads)
        for thread in running:
            thread.stop()
    say(json.dumps({"filed": filed, "processor_s": used}))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
