"""Break-glass: an admin reads one finding in an emergency, and who looked at one's data."""
