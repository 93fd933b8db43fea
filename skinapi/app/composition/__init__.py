"""Builds the repositories and services, and hands each the others that it needs."""
