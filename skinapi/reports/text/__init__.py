"""Facts in sentences, and what other sentences are held against."""
