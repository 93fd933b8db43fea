"""The clinic's accounts: log-in at a provider of OpenID Connect."""
