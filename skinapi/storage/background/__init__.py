"""What threads do beside the requests: migrations, erasures, totals, and the lease for it."""
