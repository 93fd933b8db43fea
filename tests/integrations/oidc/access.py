from tests.support.access_part import AccessPart

PART = AccessPart(
    table="""
# log-in at the clinic's own provider
begin_clinic_log_in          nnnnnnnnnnn       /auth/oidc/hospital/start
take_answer_of_provider      nnnnnnnnnnn       /auth/oidc/hospital/callback
finish_clinic_log_in         fffffffffff       /auth/oidc/finish
log_out_by_provider          nnnnnnnnnnn       /auth/oidc/hospital/logout
list_providers               admins            /integrations/oidc
allow_provider               admins            /users/{email}/provider
""",
    requests={
        "begin_clinic_log_in": {"json": {}},
        "finish_clinic_log_in": {"json": {}},
        "allow_provider": {"json": {"provider": None}},
        "log_out_by_provider": {"data": {"logout_token": "a token"}},
    },
    open_to_all=(
        ("POST", "/auth/oidc/<provider>/start"),
        ("GET", "/auth/oidc/<provider>/callback"),
        ("POST", "/auth/oidc/finish"),
        ("POST", "/auth/oidc/<provider>/logout"),
    ),
    no_key=("list_providers", "allow_provider"),
)
