from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.value_checks import caught, is_url, stays_private
from skinapi.base.stored_record import Frozen
from skinapi.base.subject import Role

T = TypeVar("T")
MOST_PROVIDERS = 8
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], Field(max_length=100)]
# It is part of addresses, and stored in accounts.
ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class OidcProvider(Frozen):
    """One provider, as configured by the operator.

    `label` is on the button of the log-in page. `roles` maps groups to roles; the first matching
    group counts. `acr` and `amr` are the values that confirm a second factor. With `trust_email`,
    e-mails count as verified even if the provider does not say so.
    """

    name: ProviderName
    label: Annotated[str, StringConstraints(min_length=1, max_length=60)] = ""
    issuer: Text
    client_id: Text
    secret: SecretStr | None = None
    scopes: Text = "openid email profile"
    groups_claim: Text = "groups"
    roles: Mapping[Text, Role] = {}
    acr: Texts = ()
    amr: Texts = ()
    trust_email: bool = False

    @model_validator(mode="before")
    @classmethod
    def _refuse_removed(cls, told: Any) -> Any:
        """2.0.0 had these fields. An operator who leaves them out has to know what then holds."""
        if isinstance(told, dict) and not told.keys().isdisjoint(("approval", "linking")):
            raise ValueError(
                "3.0.0 has no approval and linking: a group of roles approves a new account, and "
                "an admin links an account. Leave these fields out, and roles if an admin is to "
                "approve each account"
            )
        return told

    @property
    def shown_name(self) -> str:
        return self.label or self.name

    def find_groups(self, claims: Mapping[str, Any]) -> Any:
        claim: Any = claims.get(self.groups_claim)
        if claim is None:  # `realm_access.roles` is one within another
            claim = claims
            for part in self.groups_claim.split("."):
                claim = claim.get(part) if isinstance(claim, Mapping) else None
        return claim

    def leaves_groups_out(self, claims: Mapping[str, Any]) -> bool:
        named = claims.get("_claim_names")
        if self.find_groups(claims) is not None:
            return False
        return isinstance(named, dict) and self.groups_claim.partition(".")[0] in named


_LIST = TypeAdapter(Annotated[tuple[OidcProvider, ...], Field(max_length=MOST_PROVIDERS)])
_SECRETS = TypeAdapter(dict[str, Annotated[SecretStr, Field(min_length=1)]])


def read_providers(text: str | None, secrets: str | None) -> tuple[OidcProvider, ...]:
    named = _read(_LIST, "OIDC_PROVIDERS", "a JSON list of providers", text or "[]")
    secret_of = _read(_SECRETS, "OIDC_SECRETS", "a JSON object of secrets", secrets or "{}")
    names = [item.name for item in named]
    if len(set(names)) < len(names) or len({item.issuer for item in named}) < len(named):
        raise UnsafeSettings("OIDC_PROVIDERS must name each provider and each issuer once")
    if secret_of.keys() - {*names} or any(item.secret for item in named):
        raise UnsafeSettings(
            "OIDC_SECRETS must have the secrets of OIDC_PROVIDERS by their names, and nothing else "
            "may have them"
        )
    for item in named:
        if not is_url(item.issuer) or not stays_private(item.issuer):
            raise UnsafeSettings(
                "OIDC_PROVIDERS: issuer must be https://host/path, exactly as the provider says it"
            )
        if "openid" not in item.scopes.split():
            raise UnsafeSettings("OIDC_PROVIDERS: scopes must have openid")
    return tuple(item.model_copy(update={"secret": secret_of.get(item.name)}) for item in named)


def _read(adapter: TypeAdapter[T], name: str, kind: str, text: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        # Without its cause, which quotes the value.
        raise UnsafeSettings(f"{name} must be {kind}: {where} {fault['msg']}".strip()) from None


class LogInProviderSettings(AreaSettings):
    oidc_providers: str | None = Field(
        default=None,
        description="The clinic's providers of OpenID Connect, as a JSON list: "
        "[log_in.md](../integrate/log_in.md). If empty: none.",
    )
    oidc_secrets: SecretStr | None = Field(
        default=None,
        description="The secret of this server at each of OIDC_PROVIDERS, as a JSON object: "
        '`{"hospital": "…"}`.',
    )

    @property
    def log_in_providers(self) -> tuple[OidcProvider, ...]:
        return read_providers(self.oidc_providers, self.secret("oidc_secrets"))

    def list_outlets(self) -> list[str]:
        return [*super().list_outlets(), *(["OIDC_PROVIDERS"] if self.oidc_providers else [])]

    def list_faults(self) -> Iterator[str]:
        yield from super().list_faults()
        yield from caught(lambda: self.log_in_providers)
