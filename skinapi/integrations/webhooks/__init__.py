"""Tells endpoints that an admin has set what happens here, as Standard Webhooks says
(https://www.standardwebhooks.com).

Begin with `service.py`.
"""
