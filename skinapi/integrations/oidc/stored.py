"""What is stored of people who are about to log in."""

from skinapi.platform.area import Stored

FORGET = "skinapi.integrations.oidc.service:RoundTrips.forget"

STORED = Stored(
    counted={"log_ins": ("oidc_round_trips", "account")},
    forgets=(FORGET,),
    forgets_joined=(FORGET,),
)
