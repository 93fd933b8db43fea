"""Calls every route with a key: of every scope, of every owner, for data of one account. The
expected status follows from the route's declaration and its row in tests/support/access.py.
"""

from functools import cache
from itertools import product

import pytest

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import Forbidden, InvalidToken, SkinAPIError
from skinapi.base.subject import SCOPES, Scope
from skinapi.integrations.keys.admission import SAFE_METHODS, KeyAuthorizer
from skinapi.integrations.keys.api_keys import KeyLacksScope, TakesNoKey, TestKeyStoresNothing
from skinapi.integrations.keys.service import LIVE_SCOPES, SESSION_SCOPES, WantedKey
from skinapi.platform.web.declaration import (
    Authenticated,
    MetricsReader,
    OpenedToClient,
    Public,
    Route,
)
from tests.support.access import PARTS, PEOPLE, ROWS, SampleAccounts
from tests.support.backends import MAIL, Backend, Person
from tests.test_access import declared, letter

# A new route declares its `scopes`, or has its place here.
TAKE_NO_KEY = """
    find_external_patient
    # Who one is, how one logs in, and what a person decides about the own account and data.
    show_me change_password log_out list_sessions end_session begin_second_factor
    confirm_second_factor remove_second_factor list_keys make_key revoke_key show_consents
    set_consents change_own_account delete_me preview_closing
    correct_facts
    summarise_data ask_for_file show_file delete_file
    fetch_file delete_submission list_readers create_lesion change_lesion delete_lesion
    sort_finding propose_lesions compare_findings generate_report
    # Where data is sent, which a stolen key must not change, and what people say to each other.
    list_messages send_message
    mark_messages_read mark_messages_done list_waiting_messages show_inbox
    # What a doctor decides, and the desk to do it at.
    add_review review_lesion void_review mark_told enter_in_error move_submission list_errors
    judge_again show_outcomes
    show_case take_unassigned_patient list_queue list_waiting count_queue
    list_colleagues ask_colleague give_opinion withdraw_request
    draft_letter change_letter sign_letter
    withdraw_letter delete_letter
    # What an admin decides, and the desk to do it at.
    hand_link list_accounts list_users list_doctors delete_user move_spots change_role
    preview_move
    suspend_user reset_second_factor add_doctor delete_doctor approve_user
    assign_doctor approve_accounts refuse_accounts
    show_overview show_usage promote_model roll_back_model delete_model
    show_operating_point choose_operating_point list_all_keys make_clinic_key revoke_any_key
    show_retention keep_account list_erasures
    # Its clients do not use keys.
"""
NO_KEY = {name for line in TAKE_NO_KEY.splitlines() if "#" not in line for name in line.split()}
OWNERS = ("user", "other user", "doctor", "other doctor", "second opinion", "researcher", "admin")
CALLERS = (*OWNERS, "clinic-wide", "session", "other session", "test")
# A session key has the rights of this person, a test key those of nobody in this one's role.
STANDS_FOR = {"session": "user", "other session": "other user", "test": "other user"}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    return Backend(tmp_path_factory.mktemp("keys"), environment="production", **MAIL)


@pytest.fixture(scope="module")
def accounts(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> SampleAccounts:
    accounts = SampleAccounts(backend)
    for caller, scope in product(CALLERS, SCOPES):
        if may_have(caller, scope):
            key_of(accounts, caller, scope)
    accounts.keep(tmp_path_factory.mktemp("kept"))
    return accounts


@cache
def key_of(accounts: SampleAccounts, caller: str, scope: Scope) -> Person:
    keys = accounts.backend.services.keys

    def subject(who: str) -> Subject:
        person = accounts.people[who]
        assert person
        account = accounts.backend.account(person.email)
        return Subject(account.id, account.role, "", account)

    client = accounts.backend.client
    if caller in OWNERS:
        wanted = WantedKey(name=caller, scopes=[scope], sessions=True)
        return Person(client, keys.make_own_proven(wanted=wanted, by=subject(caller))[1])
    if caller == "test":
        wanted = WantedKey(name=caller, scopes=[scope], kind="test")
        return Person(client, keys.make_own_proven(wanted=wanted, by=subject("user"))[1])
    wanted = WantedKey(name=caller, scopes=[scope], sessions=True)
    program = Person(client, keys.make_clinic_wide_proven(wanted=wanted, by=subject("admin"))[1])
    if caller == "clinic-wide":
        return program
    body = {"scope": scope, "patient": subject(STANDS_FOR[caller]).id}
    made = program.call("POST", "/keys/sessions", json=body)
    assert made.status_code == 201, made.text
    return Person(client, made.get_json()["secret"])


def may_have(caller: str, scope: Scope) -> bool:
    if "session" in caller:
        return scope in SESSION_SCOPES
    return caller != "test" or scope not in LIVE_SCOPES


def refusal(route: Route, scope: Scope, caller: str) -> type[SkinAPIError] | None:
    access = route.access
    if isinstance(access, MetricsReader):
        return InvalidToken
    if isinstance(access, Public):
        return None
    if not access.scopes:
        return TakesNoKey
    reads_filed = isinstance(access, Authenticated) and access.filed and "session" in caller
    if scope not in access.scopes and not (reads_filed and scope == "findings:write"):
        return KeyLacksScope
    role = {"other user": "user", "other doctor": "doctor", "second opinion": "doctor"}
    stands_for = STANDS_FOR.get(caller, caller)
    if caller != "clinic-wide" and role.get(stands_for, stands_for) not in access.roles:
        return Forbidden
    rehearses = isinstance(access, Authenticated) and access.test_keys
    if caller == "test" and route.method not in SAFE_METHODS and not rehearses:
        return TestKeyStoresNothing
    return None


def expected(name: str, scope: Scope, caller: str) -> str:
    row = ROWS[name]

    def of(who: str) -> str:
        return row.who[PEOPLE.index(who)]

    if said := row.keyed.get(caller, row.keyed.get("*")):
        return said
    if caller != "clinic-wide":
        return of(STANDS_FOR.get(caller, caller))
    if scope == "audit:read":
        return of("admin")
    if scope == "lab":  # it has what nobody else has made
        return "n" if "n" in (of("researcher"), of("admin")) else of("researcher")
    return "o" if of("doctor") == "o" else of("other user")


def test_each_route_takes_keys_or_says_why_not(backend: Backend) -> None:
    routes = declared(backend)
    closed = {
        name
        for name, route in routes.items()
        if not isinstance(route.access, Public | MetricsReader) and not route.access.scopes
    }
    assert closed == {*NO_KEY, *(name for part in PARTS for name in part.no_key)}, (
        "declare scopes, or say in NO_KEY why it takes no key"
    )


def test_admission_refuses_each_key_that_its_route_does_not_take(
    backend: Backend, accounts: SampleAccounts
) -> None:
    data = backend.services.data
    authorizer = KeyAuthorizer(
        persons=backend.services.authorizer,
        keys=data.keys,
        accounts=data.accounts,
        totals=data.totals,
        spend_quota=lambda *_: None,
    )
    # The result depends on access and method, so one route of each kind is called.
    routes = {
        (route.access, route.method in SAFE_METHODS): (name, route)
        for name, route in declared(backend).items()
    }
    for caller, scope in product(CALLERS, SCOPES):
        if not may_have(caller, scope):
            continue
        header = f"Bearer {key_of(accounts, caller, scope).token}"
        for name, route in routes.values():
            with backend.app.test_request_context(method=route.method):
                try:
                    authorizer.admit(route.access, header)
                    answered = None
                except SkinAPIError as error:
                    answered = type(error)
            assert answered == refusal(route, scope, caller), (name, scope, caller)


@pytest.mark.parametrize("name", [name for name in ROWS if name not in NO_KEY])
def test_each_key_gets_what_its_owner_would_and_no_more(
    backend: Backend, accounts: SampleAccounts, name: str
) -> None:
    route, row = declared(backend)[name], ROWS[name]
    if isinstance(route.access, Public | MetricsReader | OpenedToClient):
        return
    asked = [
        (scope, caller)
        for scope, caller in product(route.access.scopes, CALLERS)
        if may_have(caller, scope) and refusal(route, scope, caller) is None
    ]
    accounts.restore()
    for scope, caller in sorted(asked, key=lambda item: expected(name, *item) == "o"):
        accounts.scope, accounts.caller = scope, None
        options = row.options(accounts)
        person = key_of(accounts, caller, scope)
        answer = person.call(route.method, row.path.format_map(accounts.named), **options)
        assert letter(answer) == expected(name, scope, caller), (scope, caller, answer.text[:200])
