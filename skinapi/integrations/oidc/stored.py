from skinapi.platform.area import Stored

STORED = Stored(log_ins=("skinapi.integrations.oidc.service:RoundTrips.forget",))
