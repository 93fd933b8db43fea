"""Which pages, and which kinds of blocks in them, tests of this folder run."""

RUN = set[str]()
KINDS = {"bash webhook", "python webhook"}
