"""Accounts and their keys: register, log in, who am I, and who may pass."""
