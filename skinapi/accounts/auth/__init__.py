"""Accounts and authentication: registration, log-in, sessions, tokens and access control.

Begin with `account.py`; `service.py` has the use cases, `authorizer.py` admits a caller to a route.

Other packages import `account`, `accounts`, `authorizer`, `closing`, `consents`,
`email_addresses`, `erasure_guard`, `errors`, `events`, `owners`, `passwords`,
`schemas`, `second_factor`, `service`, `sessions`.
"""
