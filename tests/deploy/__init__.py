"""What is in deploy/, checked without deploying it."""
