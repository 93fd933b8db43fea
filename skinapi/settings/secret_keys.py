"""How secrets are judged, and how the one of development is made."""

import secrets
from itertools import pairwise
from pathlib import Path

from skinapi.errors import UnsafeSettings
from skinapi.settings.instance_folder import open_folder

SHORTEST_KEY = 32
SAMPLE_KEYS = ("change-me", "changeme", "your-secret", "secret-key", "example", "sample")


def refuse_weak_key(key: str) -> None:
    """Raises UnsafeSettings where the key that signs the tokens could be guessed."""
    if not key:
        raise UnsafeSettings("Set JWT_SECRET_KEY to a secret of at least 32 random characters")
    if len(key) < SHORTEST_KEY:
        raise UnsafeSettings("JWT_SECRET_KEY is too short: use at least 32 random characters")
    sample = any(word in key.lower() for word in SAMPLE_KEYS)
    if sample or len(set(key)) < 10 or looks_made_up(key):
        raise UnsafeSettings("JWT_SECRET_KEY looks like a sample: use 32 random characters")


def looks_made_up(secret: str) -> bool:
    """Whether a secret has few different characters, a sequence (01234…, abcd…) or a repetition."""
    steps = {ord(b) - ord(a) for a, b in pairwise(secret)}
    repeated = secret in (secret + secret)[1:-1]
    return len(set(secret)) < 6 or len(steps) < 6 or repeated


def stored_secret(path: Path) -> str:
    """Read the secret, or make it. If several workers make it at once, all use the first one."""
    open_folder(path.parent)
    if not path.exists():
        temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(48))
        try:
            # Not rename: it would replace a secret that another worker has just stored.
            path.hardlink_to(temporary)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text()
