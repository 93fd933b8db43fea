"""A thousand concurrent posts: each is answered, and each acknowledged write is stored once."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.served.people import Seeder
from tests.served.server import Server
from tests.served.wire import Answer, ask, at_once
from tests.support.size import size

POSTS = size(120, 1000)
INITIAL = "defaultPass123"


def test_a_thousand_posts_at_once_are_answered_and_kept_once(
    shared_server: Server, seeder: Seeder, report: Callable[[str], None]
) -> None:
    admin = seeder.person("admin")
    sessions = seeder.services.data.sessions
    account = seeder.accounts.get(admin.id)
    tokens = [sessions.open(account, renews=True)[1] for _ in range(20)]

    def post(number: int) -> tuple[str, Answer]:
        if number % 2:
            body = {"refresh_token": tokens[number // 2 % len(tokens)]}
            return "refresh", ask(shared_server.port, "POST", "/auth/refresh", json=body)
        email = f"crowd-{number // 4}@example.org"  # each twice
        body = {"name": "Dr Crowd", "email": email, "password": INITIAL}
        return email, admin.call("POST", "/doctors", json=body)

    answers = at_once([partial(post, number) for number in range(POSTS)])
    seen = Counter((what == "refresh", answer.status) for what, answer in answers)
    assert {status for _, status in seen} <= {200, 201, 401, 409, 503}, seen
    assert seen[True, 200] <= len(tokens)
    made = [what for what, answer in answers if answer.status == 201]
    assert len(made) == len(set(made))
    crowd = [email for email in seeder.emails(role="doctor") if email.startswith("crowd-")]
    assert set(made) <= set(crowd)
    assert len(crowd) == len(set(crowd))
    report(f"{POSTS} posts at once: {dict(Counter(answer.status for _, answer in answers))}")
