from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.base.area_parts import list_parts
from skinapi.platform.storage.ids import new_id
from tests.integrations.docs_commands import pages_with_commands, run_page
from tests.served.server import Server, serving
from tests.support.backends import token_for
from tests.support.photos import photo_of

# Each is run by a test with its name: here, or beside what it is about.
RUN = {
    "docs/integrate/embed.md",
    "docs/integrate/program.md",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), workers=1) as server:
        yield server


def token(server: Server, role: str) -> str:
    services = server.services()
    account = services.data.accounts.add(
        name="Ada",
        email=f"{role}-{new_id()}@example.org",
        role=role,  # type: ignore[arg-type]
        status="approved",
        password_hash="",
    )
    made = token_for(services, account)
    services.store.close()
    return made


def test_every_page_with_commands_is_run() -> None:
    assert pages_with_commands() == RUN | {
        page for area in list_parts("docs", "tests") for page in area.RUN
    }


def test_the_page_for_programs_works_as_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    said = run_page(
        "docs/integrate/program.md",
        server,
        tmp_path,
        TOKEN=token(server, "user"),
        PASSWORD="",
        ADMIN_TOKEN=token(server, "admin"),
        ADMIN_PASSWORD="",
    )
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert said.endswith("]0\n")  # the list of the browser, and the number of a test


def test_the_page_for_a_clinics_site_works_as_written(server: Server, tmp_path: Path) -> None:
    """tests/console/test_embed.py opens the page's HTML."""
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    said = run_page(
        "docs/integrate/embed.md",
        server,
        tmp_path,
        ADMIN_TOKEN=token(server, "admin"),
        ADMIN_PASSWORD="",
    )
    assert '"scope":"findings:write"' in said.replace(" ", "")
    assert said.splitlines()[-1] == "urgent_referral"
