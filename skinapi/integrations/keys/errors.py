"""Why a key does not open a route."""

from collections.abc import Sequence

from skinapi.base.errors import Conflict, Forbidden, Unauthenticated


class InvalidKey(Unauthenticated):
    code, sentence = "invalid_key", "This key is not known, or it has ended"


class ExpiredKey(Unauthenticated):
    code, sentence = "key_expired", "This key has expired. Make a new one"


class KeyFromElsewhere(Forbidden):
    code, sentence = "key_from_elsewhere", "This key may not be used from this address"


class TakesNoKey(Forbidden):
    code = "takes_no_key"
    sentence = "A program's key does not open this. A person must log in"


class KeyLacksScope(Forbidden):
    code, sentence = "key_lacks_scope", "This key lacks the scope that opens this"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"This needs a key with the scope {' or '.join(scopes)}")


class TestKeyStoresNothing(Forbidden):
    __test__ = False  # pytest takes its name for a test's
    code = "test_key"
    sentence = "A test key changes nothing, and this would. Use a live key"


class TooManyKeys(Conflict):
    code, sentence = "too_many_keys", "Too many keys. Revoke one that is not used any more"


class MakesNoSessions(Forbidden):
    code = "makes_no_sessions"
    sentence = "This key makes no session keys. Make one that may, and does all that they do"
