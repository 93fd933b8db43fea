"""The pages in a real browser, where one can be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.ui import WebDriverWait

from skinapi.auth.service import ClientInfo
from tests.backends import PASSWORD
from tests.served.server import Server, serving

INITIAL = "defaultPass123"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, workers=1) as server:
        yield server


def test_a_new_doctor_replaces_the_initial_password(
    browser: webdriver.Chrome, server: Server
) -> None:
    services = server.services()
    admin, _ = services.admin.ensure_admin(email="admin@clinic.example", password=PASSWORD)
    services.admin.add_doctor(
        name="Dr Grey", email="grey@clinic.example", password=INITIAL, by=admin.id
    )

    browser.get(f"http://127.0.0.1:{server.port}/password")
    fill(browser, email="grey@clinic.example", current="wrong", fresh=PASSWORD, again=PASSWORD)
    assert outcome(browser, "bad") == "Invalid credentials"
    fill(browser, current=INITIAL, again="something else")
    assert outcome(browser, "bad", "differ") == "The two new passwords differ"
    fill(browser, again=PASSWORD)
    assert outcome(browser, "good").startswith("Your password is changed.")

    account, _ = services.auth.log_in(
        caller=ClientInfo("here"), email="grey@clinic.example", password=PASSWORD
    )
    assert not account.must_change
    services.store.close()


def test_the_front_door_sends_a_browser_to_the_description(
    browser: webdriver.Chrome, server: Server
) -> None:
    browser.get(f"http://127.0.0.1:{server.port}/")
    assert browser.current_url.endswith("/docs")
    assert "POST" in browser.find_element(By.ID, "log_in").text


def fill(browser: webdriver.Chrome, **values: str) -> None:
    for name, value in values.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    browser.find_element(By.TAG_NAME, "button").click()


def outcome(browser: webdriver.Chrome, kind: str, holding: str = "") -> str:
    place = (By.CSS_SELECTOR, f"#outcome.{kind}")
    WebDriverWait(browser, 20).until(until.text_to_be_present_in_element(place, holding))
    return browser.find_element(*place).text
