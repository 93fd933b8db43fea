PAGES = {"docs/lab.md"}
KINDS = set[str]()
