import pytest

from tests.console.test_spots import begin
from tests.console.visitor import PHONE, Visitor
from tests.served.people import Caller, Seeder

TYPED = "It has grown since the summer."


@pytest.fixture
def treated(seeder: Seeder, ada: Caller) -> tuple[Caller, Caller, str]:
    doctor = seeder.person("doctor")
    seeder.services.decisions.assign_doctor(email=ada.email, doctor=doctor.email, by="admin")
    return ada, doctor, begin(ada, {"site": "back", "laterality": "left"}, "by the belt")


def messages(caller: Caller, spot: str) -> list[str]:
    return [item["text"] for item in caller.call("GET", f"/conversations/{spot}/messages").json]


def type_message(visitor: Visitor, caller: Caller, spot: str) -> None:
    visitor.enter(caller, "user")
    visitor.go(f"spot/{spot}")
    visitor.type(message=TYPED)


def has_typed(visitor: Visitor) -> bool:
    return visitor.find("[name=message]").get_attribute("value") == TYPED


def test_a_message_typed_offline_survives_back_and_reload_and_is_sent_once(
    visitor: Visitor, treated: tuple[Caller, Caller, str]
) -> None:
    ada, _, spot = treated
    visitor.look(PHONE)
    type_message(visitor, ada, spot)
    visitor.go_offline(True)
    visitor.press("form:has([name=message]) button")
    visitor.see("cannot be reached")
    visitor.go_offline(False)
    visitor.go("account")
    visitor.await_truth(lambda: visitor.count("[name=message]") == 0, "another page")
    visitor.run("history.back()")
    visitor.await_truth(lambda: has_typed(visitor), "what was typed")
    visitor.reload()
    visitor.await_truth(lambda: has_typed(visitor), "what was typed")
    visitor.lose_answer(f"/conversations/{spot}/messages")
    visitor.press("form:has([name=message]) button")
    visitor.see("cannot be reached")
    assert messages(ada, spot) == [TYPED]
    visitor.reload()
    visitor.await_truth(lambda: has_typed(visitor), "what was typed")
    visitor.double_click("form:has([name=message]) button")
    visitor.await_truth(lambda: not has_typed(visitor), "the field to be empty")
    assert messages(ada, spot) == [TYPED]
