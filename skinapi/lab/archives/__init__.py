"""What was sent, unpacked into the quarantine: archives, forms and the names of files."""
