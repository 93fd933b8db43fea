import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk, jws

from tests.support.local_server import LocalServer, serving_in_a_thread

CLIENT, SECRET = "skinapi", "s3cret-of-the-client"
# No client waits this long. Closing a hanging server ends the wait.
FOREVER_S = 90.0


@cache
def rsa_key(kid: str) -> jwk.RSAKey:
    return jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def encode(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed(claims: object, key: Any, *, alg: str = "RS256", **header: Any) -> str:
    head = {"alg": alg, "typ": "JWT", "kid": key.kid, **header}
    inference = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact(head, json.dumps(claims), key, registry=inference)


def signed_loosely(claims: object, key: jwk.RSAKey, **header: Any) -> str:
    """Sign with RS256 without any check of the content."""
    text = f"{encode({'alg': 'RS256', 'kid': key.kid, **header})}.{encode(claims)}"
    signature = key.private_key.sign(text.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
    return f"{text}.{encode(signature)}"


@dataclass
class Asked:
    state: str
    nonce: str
    challenge: str
    redirect_uri: str
    query: dict[str, str] = field(repr=False)

    @classmethod
    def from_address(cls, address: str) -> "Asked":
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return cls(
            query["state"], query["nonce"], query["code_challenge"], query["redirect_uri"], query
        )


class FakeProvider(LocalServer):
    """`claims` override those of the next ID token, and `metadata` those of discovery. `token`
    makes the token from the claims. `seen` counts the requests by path.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, _Call)
        self.key = rsa_key("one")
        self.published: list[Any] = [self.key]
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.token: Callable[[dict[str, Any]], Any] = lambda claims: signed(claims, self.key)
        self.behave: dict[str, Callable[[_Call], None]] = {}
        self.seen: list[str] = []
        self.asked: Asked | None = None
        self.tokens_sent: list[dict[str, list[str]]] = []
        self._connections: list[socket.socket] = []
        self.access_token = "an-access-token"
        self.user_info: dict[str, Any] = {}  # without any, there is none

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        """A browser keeps idle connections open."""
        super().server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def settings(self, **fields: Any) -> dict[str, Any]:
        known = {"name": "hospital", "label": "Test Hospital", "issuer": self.issuer}
        provider = {**known, "client_id": CLIENT, **fields}
        return {
            "oidc_providers": json.dumps([provider]),
            "oidc_secrets": json.dumps({provider["name"]: SECRET}),
        }

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            **({"userinfo_endpoint": f"{self.issuer}/me"} if self.user_info else {}),
            **self.metadata,
        }

    def id_claims(self) -> dict[str, Any]:
        now = int(time.time())
        digest = hashlib.sha256(self.access_token.encode()).digest()[:16]
        right = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked.nonce if self.asked else "",
            "at_hash": encode(digest),
            "email": "ada@clinic.example",
            "email_verified": True,
            "name": "Ada Byron",
        }
        return {name: v for name, v in {**right, **self.claims}.items() if v is not None}

    def log_out_token(self, **claims: Any) -> str:
        now = int(time.time())
        event: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120}
        given = {**right, "jti": f"log-out {time.time_ns()}", "events": event, **claims}
        return signed({name: v for name, v in given.items() if v is not None}, self.key)


class _Call(BaseHTTPRequestHandler):
    server: FakeProvider

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        self.server.seen.append(path)
        with suppress(ConnectionError):
            if behave := self.server.behave.get(path):
                behave(self)
            elif path == "/.well-known/openid-configuration":
                self.say(self.server.discovery())
            elif path == "/jwks":
                keys = [key.as_dict(private=False) for key in self.server.published]
                self.say({"keys": keys})
            elif path == "/authorize":  # who asks is logged in already
                self.server.asked = asked = Asked.from_address(self.path)
                back = f"{asked.redirect_uri}?code=a-code&state={asked.state}"
                self.say({}, 302, {"Location": back})
            elif path == "/me":
                known = self.headers["Authorization"] == f"Bearer {self.server.access_token}"
                self.say(self.server.user_info if known else {}, 200 if known else 401)
            elif path == "/token":
                self.say_token(parse_qs(body.decode()))
            else:
                self.say({}, 404)

    def say_token(self, form: dict[str, list[str]]) -> None:
        server = self.server
        server.tokens_sent.append(form)
        verifier = form["code_verifier"][0]
        challenge = encode(hashlib.sha256(verifier.encode()).digest())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {basic}":
            return self.say({"error": "invalid_client"}, 401)
        if server.asked is None or challenge != server.asked.challenge:
            return self.say({"error": "invalid_grant"}, 400)
        token: str | None = server.token(server.id_claims())
        return self.say(
            {"id_token": token, "access_token": server.access_token, "token_type": "Bearer"}
        )

    def say(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def hang(call: _Call) -> None:
    call.server.closing.wait(FOREVER_S)


def drip(call: _Call) -> None:
    call.send_response(200)
    call.end_headers()
    while not call.server.closing.wait(0.05):
        call.wfile.write(b" ")


@contextmanager
def running_provider() -> Iterator[FakeProvider]:
    with serving_in_a_thread(FakeProvider()) as provider:
        yield provider
