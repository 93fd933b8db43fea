"""What every package means by a page, a caller, a role and a text: knows no HTTP and no store."""
