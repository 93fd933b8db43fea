"""What every answer has: its errors, and its headers."""
