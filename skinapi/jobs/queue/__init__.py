"""The stored jobs: whose turn it is, and what each has printed."""
