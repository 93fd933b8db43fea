"""Which pages, and which kinds of blocks in them, tests of this folder run."""

RUN = {"docs/integrate/log_in.md"}
KINDS = set[str]()
