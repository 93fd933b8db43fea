"""Builds the repositories and services, and hands each the others that it needs.

Begin with `services.py`; `subscriptions.py` says who listens to which event.
"""
