"""Photos to answers with their heat map: one process of the server, by clients and sizes of photos.

`python -m bench.serving [--model DIR] [--photos DIR]` prints this part of `make bench` alone.
Every request stays on this machine, and each round is bounded in calls and in seconds.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.load import Bounds, connect, exchange, load
from bench.photos import SIZES, Photos, photos
from skinapi.base.settings.settings import Settings
from skinapi.model.network.model import SHIPPED_MODEL, open_model
from tests.served.doors import DRAWN
from tests.served.memory import measure_memory, watching_memory
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR, Client
from tests.served.server import Server, stopping
from tests.support.size import size

RESULT = Path("instance/bench-serving.json")
CLIENTS = (1, 4, 16)
MANY = 8
OURS = Bounds(size(400, 4000), seconds=size(6, 40))
STARTS = 2
SMALL, LARGE = SIZES
Results = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """A server, how to start it, and the routes that are called."""

    name: str
    server: Server
    command: tuple[str, ...]
    doors: tuple[Client, ...]
    bounds: Bounds
    token: str = ""

    def start(self, photo: bytes) -> float:
        """Return the seconds from the start to the first answer."""
        self.server.stop()
        began = time.perf_counter()
        self.server.start(self.command, ready="/healthz")
        with closing(connect(self.server.port)) as line:
            # The last of ours answers every photo with figures, also a doubtful one.
            exchange(line, request_of(self.doors[-1], photo, self.token))
        return time.perf_counter() - began

    def answered(self, candidates: Photos) -> Photos:
        """Return the first few photos at each size that every route answers with figures. The guide
        gets only a sentence for a doubtful finding; a refused photo takes no time of the engine.
        """
        self.server.start(self.command, ready="/healthz")
        chosen = {
            size: list(itertools.islice(filter(self._answers, content), MANY))
            for size, content in candidates.items()
        }
        if not all(chosen.values()):
            raise ValueError("at some size none of the photos is answered with figures")
        return chosen

    def _answers(self, photo: bytes) -> bool:
        port, token = self.server.port, self.token
        return all(door.send(port, photo, token=token).status == 200 for door in self.doors)

    def measure(self, door: Client, content: Sequence[bytes], clients: int) -> Results:
        requests = [request_of(door, photo, self.token) for photo in content]
        return load(self.server.port, requests, clients=clients, bounds=self.bounds).as_dict()


def request_of(door: Client, photo: bytes, token: str) -> bytes:
    body, kind = door.body(photo)
    lines = [f"POST {door.path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}"]
    lines += [f"Content-Length: {len(body)}"]
    if door.signed:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def measure_serving(model: Path, pictures: Path | None) -> Results:
    results: Results = {"model": open_model(model).version, "servers": {}}
    with TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        contenders = [ours(Path(folder), model)]
        stack.enter_context(stopping(contenders[0].server))
        content = contenders[0].answered(photos(pictures))
        for contender in contenders:
            stack.enter_context(stopping(contender.server))
            starts = [contender.start(content[SMALL][0]) for _ in range(STARTS)]
            results["servers"][contender.name] = {"cold_start_s": round(min(starts), 2)}
        results["rounds"] = list(measure_rounds(contenders, content))
        for contender in contenders:
            server = results["servers"][contender.name]
            server["memory_mb"] = measure_memory(contender.server.master()).as_dict()
            server["memory_mb"]["under_load"] = max(
                row["held_mb"] for row in results["rounds"] if row["server"] == contender.name
            )
    return results


def measure_rounds(contenders: Sequence[Contender], content: Photos) -> Iterator[Results]:
    for photo, clients in itertools.product(SIZES, CLIENTS):
        for contender in contenders:
            for door in contender.doors:
                names = {"photo": photo, "clients": clients, "server": contender.name}
                with watching_memory(contender.server.master) as seen:
                    timing = contender.measure(door, content[photo], clients)
                row = {**names, "path": door.path, **timing, "held_mb": round(seen.peak_held, 1)}
                sys.stderr.write(f"{row_of_table(row)}\n")
                yield row


def ours(folder: Path, model: Path) -> Contender:
    # Room for 16 large photos at once.
    roomy = {"MODEL_PATH": str(model), "MAX_UPLOAD_BYTES": str(32 * 2**20)}
    server = Server(folder / "ours", roomy, workers=1)
    with closing(Seeder(server)) as seeder:
        token = seeder.person().token
    return Contender("ours", server, ("-m", "skinapi", "serve"), (*DRAWN, ANGULAR), OURS, token)


def table(results: Results) -> Iterator[str]:
    yield f"serving {results['model']}"
    yield from (f"{client.path} answers with the heat map drawn as PNG" for client in DRAWN)
    yield f"{'photo':9}{'clients':>8}{'':10}{'':14}{'p50 ms':>9}{'p99 ms':>9}{'req/s':>8}"
    for row in results["rounds"]:
        yield row_of_table(row)
    yield ""
    yield f"{'':8}{'cold start s':>13}{'held MB: under load':>21}{'after':>7}{'peak RSS MB':>13}"
    for name, server in results["servers"].items():
        memory = server["memory_mb"]
        sizes = f"{memory['under_load']:>21.0f}{memory['held']:>7.0f}{memory['peak_rss']:>13.0f}"
        yield f"{name:8}{server['cold_start_s']:>13.2f}{sizes}"


def row_of_table(row: Results) -> str:
    names = f"{row['photo']:9}{row['clients']:>8}  {row['server']:8}{row['path']:14}"
    figures = f"{row['p50']:>9.1f}{row['p99']:>9.1f}{row['per_second']:>8.1f}"
    return f"{names}{figures}  {row['failed'] or ''}".rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Settings().model_path or SHIPPED_MODEL)
    parser.add_argument("--photos", type=Path, help="a folder of .jpg instead of made lesions")
    options = parser.parse_args()
    results = measure_serving(options.model, options.photos)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write("\n".join([*table(results), f"written to {RESULT}", ""]))


if __name__ == "__main__":
    main()
