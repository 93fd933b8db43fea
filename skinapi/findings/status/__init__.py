"""What holds about a finding and its spot: the reviews that count, and what they decide."""
