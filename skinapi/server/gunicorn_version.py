"""The version of gunicorn whose worker this package extends."""

import gunicorn

from skinapi.errors import UnsafeSettings

TESTED = "27.0.1"


def refuse_other_gunicorn() -> None:
    """Raises UnsafeSettings: methods that the worker replaces may work in another way there."""
    installed = gunicorn.__version__
    if installed != TESTED:
        raise UnsafeSettings(
            f"gunicorn {installed} is installed, but the server's worker extends gunicorn "
            f"{TESTED}: install requirements-serve.txt"
        )
