"""What every route shares: its declaration, access, limits, parsing, answers and errors."""
