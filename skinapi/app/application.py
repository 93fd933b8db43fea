"""Builds the Flask application: middleware, and the routes of all packages."""

from collections.abc import Callable
from contextlib import suppress

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule

from skinapi.accounts.admin.audit_routes import audit_routes
from skinapi.accounts.admin.operation_gauges import OperationGauges
from skinapi.accounts.admin.overview import overview_routes
from skinapi.accounts.admin.routes import decision_routes, usage_routes
from skinapi.accounts.admin.routes import routes as admin_routes
from skinapi.accounts.auth.me_routes import consent_routes, factor_routes
from skinapi.accounts.auth.routes import recovery_routes
from skinapi.accounts.auth.routes import routes as auth_routes
from skinapi.app.composition.background import Background
from skinapi.app.composition.model_services import ModelServices
from skinapi.app.composition.privacy_services import PrivacyServices
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import SkinAPIError
from skinapi.base.logs import configure_logs
from skinapi.base.settings import Settings
from skinapi.base.settings.demo_folder import read_demo
from skinapi.base.settings.safety import WRONG_DEFAULT_DOCTOR
from skinapi.care.case_routes import comparison_routes
from skinapi.care.case_routes import routes as cases_routes
from skinapi.care.letter_routes import routes as letters_routes
from skinapi.care.message_routes import routes as messages_routes
from skinapi.care.own_data import data_routes
from skinapi.care.own_data import routes as inbox_routes
from skinapi.care.queue_routes import routes as care_routes
from skinapi.care.spot_routes import routes as lesions_routes
from skinapi.console.embed import EmbedPage
from skinapi.console.embed import routes as embed_routes
from skinapi.console.routes import Console
from skinapi.console.routes import routes as console_routes
from skinapi.findings.prediction.routes import kept_photo_routes
from skinapi.findings.prediction.routes import routes as prediction_routes
from skinapi.findings.records.routes import correction_routes, outcome_routes, review_routes
from skinapi.findings.records.routes import routes as records_routes
from skinapi.findings.reports.routes import routes as reports_routes
from skinapi.integrations.clients import (
    dermascan_diagnosis,
    dermascan_lab,
    explainable,
    photo_forms,
)
from skinapi.integrations.clients.service import names_for_clients
from skinapi.integrations.dicom.archive import ARCHIVE
from skinapi.integrations.dicom.routes import archive_routes, stow_routes, studies_routes
from skinapi.integrations.fhir.routes import intake_routes, operation_outcome
from skinapi.integrations.fhir.routes import routes as fhir_routes
from skinapi.integrations.keys.admission import KeyAuthorizer
from skinapi.integrations.keys.routes import patient_routes as external_patient_routes
from skinapi.integrations.keys.routes import routes as key_routes
from skinapi.integrations.oidc.routes import routes as oidc_routes
from skinapi.integrations.webhooks.endpoints import KIND as WEBHOOK
from skinapi.integrations.webhooks.routes import routes as webhooks_routes
from skinapi.lab.routes import from_reviews_routes, import_routes, upload_routes
from skinapi.lab.routes import routes as dataset_routes
from skinapi.model.registry.composition import open_operating_point, open_registry, open_served
from skinapi.model.registry.prediction_pool import PredictionPool, ServedModel
from skinapi.model.registry.routes import drift_routes, models_routes, operating_point_routes
from skinapi.model.registry.routes import routes as registry_routes
from skinapi.model.registry.service import InferenceService, ModelReloader
from skinapi.platform.jobs.routes import routes as jobs_routes
from skinapi.platform.storage.disk_reserve import DiskReserve
from skinapi.platform.storage.ports import Store
from skinapi.platform.web.admission import (
    LEAST_DRAINED,
    ForeignPages,
    Sizes,
    guard_requests,
    limit_waiting,
)
from skinapi.platform.web.answers import answer_errors
from skinapi.platform.web.declaration import Rate, renderer_for
from skinapi.platform.web.full_disk import keep_room
from skinapi.platform.web.headers import add_headers, allowed_origins
from skinapi.platform.web.left_out import count_left_out
from skinapi.platform.web.pages import ServerInfo, log_requests, measure_requests
from skinapi.platform.web.pages import routes as server_routes
from skinapi.platform.web.rate_limits import Limits, add_rate_headers, open_limits
from skinapi.platform.web.request_context import add_request_ids
from skinapi.privacy.erasure.routes import routes as erasure_routes
from skinapi.privacy.person_file.routes import key_routes as signing_key_routes
from skinapi.privacy.person_file.routes import routes as person_file_routes
from skinapi.privacy.retention.routes import routes as retention_routes
from skinapi.privacy.routes import joining_routes, readers_routes
from skinapi.privacy.routes import routes as break_glass_routes


class RuleWithoutBuilder(Rule):
    """A rule that compiles its part of `url_for` only when that is called, which nothing does here:
    to compile those of all rules takes 4 % of a start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            return compile_builder(append_unknown)(rule, **values)

        return build


class Application(Flask):
    """The web application, and what its server starts, stops and closes."""

    url_rule_class = RuleWithoutBuilder

    def __init__(
        self,
        *,
        services: Services,
        registry: InferenceService,
        privacy: PrivacyServices,
        background: Background,
    ) -> None:
        super().__init__(__name__, static_folder=None)
        self.services, self.registry, self.background = services, registry, background
        self.privacy = privacy


def create_app(
    settings: Settings | None = None,
    store: Store | None = None,
    *,
    served: ServedModel | None = None,
    pool: PredictionPool | None = None,
    workers_here: bool = False,
) -> Application:
    """The web application. Without `settings` they are read from the environment. `served` may have
    the built-in model already; else `background` opens one, once it is started. `workers_here`:
    this server keeps the job workers.

    Resumes what an interruption left of deleted accounts and of data sets.
    """
    settings = settings or Settings()
    configure_logs()
    served_model = served or open_served(settings)
    services = open_services(
        settings,
        store,
        served=served_model,
        workers_here=workers_here,
    )
    services.eraser.resume()
    with suppress(SkinAPIError):  # it is done again before each upload
        services.lab.cleanup.sweep()
    registry, reloader = open_registry(
        settings, services.models, served_model, names_for_clients(), pool
    )
    return _build(settings, services, registry, reloader)


def _build(
    settings: Settings, services: Services, registry: InferenceService, reloader: ModelReloader
) -> Application:
    rates = {Rate(name): text for name, text in settings.rates.items()}
    limits = open_limits(settings.rate_limit_uri, settings.instance_dir, rates)

    model_services = ModelServices(settings, services, registry, limits)
    privacy = PrivacyServices(settings, services)
    app = Application(
        services=services,
        registry=registry,
        privacy=privacy,
        background=Background(settings, services, reloader, model_services.archive, privacy),
    )
    # Never answer with a redirect to another spelling of the path.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        # Only the client's IP address: a proxy may pass on the other X-Forwarded headers as the
        # client sent them. https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)
        app.wsgi_app = proxied  # type: ignore[method-assign]

    log_requests(app, addresses=settings.log_addresses)
    measure_requests(app)
    add_request_ids(app)
    count_left_out(app, services.data.failed_items.note_damaged)
    add_rate_headers(app)
    if not settings.mongo_uri:
        keep_room(app, DiskReserve(settings.instance_dir))
    _guard(app, settings, limits)
    log_ins = {
        one.name: {"label": one.shown_name, "links": one.linking == "by_admin"}
        for one in settings.log_in_providers
    }
    responsible = {"name": settings.clinic_name, "notice": settings.privacy_url}
    console = Console.of(read_demo(settings.instance_dir), log_ins, responsible)
    answer_errors(app, renderer_for(app, console.show_missing, {"/fhir": operation_outcome}))
    _register_routes(app, settings, limits, console, model_services)
    return app


def _guard(app: Application, settings: Settings, limits: Limits) -> None:
    """Who may ask for what, and how much."""
    origins = allowed_origins(settings.origins, loopback=not settings.production)
    add_headers(app, origins=origins, https_only=settings.production)
    # About twice the base64 of the largest photo: a client that sends more may lose the answer.
    limit_waiting(app, most_drained=max(LEAST_DRAINED, 3 * settings.max_upload_bytes))
    sizes = Sizes(
        photo=settings.max_upload_bytes,
        spooled=settings.max_dataset_bytes,
        held=settings.held_bytes,
        held_in_files=2 * settings.max_dataset_bytes,
    )
    guard_requests(
        app,
        admit=_open_authorizer(app.services, limits).admit,
        foreign_pages=ForeignPages(
            allowed=origins, address=settings.address, loopback=settings.loopback
        ),
        limits=limits,
        sizes=sizes,
    )


def _open_authorizer(services: Services, limits: Limits) -> KeyAuthorizer:
    data = services.data
    return KeyAuthorizer(
        persons=services.authorizer,
        keys=data.keys,
        accounts=data.accounts,
        uses=data.key_uses,
        spend_quota=limits.spend_quota,
    )


def _register_routes(
    app: Application,
    settings: Settings,
    limits: Limits,
    console: Console,
    model_services: ModelServices,
) -> None:
    services, registry = app.services, app.registry
    server_routes.register(app, _open_server_info(app, limits, console))
    auth_routes.register(app, services.auth)
    consent_routes.register(app, services.consents)
    erasure_routes.register(app, services.erasure)
    recovery_routes.register(app, services.recovery)
    factor_routes.register(app, services.second_factor)
    admin_routes.register(app, services.admin)
    audit_routes.register(app, services.admin)
    decision_routes.register(app, services.decisions)
    overview_routes.register(app, model_services.overview)
    usage_routes.register(app, services.data.usage)
    registry_routes.register(app, registry)
    models_routes.register(app, services.models)
    operating_point = open_operating_point(settings, services.models, registry.served)
    operating_point_routes.register(app, operating_point)
    drift_routes.register(app, services.drift)
    records_routes.register(app, services.records)
    review_routes.register(app, services.reviews)
    correction_routes.register(app, services.corrections)
    outcome_routes.register(app, services.data.outcome_counts)
    reports_routes.register(app, model_services.reports)
    care_routes.register(app, services.care)
    lesions_routes.register(app, services.lesions)
    cases_routes.register(app, services.cases)
    letters_routes.register(app, services.letters)
    inbox_routes.register(app, services.inbox)
    messages_routes.register(app, services.messages)
    data_routes.register(app, services.own_data)
    comparison_routes.register(app, model_services.comparisons)
    upload_routes.register(app, services.lab.uploads)
    dataset_routes.register(app, services.lab.datasets)
    from_reviews_routes.register(app, services.lab.from_reviews)
    dermascan_lab.dataset_routes.register(app, services.lab.datasets)
    jobs_routes.register(app, services.jobs)
    prediction_routes.register(app, model_services.prediction)
    kept_photo_routes.register(app, model_services.kept_photos)
    for client in (photo_forms, explainable, dermascan_diagnosis):
        client.routes.register(app, model_services.clients)
    dermascan_lab.model_routes.register(app, services.models)
    dermascan_lab.training_routes.register(app, services.lab.trainings)
    import_routes.register(app, services.lab.imports)
    console_routes.register(app, console)
    embed_routes.register(app, EmbedPage.of(settings))
    _register_integrations(app, services)
    _register_standards(app, model_services)
    _register_privacy(app, app.privacy)


def _open_server_info(app: Application, limits: Limits, console: Console) -> ServerInfo:
    services, registry = app.services, app.registry
    return ServerInfo(
        app,
        page=console.show,
        probes={
            "store": services.store.ping,
            "rate_limits": limits.ping,
            "model": registry.served.ping,
        },
        notes=lambda: [
            *filter(None, [registry.served.problem]),
            *services.jobs.problems(),
            *([WRONG_DEFAULT_DOCTOR] if services.assignments.has_wrong_default() else []),
            *app.background.unassigned_mailer.problems(),
            *services.data.outbox.problems(),
            *services.data.deliveries.problems(),
            *services.data.webhook_endpoints.problems(),
            *services.data.failed_items.problems(),
            *services.data.clock.problems(),
        ],
        gauges=(
            services.drift.gauges,
            services.jobs.gauges,
            services.data.clock.gauges,
            services.data.failed_items.gauges,
            _open_operation_gauges(services).gauges,
        ),
    )


def _open_operation_gauges(services: Services) -> OperationGauges:
    data = services.data
    return OperationGauges(
        store=services.store,
        outbox=data.outbox,
        deliveries=data.deliveries,
        kinds=(WEBHOOK, ARCHIVE),
        count_unassigned=services.unassigned.count,
        count_overdue=data.submissions.count_overdue,
        folder=services.settings.instance_dir,
    )


def _register_integrations(app: Flask, services: Services) -> None:
    oidc_routes.register(app, services.oidc)
    key_routes.register(app, services.keys)
    external_patient_routes.register(app, services.patients)
    webhooks_routes.register(app, services.webhooks)


def _register_privacy(app: Flask, privacy: PrivacyServices) -> None:
    break_glass_routes.register(app, privacy.break_glass)
    joining_routes.register(app, privacy.joining)
    readers_routes.register(app, privacy.readers)
    person_file_routes.register(app, privacy.person_files)
    signing_key_routes.register(app, privacy.signer)
    retention_routes.register(app, privacy.retention)


def _register_standards(app: Flask, standards: ModelServices) -> None:
    fhir_routes.register(app, standards.fhir)
    intake_routes.register(app, standards.fhir_intake)
    stow_routes.register(app, standards.dicom_intake)
    studies_routes.register(app, standards.studies)
    archive_routes.register(app, standards.archive)
