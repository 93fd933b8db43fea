"""The check of a data set: tables, labels, pictures and duplicates, until it is published."""
