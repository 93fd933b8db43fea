from html import unescape
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from skinapi.app.demo.__main__ import HALF_MADE, build_demo
from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.demo_folder import Demo, demo_environment
from skinapi.base.settings.safety import faults_of
from skinapi.base.settings.settings import Settings
from tests.app.demo.demo_server import DemoServer
from tests.console.visitor import PHONE, Visitor
from tests.served.wire import ask

PAGE = {"Accept": "text/html"}


def test_the_page_says_who_can_log_in(demo: DemoServer) -> None:
    page = ask(demo.port, "GET", "/", headers=PAGE).data.decode()
    said = unescape(page.partition('<meta name="demo" content="')[2].partition('">')[0])
    told = Demo.model_validate_json(said)
    assert told == demo.demo
    roles = [person.role for person in told.people]
    assert [roles.count(role) for role in ("doctor", "admin", "researcher", "user")] == [2, 1, 1, 5]


def test_every_doctor_finds_a_queue_patients_and_what_a_colleague_asks(demo: DemoServer) -> None:
    asked = 0
    for doctor in demo.emails("doctor"):
        queue = demo.read(doctor, "/queue")
        assert len({item["patient_id"] for item in queue}) >= 2, queue
        assert len(demo.read(doctor, "/patients")) >= 2
        assert demo.read(doctor, "/messages")
        asked += len([item for item in queue if (item["case"]["opinion"] or {}).get("of_me")])
    assert asked == 1


def test_every_patient_finds_a_spot_with_a_finding_and_its_photo(demo: DemoServer) -> None:
    for patient in demo.emails("user"):
        spots = demo.read(patient, "/lesions")
        assert spots
        assert all(spot["latest"] for spot in spots)
        newest = spots[0]["latest"]["id"]
        photo = demo.caller(patient).call("GET", f"/submissions/{newest}/photo")
        assert photo.data.startswith(b"\xff\xd8")


def test_the_admin_finds_accounts_that_wait(demo: DemoServer) -> None:
    [admin] = demo.emails("admin")
    waiting = [item for item in demo.read(admin, "/accounts") if item["status"] == "waiting"]
    assert [item["wanted_role"] for item in waiting] == [None, "doctor"]
    assert len(demo.read(admin, "/audit?limit=50")) == 50


def test_the_researcher_finds_a_data_set(demo: DemoServer) -> None:
    [researcher] = demo.emails("researcher")
    assert [item["status"] for item in demo.read(researcher, "/datasets")] == ["published"]


def findings(demo: DemoServer) -> list[dict[str, Any]]:
    return [item for patient in demo.emails("user") for item in demo.read(patient, "/submissions")]


def test_findings_of_every_urgency_are_answers_of_the_shipped_model(demo: DemoServer) -> None:
    bands = {finding["band"] for finding in findings(demo)}
    assert bands == {"urgent_referral", "referral", "doctor_review", "routine", "self_monitoring"}


def test_a_decision_by_the_laboratory_letters_and_another_photo_that_is_wanted(
    demo: DemoServer,
) -> None:
    found = [
        (item["decision"], len(demo.read(patient, f"/submissions/{item['id']}/letters")))
        for patient in demo.emails("user")
        for item in demo.read(patient, "/submissions")
        if item["decision"]
    ]
    assert any(decision["certainty"] == "laboratory" for decision, _ in found)
    assert any(decision["photo_wanted"] for decision, _ in found)
    assert sum(letters for _, letters in found) >= 2


def test_nothing_is_broken_in_it(demo: DemoServer) -> None:
    done = demo.run("check")
    assert done.stdout.endswith("no faults\n"), done.stdout


def test_a_press_logs_a_visitor_in(demo: DemoServer, browser: webdriver.Chrome) -> None:
    visitor = Visitor(browser, demo.port)
    for size in (PHONE, (1366, 900)):
        visitor.look(size)
        visitor.open("/")
        visitor.see("This is a demo")
        visitor.await_stillness()
        visitor.assert_accessible()
        visitor.assert_nothing_overflows()
        visitor.press_button("Maren Holt")
        visitor.see("Hugo Petit")
        visitor.press_button("Log out")
    visitor.assert_quiet()


def test_the_demo_takes_over_no_other_store_mail_server_or_key() -> None:
    emptied = {name for name, value in demo_environment(Path("here")).items() if not value}
    assert {"MONGO_URI", "SMTP_URL", "OPENROUTER_API_KEY", "MODEL_PATH", "PUBLIC_URL"} <= emptied
    assert demo_environment(Path("here"))["INSTANCE_DIR"] == "here"
    assert "BIND" not in emptied


@pytest.mark.parametrize(
    "served",
    [{"environment": "production"}, {"bind": "0.0.0.0:5000"}, {"trusted_proxies": 1}],
    ids=str,
)
def test_its_folder_is_served_on_this_machine_alone(tmp_path: Path, served: dict[str, Any]) -> None:
    (tmp_path / "demo.json").write_text("{}")
    settings = Settings(_env_file=None, instance_dir=tmp_path, **served)  # type: ignore[call-arg]
    assert any("folder of the demo" in fault for fault in faults_of(settings))
    alone = Settings(_env_file=None, instance_dir=tmp_path)  # type: ignore[call-arg]
    assert not any("demo" in fault for fault in faults_of(alone))


def test_no_demo_is_made_in_production_or_in_the_folder_of_a_clinic(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    settings = Settings(_env_file=None, instance_dir=folder)  # type: ignore[call-arg]
    with pytest.raises(UnsafeSettings, match="not for ENVIRONMENT=production"):
        build_demo(settings.model_copy(update={"environment": "production"}))
    folder.mkdir()
    with pytest.raises(UnsafeSettings, match="no demo"):
        build_demo(settings)
    assert not folder.with_name(f"instance{HALF_MADE}").exists()
