import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from selenium import webdriver

from skinapi.model.conditions import Band, conditions_table
from tests.integrations.clients.dialects import SMALL
from tests.integrations.clients.screens import Pages, Servers, serving_pages
from tests.support.photos import UNCERTAIN, between, photo_in, photo_of
from tests.support.size import drill

TABLE = conditions_table()
CLIENTS = ("angular", "skinartify", "explainable", "guide", "lab")
ALL_CLEAR = re.compile(r"\b(benign|harmless|no risk|confetti|invented)\b", re.IGNORECASE)
# These two show every class, or the words of the report: one class has the word in its name.
NAMED_BENIGN = re.compile(r"benign (\(pigmented\) )?keratosis", re.IGNORECASE)
NAMES_CLASSES = ("angular", "guide")


@dataclass(frozen=True)
class Case:
    """`says` is on every screen, `acts` on those of the clients that show more than a class."""

    photo: bytes
    says: str
    state: str = "open"
    acts: str = ""


# A mole with a quarter of melanoma; a tie of melanoma and mole; a tie of two benign classes.
RAISED = photo_in(between("melanocytic_nevus", "melanoma", 0.4))
TIED = photo_in(between("melanocytic_nevus", "melanoma", 0.5))
URGENT = TABLE.band_words(Band.URGENT_REFERRAL, "en").action
REFERRAL = TABLE.band_words(Band.REFERRAL, "en").action
REVIEW = TABLE.band_words(Band.DOCTOR_REVIEW, "en").action
IN_DOUBT = "This finding is uncertain: the possibilities are close to each other."
UNCLEAR = "A skin cancer cannot be ruled out."
MOLE = photo_of("melanocytic_nevus")

CASES = {
    "raised": Case(RAISED, UNCLEAR, acts=URGENT),
    "raised: little tested": Case(
        MOLE, "tried on too few such pictures.", "little tested", acts=REVIEW
    ),
    "uncertain, a melanoma possible": Case(TIED, IN_DOUBT, acts=URGENT),
    "uncertain, a carcinoma possible": Case(photo_in(UNCERTAIN), IN_DOUBT, acts=REFERRAL),
    "refused: too dark": Case(photo_in((0, 0, 0)), TABLE.notices.refused["too_dark"].en),
    "refused: no lesion": Case(
        photo_of("normal_skin"), TABLE.notices.refused["no_lesion"].en, "little tested"
    ),
    "refused: no picture": Case(b"%PDF-1.4", TABLE.notices.refused["undecodable"].en),
    "401": Case(MOLE, "Nobody is served here without logging in", "closed"),
    "413": Case(b"x" * (SMALL + 1), "File size exceeds maximum of"),
    "413, far larger": Case(b"x" * 40 * SMALL, "File size exceeds maximum of"),
    "429": Case(MOLE, "Too many requests", "asked too often"),
    "500": Case(MOLE, "Internal server error", "broken"),
    "503": Case(MOLE, "No model is loaded", "without a model"),
}
OF_THE_CLIENT = {
    # Its user has a report of the finding, and may see a token that no longer holds.
    ("angular", "raised"): "The reason: the picture may show a melanoma.",
    ("angular", "raised: little tested"): "tried on too few such pictures",
    ("angular", "401"): "Your log-in is not valid any more. Please log in again.",
    ("angular", "429"): "Daily photo limit reached",
    ("angular", "refused: no lesion"): "The check recognised none of the kinds of spot that it",
}


# In the drill alone: the server answers them as it does others, in words that test_errors and
# test_undecided read.
ALIKE = (
    *("refused: too dark", "refused: no lesion", "refused: no picture", "413, far larger"),
    *("raised: little tested", "uncertain, a melanoma possible", "429", "503"),
)


@pytest.fixture(scope="module")
def pages(
    session_browser: webdriver.Chrome, tab: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pages]:
    session_browser.switch_to.window(tab)
    with serving_pages() as origin:
        yield Pages(session_browser, origin, tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as until:
        yield Servers(tmp_path_factory.mktemp("servers"), until)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", [name for name in CASES if drill or name not in ALIKE])
def test_no_page_reads_harmless_over_what_is_not(
    pages: Pages, servers: Servers, name: str, client: str
) -> None:
    case = CASES[name]
    asked = servers.in_state(case.state)
    if name == "401":
        asked = replace(asked, token="null")
    if name == "429":
        pages.show(client, asked, MOLE)
    screen = pages.show(client, asked, case.photo)
    assert screen.harmless == ()
    read = NAMED_BENIGN.sub("", screen.text) if client in NAMES_CLASSES else screen.text
    assert not ALL_CLEAR.search(read), screen.text
    # One page prints what it reads in capitals.
    for says in (OF_THE_CLIENT.get((client, name), case.says), case.acts):
        assert says.lower() in screen.text.lower(), screen.text


@pytest.mark.parametrize("client", CLIENTS)
def test_every_page_names_a_melanoma_that_was_found(
    pages: Pages, servers: Servers, client: str
) -> None:
    screen = pages.show(client, servers.in_state("open"), photo_of("melanoma"))
    assert screen.harmless == ()
    assert "melanoma" in screen.text.lower()
    assert "cannot be ruled out" not in screen.text


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        ("skinartify", "nevus: Benign"),
        ("explainable", "Prediction: Mole (NV)"),
        ("guide", "Likely benign"),
    ],
)
def test_a_page_shows_a_mole_as_ever_where_nothing_speaks_against_it(
    pages: Pages, servers: Servers, client: str, shown: str
) -> None:
    screen = pages.show(client, servers.in_state("open"), MOLE)
    assert any(line.startswith(shown) for line in screen.harmless), screen.text
