"""What is checked before a data set is published, and its publishing."""
