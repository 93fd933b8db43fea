"""The client of one OpenID Connect provider.

It implements https://openid.net/specs/openid-connect-core-1_0.html (code flow) with PKCE (RFC
7636), and checks the issuer in the answer against mix-ups (RFC 9207). Tokens are only trusted after
signature, issuer, audience and times are verified. Redirects are not followed.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.claims import JWTClaims
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.claims import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from skinapi.base.http_client import CallFailed, HttpClient, HttpReply, Request
from skinapi.base.settings.value_checks import is_origin, stays_private
from skinapi.base.size_limits import holds_more_values
from skinapi.integrations.oidc.people import Claims, LogInRefused, ProviderUnavailable
from skinapi.integrations.oidc.settings import OidcProvider

# Never `none`, and no shared secret: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
ALGORITHMS = ("RS256", "PS256", "ES256")
SIGNS_WITH = ("RSA", "EC")
CLOCK_SKEW_S = 60
# In drafts of the specification log-out tokens had no expiry.
OLDEST_LOG_OUT_S = 600.0
DEADLINE_S = 5.0
LARGEST_ANSWER = 256 * 1024
MOST_VALUES = 5000
MOST_KEYS = 50
MOST_AT_ONCE = 8
KNOWN_FOR_S = 3600.0  # discovery and keys
# A provider that is down is asked at most so often, and one that signs with an unknown key is asked
# for its keys at most so often.
RETRY_AFTER_S, NEW_KEYS_AFTER_S = 5.0, 30.0
DISCOVERY = "/.well-known/openid-configuration"
LOG_OUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A token may be broken in any way before its signature is looked at.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
# An origin, then visible ASCII without a fragment.
ADDRESS = re.compile(r"(?P<origin>https?://[^/?#\s]+)(?:[/?][!\"$-~]*)?", re.ASCII)
JSON = {"Accept": "application/json"}
VISIBLE = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    names_issuer: bool
    secret_in_body: bool


class Provider:
    def __init__(
        self, settings: OidcProvider, *, redirect_uri: str, authorities: Path | None = None
    ) -> None:
        self.settings, self.redirect_uri, self._authorities = settings, redirect_uri, authorities
        self._clients: dict[str, HttpClient] = {}
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._failed_at = float("-inf")

    def metadata(self) -> Metadata:
        now = time.monotonic()
        if self._metadata is None or now - self._metadata[0] > KNOWN_FOR_S:
            with self._pausing():
                self._metadata = now, self._discover()
        return self._metadata[1]

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        """After a failure, wait before the next request: anybody can trigger these."""
        if time.monotonic() - self._failed_at < RETRY_AFTER_S:
            raise ProviderUnavailable
        try:
            yield
        except ProviderUnavailable:
            self._failed_at = time.monotonic()
            raise

    def authorization_address(self, *, state: str, nonce: str, verifier: str) -> str:
        address: str = prepare_grant_uri(
            self.metadata().authorization_endpoint,
            self.settings.client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=self.settings.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return address

    def log_out_address(self, back_to: str) -> str | None:
        """The provider's log-out page; None if it has none.
        https://openid.net/specs/openid-connect-rpinitiated-1_0.html
        """
        page = self.metadata().end_session_endpoint
        if page is None:
            return None
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to}
        return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"

    def refuse_other_issuer(self, issuer: str | None) -> None:
        if issuer is None and not self.metadata().names_issuer:
            return
        if issuer != self.settings.issuer:
            raise LogInRefused("other_issuer")

    def redeem(self, code: str, *, verifier: str, nonce: str) -> Claims:
        """Exchange the code for the claims of the ID token. UserInfo adds e-mail or groups if the
        token omits them, as the standard allows.
        """
        answer = self._exchange(code, verifier)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise LogInRefused("no_id_token")
        read = self._read(token)
        params = {
            "nonce": nonce,
            "client_id": self.settings.client_id,
            "access_token": access_token if isinstance(access_token, str) else None,
        }
        claims = CodeIDToken(read.claims, read.header, self._expected(), params)
        self._validate(claims)
        place = self.metadata().userinfo_endpoint
        if place is None or not isinstance(access_token, str) or not self._lacks(claims):
            return dict(claims)
        return self._with_user_info(claims, self._ask_user_info(place, access_token))

    def _lacks(self, claims: Claims) -> bool:
        settings = self.settings
        verified = settings.trust_email or "email_verified" in claims
        grouped = not settings.roles or settings.find_groups(claims) is not None
        return "email" not in claims or not verified or not grouped

    def _ask_user_info(self, place: str, access_token: str) -> Claims:
        """https://openid.net/specs/openid-connect-core-1_0.html#UserInfo"""
        if not VISIBLE.fullmatch(access_token):
            raise LogInRefused("userinfo_refused")
        reply = self._send("GET", place, {**JSON, "Authorization": f"Bearer {access_token}"})
        if reply.status in (400, 401, 403):
            raise LogInRefused("userinfo_refused")
        return self._object_of(reply)

    def _with_user_info(self, claims: Claims, info: Claims) -> Claims:
        """UserInfo adds only who the person is, nothing about this log-in. An e-mail and its
        verification must come from the same source.
        """
        if not isinstance(claims.get("sub"), str) or info.get("sub") != claims["sub"]:
            raise LogInRefused("bad_claim")
        groups = self.settings.groups_claim
        wanted = ("name", "preferred_username", "_claim_names", groups, groups.partition(".")[0])
        joined = {name: info[name] for name in wanted if name in info} | dict(claims)
        if "email" in info and not {"email", "email_verified"} <= claims.keys():
            joined |= {name: info.get(name) for name in ("email", "email_verified")}
        return joined

    def read_log_out(self, token: str) -> Claims:
        """The claims of a log-out token: `jti`, and `sid` or `sub`.
        https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
        """
        read = self._read(token)
        needed = {name: {"essential": True} for name in ("iat", "jti", "events")}
        claims = JWTClaims(read.claims, read.header, {**self._expected(), **needed})
        self._validate(claims)
        events = claims["events"]
        named = isinstance(events, dict) and isinstance(events.get(LOG_OUT_EVENT), dict)
        about = [claims.get("sub"), claims.get("sid")]
        if not named or "nonce" in claims or not any(isinstance(value, str) for value in about):
            raise LogInRefused("bad_claim")
        if claims["iat"] < time.time() - OLDEST_LOG_OUT_S:
            raise LogInRefused("expired_token")
        return dict(claims)

    def _expected(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }

    def _validate(self, claims: JWTClaims) -> None:
        try:
            claims.validate(leeway=CLOCK_SKEW_S)
        except ExpiredTokenError as error:
            raise LogInRefused("expired_token") from error
        except (ClaimError, *UNREADABLE) as error:
            raise LogInRefused("bad_claim") from error

    def _read(self, token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        reason = "bad_token"
        # Retry with new keys: after a rotation the provider's key is not known yet.
        for age in (KNOWN_FOR_S, NEW_KEYS_AFTER_S):
            try:
                keys = self._keys_within(age)
                return jwt.decode(token, keys, algorithms=ALGORITHMS, registry=registry)
            except InvalidKeyIdError:
                reason = "unknown_key"
                continue
            except BadSignatureError:
                reason = "bad_signature"
            except UnsupportedAlgorithmError:
                reason = "bad_algorithm"
            except (JoseError, *UNREADABLE):
                reason = "bad_token"
            break
        raise LogInRefused(reason)

    def _keys_within(self, seconds: float) -> KeySet:
        if self._keys is None or time.monotonic() - self._keys[0] > seconds:
            self._keys = time.monotonic(), self._fetch_keys()
        return self._keys[1]

    def _fetch_keys(self) -> KeySet:
        place = self.metadata().jwks_uri
        with self._pausing():
            listed = self._get(place).get("keys")
            if not isinstance(listed, list) or len(listed) > MOST_KEYS:
                raise ProviderUnavailable
        return KeySet([key for data in listed if (key := _key_of(data))])

    def _discover(self) -> Metadata:
        issuer = self.settings.issuer
        said = self._get(f"{issuer.rstrip('/')}{DISCOVERY}")
        if said.get("issuer") != issuer:
            raise ProviderUnavailable
        methods = said.get("token_endpoint_auth_methods_supported")
        offered = methods if isinstance(methods, list) else ["client_secret_basic"]
        page, info = said.get("end_session_endpoint"), said.get("userinfo_endpoint")
        return Metadata(
            authorization_endpoint=_safe(said.get("authorization_endpoint"), issuer),
            token_endpoint=_safe(said.get("token_endpoint"), issuer),
            jwks_uri=_safe(said.get("jwks_uri"), issuer),
            userinfo_endpoint=_safe(info, issuer) if info else None,
            end_session_endpoint=_safe(page, issuer) if page else None,
            names_issuer=said.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body="client_secret_basic" not in offered,
        )

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        metadata, secret = self.metadata(), self.settings.secret
        method = "client_secret_post" if metadata.secret_in_body else "client_secret_basic"
        auth = ClientAuth(
            self.settings.client_id,
            secret.get_secret_value() if secret else "",
            method if secret else "none",
        )
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare("POST", metadata.token_endpoint, headers, urlencode(form))
        reply = self._send("POST", url, headers, body.encode())
        if reply.status in (400, 401, 403):
            fault = (_read_object(reply.content) or {}).get("error")
            of_client = fault in ("invalid_client", "unauthorized_client")
            raise LogInRefused("bad_client" if of_client else "exchange_refused")
        return self._object_of(reply)

    def _get(self, url: str) -> dict[str, Any]:
        return self._object_of(self._send("GET", url, JSON))

    def _object_of(self, reply: HttpReply) -> dict[str, Any]:
        answer = _read_object(reply.content) if reply.status == 200 else None
        if answer is None:
            raise ProviderUnavailable
        return answer

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        client = self._clients.get(place) or HttpClient(
            place,
            most_at_once=MOST_AT_ONCE,
            largest_answer=LARGEST_ANSWER,
            authorities=self._authorities,
        )
        self._clients[place] = client
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            return client.send(
                Request(method, path, headers, body), deadline=time.monotonic() + DEADLINE_S
            )
        except CallFailed as error:
            raise ProviderUnavailable from error


def _safe(url: object, issuer: str) -> str:
    """Accept only addresses with encryption, or on this machine if the issuer is here too."""
    parts = ADDRESS.fullmatch(url) if isinstance(url, str) else None
    if not isinstance(url, str) or not parts or not is_origin(parts["origin"]):
        raise ProviderUnavailable
    elsewhere = issuer.startswith("https:") and not url.startswith("https:")
    if elsewhere or not stays_private(parts["origin"]):
        raise ProviderUnavailable
    return url


def _key_of(data: object) -> Key | None:
    if not isinstance(data, dict) or data.get("kty") not in SIGNS_WITH:
        return None
    if data.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(data)
    except (JoseError, *UNREADABLE):
        return None


def _read_object(content: bytes) -> dict[str, Any] | None:
    if holds_more_values(content, MOST_VALUES):
        return None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
