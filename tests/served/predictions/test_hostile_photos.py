"""All families are sent in the drill; tests/model/decoding reads every file."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from itertools import cycle, islice

import pytest

from tests.model.decoding import hostile
from tests.served.doors import CLIENTS, OPEN
from tests.served.people import Seeder
from tests.served.photo_clients import Client
from tests.served.server import Server, serving
from tests.served.wire import Answer, open_connection, read_answer
from tests.support.size import drill

AT_ONCE = 8
Sent = tuple[hostile.Family, str, bytes]
MEGABYTE = 1024 * 1024


# Of several processes one starts the server.
pytestmark = pytest.mark.xdist_group("hostile photos")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("hostile"), OPEN, workers=1) as server:
        yield server


@pytest.fixture(scope="module")
def token(server: Server) -> Iterator[str]:
    with closing(Seeder(server)) as seeder:
        yield seeder.person().token


@cache
def files() -> list[Sent]:
    return [(family, *named) for family in hostile.EVERY for named in family()]


def each(client: Client) -> list[Sent]:
    if drill:
        return files()
    own = CLIENTS.index(client)
    return [(family, *next(islice(cycle(family()), own, None))) for family in hostile.EVERY]


def by_name(clients: tuple[Client, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", clients, ids=lambda client: client.name)


@pytest.mark.timeout(900)
@by_name(CLIENTS)
def test_a_hostile_file_is_judged_or_refused_in_the_clients_own_shape(
    server: Server, token: str, client: Client, report: Callable[[str], None]
) -> None:
    faults = server.log().count('"fault"')

    def send(sent: Sent) -> tuple[hostile.Family, str, Answer, float]:
        family, name, content = sent
        began = time.monotonic()
        answer = client.send(server.port, content, token=token)
        return family, name, answer, time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, each(client)))
    wrong = [
        (name, answer.status, answer.data[:200])
        for family, name, answer, _ in answers
        if (answer.status != 200 or family in hostile.REFUSED) and not client.refusal(answer)
    ]
    seconds, slowest = max((spent, name) for _, name, _, spent in answers)
    report(f"{client.name}: {len(answers)} hostile files, slowest {seconds:.2f} s ({slowest})")
    assert wrong == []
    assert server.log().count('"fault"') == faults


@by_name(CLIENTS)
def test_eleven_megabytes_are_refused_before_they_are_sent(
    server: Server, token: str, client: Client
) -> None:
    body, kind = client.body(bytes(11 * MEGABYTE))
    bearer = f"Authorization: Bearer {token}\r\n" if client.signed else ""
    head = f"POST {client.path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: {kind}\r\n"
    with closing(open_connection(server.port)) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        answer = read_answer(line)
    assert answer.status == client.too_large
    assert client.refusal(answer)
    assert f"File size exceeds maximum of {client.limit}".encode() in answer.data
