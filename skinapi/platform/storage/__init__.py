"""The ports of a store, and what both kinds share."""
