"""Accounts: the repository, e-mail addresses, who owns what, and how an account goes."""
