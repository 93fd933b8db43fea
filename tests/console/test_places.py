"""Addresses of the console that name no view, or more than one: anyone can put them into a link."""

import pytest

from tests.console.visitor import Visitor
from tests.served.people import Seeder

NO_VIEW = [
    "constructor",
    "__proto__",
    "toString",
    "nothing",
    "case/%",
    "finding/%E0%A4%A",
    "finding/..%2f..%2fme",
    "finding/..",
    "finding/1/photo",
    "/evil.example",
    "javascript:alert(1)",
]


def test_an_address_that_names_no_view_says_so_and_leads_back(
    visitor: Visitor, seeder: Seeder, subtests: pytest.Subtests
) -> None:
    visitor.look()
    visitor.enter(seeder.person("admin"), "admin")
    for place in NO_VIEW:
        with subtests.test(place):
            visitor.see("As it should be")
            visitor.go(place)
            visitor.see("Page not found")
            visitor.press_button("Go to the first page")
            visitor.see("Audit")
            visitor.see_none("Page not found")
            visitor.assert_quiet()


WORDS_READ = """
return performance.getEntriesByType("resource").map((one) => one.name.split("/").pop())
  .filter((name) => name.startsWith("words."));
"""


@pytest.mark.parametrize("address", ["/#/constructor", "/chek"])
def test_it_says_so_to_visitors_without_a_session_too(visitor: Visitor, address: str) -> None:
    visitor.look(language="fr")
    visitor.open(address)
    visitor.see("Page introuvable")
    visitor.assert_accessible()
    visitor.press_button("Aller à la première page")
    visitor.see("Pas encore de compte")
    assert visitor.run(WORDS_READ) == ["words.fr.js"]
    visitor.press_button("English")
    visitor.see("No account yet")
    visitor.assert_quiet(expected=("/chek",))


PATHS = {
    "7": "/submissions/7/photo",
    "../../me": "/submissions/..%2F..%2Fme/photo",
    "a@b.example?x#y": "/submissions/a%40b.example%3Fx%23y/photo",
    "..": "/submissions/_/photo",
    ".": "/submissions/_/photo",
    "": "/submissions/_/photo",
}


def test_no_value_leaves_its_place_in_the_path_of_a_request(visitor: Visitor) -> None:
    visitor.open("/")
    made = visitor.run(
        "const values = arguments[0];"
        "return import('/console/api.js').then(({ apiPath }) => values.map((value) =>"
        " new URL(apiPath`/submissions/${value}/photo`, location).pathname));",
        list(PATHS),
    )
    assert dict(zip(PATHS, made, strict=True)) == PATHS
