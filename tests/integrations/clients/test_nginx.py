from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from tests.deploy.nginx import Behind, Proxy, before_a_server, before_nothing
from tests.deploy.test_nginx import MOLE, PAGE, TOO_LARGE, through
from tests.integrations.clients.dialects import CLIENTS, PROBLEM, each_client, guide, said
from tests.integrations.clients.screens import Asked, Pages, serving_pages
from tests.integrations.clients.test_screens import ALL_CLEAR
from tests.stores.mongod import free_port
from tests.support.browser import open_browser

SENTENCES = {
    502: "The server does not answer; try again shortly",
    504: "The server gave no answer in time; try again shortly",
}
LARGE = 2  # the place in `CLIENTS`
# Both clients that share the guide's address run in a page, and the lab everywhere.
HEARS_200 = ("guide", "skinartify's document", "lab")
pytestmark = pytest.mark.xdist_group("nginx")


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with before_a_server(tmp_path_factory.mktemp("nginx"), origins=PAGE) as behind:
        yield behind


@pytest.fixture(scope="module")
def down(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with before_nothing(tmp_path_factory.mktemp("down"), origins=PAGE) as proxy:
        yield proxy


@each_client
def test_a_photo_of_16_megabytes_is_refused_in_each_clients_shape(
    behind: Behind, name: str
) -> None:
    send, statuses, kind = CLIENTS[name]
    seen = len(behind.server.heads)
    answer = send(through(behind.proxy), TOO_LARGE)
    assert answer.status_code == statuses[LARGE]
    assert said(answer, kind).startswith("File size exceeds maximum of ")
    assert len(behind.server.heads) == seen


@each_client
@pytest.mark.parametrize("status", SENTENCES)
def test_a_server_without_an_answer_is_told_in_each_clients_shape(
    behind: Behind, down: Proxy, name: str, status: int
) -> None:
    send, _, kind = CLIENTS[name]
    proxy = down if status == 502 else behind.proxy
    answer = send(through(proxy), MOLE, headers={"Origin": PAGE, "X-Do": "hang"})
    assert answer.status_code == (200 if name in HEARS_200 else status)
    of_the_guide = "explanation" in answer.text
    text = answer.get_json()["detail"] if of_the_guide else said(answer, kind)
    assert text == SENTENCES[status]
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_program_gets_the_guides_error_with_its_status(down: Proxy) -> None:
    answer = guide(through(down), MOLE)
    assert (answer.status_code, said(answer, PROBLEM)) == (502, SENTENCES[502])


def test_the_guides_page_gets_an_answer_that_its_screen_shows_as_no_finding(down: Proxy) -> None:
    answer = guide(through(down), MOLE, headers={"Origin": PAGE})
    assert answer.get_json()["malignant_score"] == 0.5
    assert answer.get_json()["predictions"] == [{"label": "inconclusive", "probability": 0.0}]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    with open_browser() as opened:
        yield opened


@pytest.mark.drill
def test_no_page_shows_a_finding_in_the_place_of_an_error_of_nginx(
    browser: webdriver.Chrome, behind: Behind, tmp_path: Path
) -> None:
    with serving_pages() as origin:
        pages = Pages(browser, origin, tmp_path)
        made = Proxy(tmp_path, server=f"127.0.0.1:{free_port()}", origins=origin)
        with made.running() as proxy:
            asked = Asked(f"http://127.0.0.1:{proxy.port}", "token")
            for client in ("angular", "skinartify", "explainable", "guide", "lab"):
                for photo, says in ((TOO_LARGE, "File size exceeds"), (MOLE, SENTENCES[502])):
                    screen = pages.show(client, asked, photo)
                    assert screen.harmless == (), client
                    assert not ALL_CLEAR.search(screen.text), screen.text
                    assert says.lower() in screen.text.lower(), (client, screen.text)
