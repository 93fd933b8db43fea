"""Everything about one person in one ZIP file: made, signed, described and read."""
