"""What the operator sees of requests: log lines, metrics."""
