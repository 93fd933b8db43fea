import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.lab.sending import labelled, picture, zipped
from tests.served.memory import measure_memory, watching_memory
from tests.served.server import Server, serving, stopping
from tests.served.wire import Answer, ask, open_connection, read_answer
from tests.support.size import size

MEGABYTE = 2**20
UPLOAD_MB = size(80, 1024)
MOST_GROWTH_MB = 50.0
BOUNDARY = "a-boundary-of-the-test"
PIECE = b"\xff\xd8\xff" + bytes(MEGABYTE - 3)


@pytest.fixture(scope="module")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uploads")
    with stopping(Server(folder, {"OPEN_LAB": "true", "PHOTOS": "never"}, workers=1)) as server:
        server.forked = False  # its memory is measured: a page written to is no more a shared one
        server.start()
        yield server


@pytest.fixture(scope="module")
def narrow_lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"OPEN_LAB": "true", "MAX_DATASET_BYTES": str(3 * MEGABYTE)}
    with serving(tmp_path_factory.mktemp("narrow"), settings, workers=1) as server:
        yield server


def part_head(name: str) -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    ).encode()


def post(port: int, pieces: Iterator[bytes], length: int, name: str = "ham") -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as line:
        line.putrequest("POST", f"/api/upload-dataset?datasetName={name}")
        line.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        line.putheader("Content-Length", str(length))
        line.endheaders()
        for piece in pieces:
            line.send(piece)
        answer = line.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())


def post_files(port: int, files: dict[str, bytes]) -> Answer:
    body = b"".join(part_head(name) + content + b"\r\n" for name, content in files.items())
    body += f"--{BOUNDARY}--\r\n".encode()
    return post(port, iter([body]), len(body))


def leftovers(server: Server) -> list[Path]:
    """Files in the quarantine, and unnamed files that a worker has open."""
    quarantine = Path(server.environment["INSTANCE_DIR"]) / "quarantine"
    named = [path for path in quarantine.rglob("*") if path.is_file()]
    return named + [Path(link) for pid in server.workers() for link in _deleted(pid, quarantine)]


def assert_clean(server: Server) -> None:
    assert not await_change(lambda: leftovers(server), some=False)


def _deleted(pid: int, folder: Path) -> list[str]:
    links = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(handle.readlink()))
        except FileNotFoundError:  # closed at this moment
            continue
    return [link for link in links if link.startswith(str(folder)) and "deleted" in link]


def test_a_data_set_larger_than_memory_for_bodies_leaves_memory_flat(
    lab_server: Server, report: Callable[[str], None]
) -> None:
    small = {"metadata.csv": labelled(1)["metadata.csv"], "p0.jpg": picture(0)}
    assert post_files(lab_server.port, small).status == 200  # what a first upload loads
    heads = [part_head(f"{number}.jpg") for number in range(UPLOAD_MB // 8)]
    good = b"".join(part_head(name) + content + b"\r\n" for name, content in small.items())
    end = f"--{BOUNDARY}--\r\n".encode()
    length = len(good) + sum(len(head) + 8 * MEGABYTE + 2 for head in heads) + len(end)

    def pieces() -> Iterator[bytes]:
        yield good
        for head in heads:
            yield head
            yield from [PIECE] * 8
            yield b"\r\n"
        yield end

    before = measure_memory(lab_server.master()).held
    began = time.monotonic()
    with watching_memory(lab_server.master) as seen:
        answer = post(lab_server.port, pieces(), length)
    took = time.monotonic() - began
    assert answer.status == 200, answer.data
    assert_clean(lab_server)
    grown = seen.peak_held - before
    report(f"upload of {UPLOAD_MB} MB in {took:.1f} s: {before:.0f} MB and {grown:.0f} MB more")
    assert grown < MOST_GROWTH_MB


def test_an_upload_that_is_cut_off_leaves_nothing(lab_server: Server) -> None:
    head = (
        "POST /api/upload-dataset?datasetName=cut HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {100 * MEGABYTE}\r\n\r\n"
    ).encode()
    connection = open_connection(lab_server.port)
    connection.sendall(head + part_head("a.jpg") + PIECE * 8)
    assert await_change(lambda: leftovers(lab_server), some=True)
    connection.close()
    assert_clean(lab_server)
    assert ask(lab_server.port, "GET", "/api/datasets").json["datasets"] == listed(lab_server)


def listed(server: Server) -> list[dict[str, object]]:
    found = ask(server.port, "GET", "/api/datasets").json["datasets"]
    return [record for record in found if record["name"] != "cut"]


def await_change(look: Callable[[], list[Path]], *, some: bool) -> list[Path]:
    deadline = time.monotonic() + 60
    while bool(found := look()) is not some and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(narrow_lab_server: Server) -> None:
    answer = post(narrow_lab_server.port, iter([]), 4 * MEGABYTE)
    assert answer.status == 413
    assert "3 MB" in answer.json["error"]
    assert chunked(narrow_lab_server.port, [PIECE] * 4).status == 413
    assert_clean(narrow_lab_server)
    files = {"a.zip": zipped({**labelled(2), "b.csv": b"x" * 4 * MEGABYTE})}
    assert post_files(narrow_lab_server.port, files).status == 413  # it unpacks to more
    assert_clean(narrow_lab_server)
    assert post_files(narrow_lab_server.port, {"a.zip": zipped(labelled(2))}).status == 200


def chunked(port: int, pieces: list[bytes]) -> Answer:
    with closing(open_connection(port)) as connection:
        connection.sendall(
            b"POST /api/upload-dataset?datasetName=ham HTTP/1.1\r\nHost: localhost\r\n"
            b"Transfer-Encoding: chunked\r\n"
            + f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        )
        for piece in [part_head("a.jpg"), *pieces, f"\r\n--{BOUNDARY}--".encode()]:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        return read_answer(connection)
