"""What is stored of people who are about to log in."""

from skinapi.platform.area import Stored

STORED = Stored(log_ins=("skinapi.integrations.oidc.service:RoundTrips.forget",))
