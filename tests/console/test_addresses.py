import pytest

from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.platform.storage.ids import new_id
from tests.console.test_doctor import file_scored
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.support.backends import PASSWORD

INITIAL = "defaultPass123"
NO_VIEW = [
    "__proto__",
    "nothing",
    "case/%",
    "finding/%E0%A4%A",
    "finding/..%2f..%2fme",
    "/evil.example",
]
WORDS_READ = """
return performance.getEntriesByType("resource").map((one) => one.name.split("/").pop())
  .filter((name) => name.startsWith("words."));
"""


def test_an_address_that_names_no_view_says_so_and_leads_back(
    visitor: Visitor, seeder: Seeder, subtests: pytest.Subtests
) -> None:
    visitor.look(language="fr")
    visitor.open("/chek")
    visitor.see("Page introuvable")
    visitor.press_button("Aller à la première page")
    visitor.see("Pas encore de compte")
    assert visitor.run(WORDS_READ) == ["words.fr.json"]
    visitor.press_button("English")
    visitor.see("No account yet")
    visitor.assert_quiet(expected=("/chek",))
    visitor.enter(seeder.person("admin"), "admin")
    for place in NO_VIEW:
        with subtests.test(place):
            visitor.see("nothing to do")
            visitor.go(place)
            visitor.see("Page not found")
            visitor.press_button("Go to the first page")
            visitor.see("Audit")
            visitor.see_none("Page not found")
            visitor.assert_quiet()


def test_a_patient_gets_no_words_of_staff_and_a_request_for_words_that_is_lost_is_made_again(
    visitor: Visitor, seeder: Seeder
) -> None:
    visitor.look()
    visitor.lose_words()
    visitor.enter(seeder.person("user"), "user")
    visitor.open_view("account")
    assert visitor.run(WORDS_READ) == ["words.en.json"]
    visitor.enter(seeder.person("doctor"), "doctor")
    visitor.see("To review (0)")
    assert sorted(visitor.run(WORDS_READ)) == ["words.en.json", "words.staff.en.json"]
    visitor.assert_quiet()


def test_an_initial_password_is_replaced_on_the_page_that_errors_name(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor, admin = f"{new_id()[-12:]}@clinic.example", seeder.person("admin")
    seeder.services.admin.add_doctor(name="Dr Grey", email=doctor, password=INITIAL, by=admin.id)
    visitor.look()
    visitor.open("/password")
    visitor.type(email=doctor, current=INITIAL, fresh=PASSWORD, again="something else")
    visitor.press("form .primary")
    visitor.see("The two new passwords differ")
    visitor.type(again=PASSWORD)
    visitor.press("form .primary")
    visitor.see("Your password is changed.")
    account, _ = seeder.services.auth.log_in(
        caller=ClientInfo("here"), email=doctor, password=PASSWORD
    )
    assert not account.must_change
    visitor.assert_quiet()


def test_the_address_of_a_finding_leads_the_doctor_of_its_owner_to_the_case(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor = seeder.person("doctor")
    number = file_scored(seeder, seeder.person(doctor_id=doctor.id), 0.66)
    visitor.look()
    visitor.enter(doctor, "doctor")
    visitor.go(f"finding/{number}")
    visitor.find("#review")
    assert visitor.run("return location.hash").startswith(f"#/case/{number}")
