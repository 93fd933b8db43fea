"""What a model must not do worse than the one in service before it is promoted."""
