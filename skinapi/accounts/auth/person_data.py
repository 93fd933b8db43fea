from collections.abc import Mapping
from functools import partial

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.accounts.auth.schemas import ConsentChangeView, Me, SessionView
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.pages import read_all


def describe_account(
    of: Subject, accounts: Accounts, consents: Consents, sessions: Sessions
) -> Mapping[str, object]:
    account = of.account
    doctor = accounts.find_by_id(account.doctor_id)
    return {
        "account": Me.of_oneself(account, doctor, notices=account.notices, factor_missing=False),
        "consents": [
            ConsentChangeView.from_change(change) for change in consents.history_of(account.id)
        ],
        "sessions": [
            SessionView.from_session(session, of.session_id)
            for session in read_all(partial(sessions.page, account))
        ],
    }
