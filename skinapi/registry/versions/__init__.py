"""The stored model versions: files, cards, which one serves, promotion and rollback."""
