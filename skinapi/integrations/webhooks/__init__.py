"""Webhooks: what happens here is told to endpoints that an admin has set, as Standard Webhooks
(https://www.standardwebhooks.com) says.
"""
