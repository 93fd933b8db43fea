"""How much is stored about a person, for that person."""
