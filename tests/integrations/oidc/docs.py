RUN = {"docs/integrate/log_in.md"}
KINDS = set[str]()
