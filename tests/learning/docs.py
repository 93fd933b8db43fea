"""Which pages with commands, and which kinds of blocks in them, tests of this folder know."""

PAGES = {"docs/lab.md"}
KINDS = set[str]()
