"""Model versions and the slot that serves one of them."""
