"""The conversation of a spot between its owner and the doctor in charge."""
