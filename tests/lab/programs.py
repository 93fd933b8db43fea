"""Which of its modules a server starts as programs."""

PROGRAMS = ("skinapi.lab.checks.picture_decoder",)
