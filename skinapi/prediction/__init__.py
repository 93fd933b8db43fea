"""A picture in, a finding out, with its report."""
