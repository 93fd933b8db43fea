import os
import socket
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from skinapi.platform.storage.ids import new_blob_key, now
from skinapi.privacy.person_file.stored_files import PersonFile
from tests.served.people import Caller, Seeder
from tests.served.process.test_stop import GO_ON, head_of, registration
from tests.served.server import Server, serving
from tests.served.wire import open_connection, read_answer

BROKEN = 12
PIECE = os.urandom(2 * 1024**2)


def test_streams_that_break_off_end_no_process(server: Server) -> None:
    """A stream that the server broke off counted as two connections less. The next connection then
    met a negative pause, and its process died with all answers that it was sending.
    """
    workers = set(server.await_workers())
    with closing(Seeder(server)) as seeder:
        leaving, cut_off, other = (seeder.person() for _ in range(3))
        answers = []
        for _ in range(BROKEN):
            store_file(seeder, leaving, lost=False)
            store_file(seeder, cut_off, lost=True)
            with closing(begin_download(leaving)):
                pass  # the client closes it in the middle
            with closing(begin_download(cut_off)) as line:
                assert read_to_end(line) < 2 * len(PIECE)
            answers.append(other.call("GET", "/me").status)
    assert answers == [200] * BROKEN
    assert set(server.workers()) == workers


def test_a_stop_waits_for_its_last_request_also_after_broken_streams(tmp_path: Path) -> None:
    """If the count is too low, the process ends with this request in flight."""
    with serving(tmp_path, workers=1) as server:
        with closing(Seeder(server)) as seeder:
            caller = seeder.person()
            for _ in range(BROKEN):
                store_file(seeder, caller, lost=True)
                with closing(begin_download(caller)) as line:
                    read_to_end(line)
        with closing(open_connection(server.port)) as line:
            line.sendall(head_of(body := registration(1)))
            assert line.recv(len(GO_ON)) == GO_ON
            server.ask_to_stop()
            time.sleep(1)
            line.sendall(body)
            assert read_answer(line).status == 201
        assert server.await_end() == 0


def store_file(seeder: Seeder, owner: Caller, *, lost: bool) -> None:
    key, second = new_blob_key(PIECE), new_blob_key(PIECE)
    for stored in (key,) if lost else (key, second):
        seeder.services.store.blobs.put_as(stored, PIECE)
    files = seeder.services.data.person_files
    files.forget(owner.id)
    files.insert(
        PersonFile(
            id=owner.id,
            created_at=now(),
            file=owner.id,
            state="ready",
            piece_blobs=(key, second),
            bytes=2 * len(PIECE),
            expires_at=now() + timedelta(hours=1),
        )
    )


def begin_download(owner: Caller) -> socket.socket:
    line = open_connection(owner.port)
    line.sendall(
        b"POST /me/file/download HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        b"Authorization: Bearer %s\r\n\r\n" % owner.token.encode()
    )
    assert line.recv(1024).startswith(b"HTTP/1.1 200 ")
    return line


def read_to_end(line: socket.socket) -> int:
    size = 0
    while piece := line.recv(64 * 1024):
        size += len(piece)
    return size
