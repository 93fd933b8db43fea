from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule

from skinapi.accounts.admin.audit_routes import audit_routes
from skinapi.accounts.admin.overview import overview_routes
from skinapi.accounts.admin.routes import decision_routes, usage_routes
from skinapi.accounts.admin.routes import routes as admin_routes
from skinapi.accounts.auth.me_routes import consent_routes, factor_routes
from skinapi.accounts.auth.routes import recovery_routes
from skinapi.accounts.auth.routes import routes as auth_routes
from skinapi.app.areas import list_condition_names, list_routes, switched_on
from skinapi.app.composition.background import open_background
from skinapi.app.composition.server_services import ServerServices, open_server_services
from skinapi.app.composition.services import Services, open_services
from skinapi.base.logs import configure_logs
from skinapi.base.settings.demo_folder import read_demo
from skinapi.base.settings.safety import WRONG_DEFAULT_DOCTOR, WRONG_UNASSIGNED
from skinapi.base.settings.settings import Settings
from skinapi.base.settings.value_checks import OLD_ODD_KEY, is_odd_key
from skinapi.care.case_routes import comparison_routes
from skinapi.care.case_routes import routes as cases_routes
from skinapi.care.lesion_routes import routes as lesions_routes
from skinapi.care.letter_routes import routes as letters_routes
from skinapi.care.message_routes import routes as messages_routes
from skinapi.care.own_data import data_routes
from skinapi.care.own_data import routes as inbox_routes
from skinapi.care.queue_routes import routes as care_routes
from skinapi.console.embed import EmbedPage
from skinapi.console.embed import routes as embed_routes
from skinapi.console.routes import Console
from skinapi.console.routes import routes as console_routes
from skinapi.findings.prediction.routes import kept_photo_routes
from skinapi.findings.prediction.routes import routes as prediction_routes
from skinapi.findings.records.routes import routes as records_routes
from skinapi.findings.reports.routes import routes as reports_routes
from skinapi.findings.reviews.routes import correction_routes, outcome_routes
from skinapi.findings.reviews.routes import routes as review_routes
from skinapi.integrations.keys.admission import KeyAuthorizer
from skinapi.integrations.keys.routes import patient_routes as external_patient_routes
from skinapi.integrations.keys.routes import routes as key_routes
from skinapi.model.registry.composition import open_inference, open_served
from skinapi.model.registry.prediction_pool import PredictionPool, ServedModel
from skinapi.model.registry.routes import models_routes, operating_point_routes
from skinapi.model.registry.routes import routes as registry_routes
from skinapi.platform.area import Area
from skinapi.platform.jobs.routes import routes as jobs_routes
from skinapi.platform.storage.background import Scheduler
from skinapi.platform.storage.disk_reserve import DiskReserve
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import refuse_former_key
from skinapi.platform.web.admission import (
    LARGEST_SPOOLED,
    LEAST_DRAINED,
    ForeignPages,
    Sizes,
    guard_requests,
    keep_room,
    limit_waiting,
)
from skinapi.platform.web.answers import answer_errors
from skinapi.platform.web.declaration import Rate, Registration, renderer_for
from skinapi.platform.web.headers import add_headers, allowed_origins, count_left_out
from skinapi.platform.web.pages import ServerInfo, log_requests, measure_requests
from skinapi.platform.web.pages import routes as server_routes
from skinapi.platform.web.rate_limits import Limits, add_rate_headers, open_limits
from skinapi.platform.web.request_context import add_request_ids
from skinapi.privacy.erasure.routes import routes as erasure_routes
from skinapi.privacy.person_file.routes import routes as person_file_routes
from skinapi.privacy.retention.routes import routes as retention_routes
from skinapi.privacy.routes import moving_routes, readers_routes


class RuleWithoutBuilder(Rule):
    """Compiles the `url_for` part, which nothing uses, only on demand: 4 % of a start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder

        def build(rule: Rule, **values: object) -> tuple[str, str]:
            return compile_builder(append_unknown)(rule, **values)

        return build


class Application(Flask):
    url_rule_class = RuleWithoutBuilder

    def __init__(
        self,
        *,
        services: ServerServices,
        background: Scheduler,
    ) -> None:
        super().__init__(__name__, static_folder=None)
        self.services, self.background = services, background


def create_app(
    settings: Settings | None = None,
    store: Store | None = None,
    *,
    served: ServedModel | None = None,
    pool: PredictionPool | None = None,
) -> Application:
    """Without `served`, a background task opens the built-in model."""
    settings = settings or Settings()
    configure_logs()
    served_model = served or open_served(settings)
    opened = open_services(settings, store, served=served_model)
    opened.erasure.finish_begun()
    for area in switched_on(settings):
        opened.container.build(area.begin)
    inference, reloader = open_inference(
        settings, opened.models, served_model, list_condition_names(settings), pool
    )
    rates = {Rate(name): text for name, text in settings.rates.items()}
    limits = open_limits(settings.rate_limit_uri, settings.instance_dir, rates)
    services = open_server_services(opened, inference, limits)
    background = open_background(services, reloader)
    return _build(Application(services=services, background=background), limits)


def _build(app: Application, limits: Limits) -> Application:
    services, settings = app.services, app.services.settings
    # Never redirect to another spelling of the path.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        # Only the client's IP address, because a proxy may pass on other X-Forwarded headers from
        # the client. https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
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
    areas = switched_on(settings)
    console = _open_console(services, areas)
    errors_in = {path: renderer for area in areas for path, renderer in area.errors_in.items()}
    answer_errors(app, renderer_for(app, console.show_missing, errors_in))
    info = _open_server_info(app, limits, console)
    registrations = _routes_of_core(app, info, console)
    for name, (routes, service) in list_routes(settings):
        registrations.setdefault(name, []).append(routes.answered_by(services.get(service)))
    for name, registered in registrations.items():
        blueprint = Blueprint(name, __name__)
        for register in registered:
            register(blueprint)
        app.register_blueprint(blueprint)
    return app


def _open_console(services: Services, areas: Sequence[Area]) -> Console:
    settings, build = services.settings, services.container.build
    log_ins = {name: each for area in areas for name, each in build(area.log_ins).items()}
    responsible = {
        "name": settings.clinic_name,
        "phone": settings.clinic_phone,
        "notice": settings.privacy_url,
    }
    return Console.from_demo(read_demo(settings.instance_dir), log_ins, responsible, areas)


def _guard(app: Application, settings: Settings, limits: Limits) -> None:
    origins = allowed_origins(settings.origins, loopback=not settings.production)
    add_headers(app, origins=origins, https_only=settings.production)
    # About twice the base64 of the largest photo. A client that sends more may not get the answer.
    limit_waiting(app, most_drained=max(LEAST_DRAINED, 3 * settings.max_upload_bytes))
    limits_of_areas = [area.spooled for area in switched_on(settings) if area.spooled]
    spooled = max(map(app.services.container.build, limits_of_areas), default=LARGEST_SPOOLED)
    sizes = Sizes(
        photo=settings.max_upload_bytes,
        spooled=spooled,
        held=settings.held_bytes,
        held_in_files=2 * spooled,
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
    return services.container.build(KeyAuthorizer, spend_quota=limits.spend_quota)


def _routes_of_core(
    app: Application, info: ServerInfo, console: Console
) -> dict[str, list[Registration]]:
    services = app.services
    return {
        "auth": [
            auth_routes.answered_by(services.auth),
            consent_routes.answered_by(services.consents),
            factor_routes.answered_by(services.second_factor),
            recovery_routes.answered_by(services.recovery),
        ],
        "admin": [
            admin_routes.answered_by(services.admin),
            audit_routes.answered_by(services.admin),
            decision_routes.answered_by(services.decisions),
            overview_routes.answered_by(services.overview),
            usage_routes.answered_by(services.data.usage),
        ],
        "prediction": [
            prediction_routes.answered_by(services.prediction),
            kept_photo_routes.answered_by(services.kept_photos),
        ],
        "reports": [reports_routes.answered_by(services.reports)],
        "findings": [
            records_routes.answered_by(services.findings),
            review_routes.answered_by(services.reviews),
            correction_routes.answered_by(services.corrections),
            outcome_routes.answered_by(services.data.outcome_counts),
        ],
        "care": [
            care_routes.answered_by(services.care),
            cases_routes.answered_by(services.cases),
            comparison_routes.answered_by(services.comparisons),
            inbox_routes.answered_by(services.inbox),
            lesions_routes.answered_by(services.lesions),
            letters_routes.answered_by(services.letters),
            messages_routes.answered_by(services.messages),
        ],
        "lab": [jobs_routes.answered_by(services.jobs)],
        "models": [
            registry_routes.answered_by(services.inference),
            models_routes.answered_by(services.models),
            operating_point_routes.answered_by(services.operating_point),
        ],
        "privacy": [
            data_routes.answered_by(services.own_data),
            erasure_routes.answered_by(services.erasure),
            moving_routes.answered_by(services.moving),
            person_file_routes.answered_by(services.person_files),
            readers_routes.answered_by(services.readers),
            retention_routes.answered_by(services.retention),
        ],
        "programs": [
            key_routes.answered_by(services.keys),
            external_patient_routes.answered_by(services.patients),
        ],
        "console": [
            console_routes.answered_by(console),
            embed_routes.answered_by(EmbedPage.from_settings(services.settings)),
        ],
        "server": [server_routes.answered_by(info)],
    }


def _open_server_info(app: Application, limits: Limits, console: Console) -> ServerInfo:
    services, inference = app.services, app.services.inference
    noted = [store for area in switched_on(services.settings) for store in area.problems]
    return ServerInfo(
        app,
        page=console.show,
        probes={
            "store": services.store.ping,
            "key": partial(
                refuse_former_key, services.store, secrets=services.settings.audit_secrets()
            ),
            "rate_limits": limits.ping,
            "model": inference.served.ping,
        },
        notes=lambda: [
            *filter(None, [inference.served.problem]),
            *([OLD_ODD_KEY] if is_odd_key(services.settings.signing_key()) else []),
            *services.jobs.problems(),
            *([WRONG_DEFAULT_DOCTOR] if services.assignments.has_wrong_default() else []),
            *_say_wrong_readers(services),
            *services.data.outbox.problems(),
            *services.data.deliveries.problems(),
            *chain.from_iterable(services.get(store).problems() for store in noted),
            *services.data.failed_items.problems(),
            *services.data.erasure_guard.problems(),
        ],
        gauges=(
            services.jobs.gauges,
            services.data.erasure_guard.gauges,
            services.data.failed_items.gauges,
            services.gauges.measure_store,
            services.gauges.measure_disk,
        ),
    )


def _say_wrong_readers(services: Services) -> list[str]:
    wrong = services.settings.unassigned_seen_by and not services.unassigned.list_readers()
    return [WRONG_UNASSIGNED] if wrong else []
