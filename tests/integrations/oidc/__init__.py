"""Tests of the clinic's log-in."""
