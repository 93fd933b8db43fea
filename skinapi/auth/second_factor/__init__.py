"""A second factor of the login: codes of an authenticator app, and recovery codes."""
