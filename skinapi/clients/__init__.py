"""The other published clients, each in its own words: they translate, and decide nothing."""
