"""Two people at one tab: what one of them sent is never filed under the other."""

from pathlib import Path

from tests.backends import PASSWORD
from tests.console.journey import file_of
from tests.console.visitor import Visitor
from tests.photos import photo_of
from tests.served.people import Seeder
from tests.served.wire import ask


def test_a_photo_that_waits_for_a_login_waits_for_its_own_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """Somebody else logged in where the session of the first had ended, and got the finding."""
    bert = f"bert-{tmp_path.name}@example.org"
    body = {"name": "Bert", "email": bert, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.admin.approve_account(email=bert, role=None, by="admin")
    visitor.look()
    anna = seeder.person()
    visitor.enter(anna, "user")
    visitor.go("check")
    visitor.hand_in("photo", file_of(tmp_path, "lesion.jpg", photo_of("melanoma", (600, 450))))
    visitor.find("figure.crop canvas")
    seeder.services.sessions.forget(anna.id)
    visitor.press_button("Send the photo")
    email = visitor.find(".veil [name=email]")
    email.clear()
    email.send_keys(bert)
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.find("input[name=photo]")  # the start page, without the photo
    account = seeder.services.accounts.by_email(bert)
    assert account
    page = seeder.services.submissions.page(account.id, after=None, limit=1)
    assert page.items == []
