"""The command line: its options, and one module for each command."""
