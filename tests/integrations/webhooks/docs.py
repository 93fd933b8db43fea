RUN = set[str]()
KINDS = {"bash webhook", "python webhook"}
