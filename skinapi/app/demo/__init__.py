"""A clinic that is already at work, in a folder of its own, for whoever looks around."""
