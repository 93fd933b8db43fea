"""A photo of 12 megapixels in a DICOM object (STOW-RS) beside the same photo to `POST /predict`.

`python -m tests.integrations.dicom.bench` prints it. The two take turns, so that
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

from bench.photos import photos
from skinapi.base.settings.settings import Settings
from skinapi.model.network.model import SHIPPED_MODEL
from tests.integrations.dicom.sent_objects import RELATED, body_of, jpeg_object
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import serving
from tests.support.size import size

TURNS = size(25, 200)
MOST_RATIO = 1.3
Results = dict[str, Any]


def measure_dicom(model: Path) -> Results:
    """Medians in milliseconds, and their ratio."""
    candidates = photos(None)["12 MP"]
    environment = {"MODEL_PATH": str(model)}
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        serving(Path(folder), environment, workers=1) as server,
        closing(Seeder(server)) as seeder,
        closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as line,
    ):
        token = seeder.person().token
        times: dict[str, list[float]] = {"predict": [], "stow": []}
        photo = next(each for each in candidates if ANGULAR.send(server.port, each, token=token))
        form = ANGULAR.body(photo)
        for turn in range(TURNS + 2):
            # One that was sent before would only be answered again.
            objects = body_of([jpeg_object(photo)]), RELATED
            for name, path, (body, kind) in (
                ("predict", "/predict", form),
                ("stow", "/dicom/studies", objects),
            ):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
                began = time.perf_counter()
                line.request("POST", path, body, headers)
                answer = line.getresponse()
                said = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path} says {answer.status}: {said!r}")
                if turn > 1:  # the first ones load what they need
                    times[name].append(time.perf_counter() - began)
    medians = {name: round(1000 * statistics.median(each), 1) for name, each in times.items()}
    return {**medians, "ratio": round(medians["stow"] / medians["predict"], 2)}


def table(results: Results) -> Iterator[str]:
    yield (
        f"a 12 MP JPEG: POST /predict {results['predict']} ms, as DICOM {results['stow']} ms: "
        f"{results['ratio']} x  (target {MOST_RATIO})"
    )


if __name__ == "__main__":
    found = measure_dicom(Settings().model_path or SHIPPED_MODEL)
    sys.stdout.write("\n".join([*table(found), ""]))
