"""The last admin is never removed, whatever runs concurrently."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinapi.auth.accounts import Account, Accounts
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.deletion import Eraser
from skinapi.auth.errors import LastAdmin
from tests.backends import Backend, Person
from tests.interleaving import Act, SteppedStore, every_order, run
from tests.mock_store import MockStore
from tests.size import size

REAL = pytest.mark.parametrize("any_backend", ["sqlite", "mongod"], indirect=True)


class AdminScenario:
    """Two admins and a user over a store that stops at each step."""

    def __init__(self) -> None:
        store = SteppedStore(MockStore())
        self.accounts = Accounts(store)
        self.active_admins = ActiveAdmins(store, self.accounts)
        self.eraser = Eraser(accounts=self.accounts, active_admins=self.active_admins, forget=())
        self.ids = {
            name: self._add(name, role)
            for name, role in (("a", "admin"), ("b", "admin"), ("u", "user"))
        }
        self.active_admins.recount()

    def _add(self, name: str, role: str) -> str:
        fields = {"email": f"{name}@x.y", "name": name, "role": role, "password_hash": "-"}
        return self.accounts.add(status="approved", **fields).id

    def act(self, action: str) -> Act:
        """`demote a`, as something to do later."""
        verb, _, name = action.partition(" ")
        if verb == "recount":
            return self.active_admins.recount
        account = self.accounts.get(self.ids[name])
        if verb == "delete":
            return lambda: self.eraser.erase(account)
        return lambda: self.active_admins.change(account.id, DECISIONS[verb])

    def active(self) -> set[str]:
        return set(self.active_admins.active_admins())

    def assert_safe(self) -> None:
        """Whoever is on the active_admins is an active admin, and somebody is."""
        counted = set(self.active_admins.ids())
        assert counted
        assert counted <= self.active()


DECISIONS: dict[str, Callable[[Account], dict[str, str]]] = {
    "promote": lambda _: {"role": "admin"},
    "demote": lambda _: {"role": "user"},
    "suspend": lambda _: {"status": "suspended"},
    "approve": lambda _: {"status": "approved"},
    "unapprove": lambda _: {"status": "waiting"},
}


def run_scenario(actions: Sequence[str], choices: Sequence[int]) -> list[tuple[int, int]]:
    scenario = AdminScenario()
    taken = run([scenario.act(action) for action in actions], choices, scenario.assert_safe)
    assert set(scenario.active_admins.ids()) == scenario.active()
    return taken


@pytest.mark.parametrize(
    "actions",
    [
        ("demote a", "demote b"),
        ("delete a", "suspend b"),
        ("promote u", "demote a"),
        ("promote u", "promote u"),
        ("demote a", "approve a"),
        ("demote a", "promote a"),
        ("delete a", "approve a"),
        ("suspend a", "approve a"),
        ("unapprove a", "approve a"),
        ("unapprove a", "unapprove b"),
        ("demote a", "recount"),
        ("promote u", "recount"),
    ],
    ids=" | ".join,
)
def test_no_order_of_steps_breaks_the_list_of_active_admins(actions: tuple[str, ...]) -> None:
    every_order(lambda choices: run_scenario(actions, choices), depth=size(4, 12))


ANY_ACTION = st.sampled_from(
    [f"{verb} {name}" for verb in (*DECISIONS, "delete") for name in "abu"] + ["recount"]
)


@pytest.mark.drill
@settings(max_examples=3000, deadline=None)
@given(
    actions=st.lists(ANY_ACTION, min_size=2, max_size=4),
    choices=st.lists(st.integers(0, 3), min_size=12, max_size=40),
)
def test_no_random_order_breaks_the_list_of_active_admins(
    actions: list[str], choices: list[int]
) -> None:
    run_scenario(actions, choices)


def test_no_action_removes_the_last_admin() -> None:
    for action in ("demote b", "suspend b", "delete b"):
        scenario = AdminScenario()
        scenario.act("demote a")()
        with pytest.raises(LastAdmin):
            scenario.act(action)()
        assert scenario.active() == {scenario.ids["b"]}


def test_an_admin_who_was_never_counted_can_still_be_removed() -> None:
    scenario = AdminScenario()
    uncounted = scenario.accounts.add(
        email="c@x.y", name="c", role="admin", status="approved", password_hash="-"
    )
    (fault,) = scenario.active_admins.faults()
    assert fault.repair is not None
    scenario.eraser.erase(uncounted)
    assert not list(scenario.active_admins.faults())


def test_a_recount_adds_missing_admins_and_removes_unknown_ids() -> None:
    scenario = AdminScenario()
    scenario.accounts.change(scenario.accounts.get(scenario.ids["a"]), role="user")
    scenario.accounts.change(scenario.accounts.get(scenario.ids["u"]), role="admin")
    (fault,) = scenario.active_admins.faults()
    assert fault.repair is not None
    fault.repair()
    assert (
        set(scenario.active_admins.ids())
        == {scenario.ids["b"], scenario.ids["u"]}
        == scenario.active()
    )


def at_once(*acts: Act) -> None:
    start = threading.Barrier(len(acts))

    def wait_and(act: Act) -> None:
        start.wait()
        act()

    threads = [threading.Thread(target=wait_and, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def retire_admins(backend: Backend) -> None:
    for identifier in backend.services.active_admins.active_admins():
        accounts = backend.services.store.collection("accounts")
        accounts.update({"id": identifier}, {"$set": {"role": "user"}, "$inc": {"revision": 1}})
    backend.services.active_admins.recount()


Way = tuple[str, str, object]
WAYS: list[Way] = [
    ("DELETE", "/users/{}", None),
    ("PUT", "/users/{}/role", {"role": "user"}),
    ("PATCH", "/users/{}/suspend", None),
]
WAYS_UP: list[Way] = [
    ("PUT", "/users/{}/role", {"role": "admin"}),
    ("PATCH", "/users/{}/approve", {}),
]


def send(by: Person, way: Way, email: str, statuses: list[int]) -> None:
    method, path, body = way
    statuses.append(by.call(method, path.format(email), json=body).status_code)


@REAL
def test_of_two_admins_who_remove_each_other_one_is_left(any_backend: Backend) -> None:
    for turn in range(size(3, 300)):
        retire_admins(any_backend)
        one, other = any_backend.member(role="admin"), any_backend.member(role="admin")
        first, second = WAYS[turn % 3], WAYS[(turn + turn // 3) % 3]
        statuses: list[int] = []

        at_once(
            partial(send, one, first, other.email, statuses),
            partial(send, other, second, one.email, statuses),
        )
        left = any_backend.services.active_admins.active_admins()
        assert len(left) == 1
        assert any_backend.services.active_admins.ids() == left
        assert statuses.count(200) == 1


@REAL
def test_many_admins_changing_one_account_leave_a_correct_list(any_backend: Backend) -> None:
    admin = any_backend.member(role="admin")
    for _ in range(size(2, 100)):
        email = any_backend.member().email
        statuses: list[int] = []
        at_once(*(partial(send, admin, way, email, statuses) for way in (*WAYS, *WAYS_UP)))
        assert set(statuses) <= {200, 404, 409}
        assert set(any_backend.services.active_admins.ids()) == set(
            any_backend.services.active_admins.active_admins()
        )
