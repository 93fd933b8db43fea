"""The table of findings, and the folder beside it while it is not finished."""
