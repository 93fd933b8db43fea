"""Builds the Flask application: middleware, and the routes of all packages."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from skinapi.admin.routes import routes as admin_routes
from skinapi.admin.routes import usage_routes
from skinapi.audit.sealer import AuditSealer
from skinapi.auth.accounts.waiting_expiry import WaitingExpiry
from skinapi.auth.routes import routes as auth_routes
from skinapi.care.queue.routes import routes as care_routes
from skinapi.clients import explainable, skinartify
from skinapi.clients import shared_paths as shared
from skinapi.clients.dermascan_lab import dataset_upload as lab_datasets
from skinapi.clients.dermascan_lab import diagnosis as lab
from skinapi.clients.dermascan_lab import model_list as lab_models
from skinapi.clients.dermascan_lab import training as lab_training
from skinapi.composition.migrations import migrations_of
from skinapi.composition.services import Services, open_model_services, open_services
from skinapi.console.routes import routes as console_routes
from skinapi.console.routes import show_console, show_missing
from skinapi.errors import SkinAPIError
from skinapi.jobs.routes import routes as jobs_routes
from skinapi.lab.imports.routes import routes as import_routes
from skinapi.lab.imports.service import ImportsService
from skinapi.lab.reviews.routes import routes as from_reviews_routes
from skinapi.lab.routes import routes as dataset_routes
from skinapi.lab.trainings.service import TrainingService
from skinapi.lab.uploads.routes import routes as upload_routes
from skinapi.lab.uploads.upload_records import Uploads
from skinapi.logs import configure_logs
from skinapi.prediction.routes import routes as prediction_routes
from skinapi.records.routes import review_routes
from skinapi.records.routes import routes as records_routes
from skinapi.registry.drift.routes import drift_routes
from skinapi.registry.model_reloader import ModelFollower
from skinapi.registry.routes import routes as registry_routes
from skinapi.registry.service import RegistryService, open_registry
from skinapi.registry.versions.routes import models_routes
from skinapi.registry.wiring import open_follower
from skinapi.reports.routes import routes as reports_routes
from skinapi.settings import Settings
from skinapi.storage.background.erasures import ErasureRetry
from skinapi.storage.background.migration import Migrator
from skinapi.storage.ports import Store
from skinapi.web.answers.error_responses import answer_errors
from skinapi.web.answers.response_headers import add_headers, allowed_origins
from skinapi.web.limits.rate_limits import Limits, Rate, add_rate_headers, open_limits
from skinapi.web.monitoring.request_log import log_requests
from skinapi.web.monitoring.request_metrics import measure_requests
from skinapi.web.pages.routes import ServerInfo
from skinapi.web.pages.routes import routes as server_routes
from skinapi.web.request_context import add_request_ids
from skinapi.web.routing.admission import Sizes, guard_requests
from skinapi.web.routing.declaration import renderer_for
from skinapi.web.routing.foreign_pages import ForeignPages


def create_app(
    settings: Settings | None = None,
    store: Store | None = None,
    registry: RegistryService | None = None,
) -> Flask:
    """The web application. Without `settings` they are read from the environment.

    Resumes what an interruption left of deleted accounts and of data sets. Raises UnsafeSettings,
    StoreTooNew, BrokenStore.
    """
    settings = settings or Settings()
    configure_logs()
    services = open_services(settings, store)
    services.eraser.resume()
    with suppress(SkinAPIError):  # it is done again before each upload
        services.datasets.sweep()
    registry = registry or open_registry(settings)
    follower = open_follower(settings, services.models, registry)
    limits = open_limits(settings.rate_limit_uri, settings.instance_dir, _rates(settings))

    app = Flask(__name__, static_folder=None)
    app.extensions["skinapi"] = services
    # Whoever serves starts and stops these six.
    app.extensions["skinapi.model_follower"] = follower
    app.extensions["skinapi.migrator"] = Migrator(services.store, migrations_of(services))
    app.extensions["skinapi.totals"] = services.totals
    app.extensions["skinapi.audit_sealer"] = AuditSealer(services.store, services.trail)
    app.extensions["skinapi.erasures"] = ErasureRetry(services.store)
    app.extensions["skinapi.waiting_expiry"] = WaitingExpiry(
        accounts=services.accounts,
        eraser=services.eraser,
        life=timedelta(days=settings.waiting_account_days),
    )
    # Never answer with a redirect to another spelling of the path.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        # Only the client's IP address: a proxy may pass on the other X-Forwarded headers as the
        # client sent them. https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)
        app.wsgi_app = proxied  # type: ignore[method-assign]

    log_requests(app)
    measure_requests(app)
    add_request_ids(app)
    origins = allowed_origins(settings.origins, loopback=not settings.production)
    add_headers(app, origins=origins, https_only=settings.production)
    add_rate_headers(app)
    sizes = Sizes(
        body=settings.max_body_bytes,
        photo=settings.max_upload_bytes,
        spooled=settings.max_dataset_bytes,
    )
    guard_requests(
        app,
        admit=services.guard.admit,
        foreign_pages=ForeignPages(
            allowed=origins, address=settings.address, loopback=settings.loopback
        ),
        limits=limits,
        sizes=sizes,
    )
    answer_errors(app, renderer_for(app, missing=show_missing))
    _register_routes(app, settings, services, registry, limits)
    follower.make_pass()  # last, because it waits for the model, which a thread may still open
    return app


def _rates(settings: Settings) -> dict[Rate, str]:
    return {
        Rate.READ: settings.rate_read,
        Rate.WRITE: settings.rate_write,
        Rate.SIGN_IN: settings.rate_sign_in,
        Rate.ANONYMOUS: settings.rate_anonymous,
        Rate.PREDICTIONS: settings.rate_predictions,
        Rate.RENDERINGS: settings.rate_renderings,
    }


def _register_routes(
    app: Flask, settings: Settings, services: Services, registry: RegistryService, limits: Limits
) -> None:
    model_services = open_model_services(
        settings,
        services,
        registry=registry,
        count_photo=partial(limits.spend, Rate.PREDICTIONS),
        count_rendering=partial(limits.spend, Rate.RENDERINGS),
    )
    probes = {"store": services.store.ping, "rate_limits": limits.ping, "model": registry.ping}
    follower: ModelFollower = app.extensions["skinapi.model_follower"]
    server = ServerInfo(
        app,
        page=show_console,
        probes=probes,
        notes=follower.notes,
        gauges=(services.drift.gauges, services.jobs.gauges),
    )
    app.register_blueprint(server_routes.blueprint(server))
    app.register_blueprint(auth_routes.blueprint(services.auth))
    app.register_blueprint(admin_routes.blueprint(services.admin))
    app.register_blueprint(usage_routes.blueprint(services.usage))
    app.register_blueprint(registry_routes.blueprint(registry))
    app.register_blueprint(models_routes.blueprint(services.models))
    app.register_blueprint(drift_routes.blueprint(services.drift))
    app.register_blueprint(records_routes.blueprint(services.records))
    app.register_blueprint(review_routes.blueprint(services.reviews))
    app.register_blueprint(reports_routes.blueprint(model_services.reports))
    app.register_blueprint(care_routes.blueprint(services.care))
    app.register_blueprint(upload_routes.blueprint(services.uploads))
    app.register_blueprint(dataset_routes.blueprint(services.datasets))
    app.register_blueprint(from_reviews_routes.blueprint(services.from_reviews))
    app.register_blueprint(lab_datasets.routes.blueprint(services.datasets))
    app.register_blueprint(jobs_routes.blueprint(services.jobs))
    app.register_blueprint(prediction_routes.blueprint(model_services.prediction))
    for client in (skinartify, explainable, lab, shared):
        app.register_blueprint(client.routes.blueprint(model_services.clients))
    app.register_blueprint(lab_models.routes.blueprint(services.models))
    trainings = TrainingService(datasets=services.datasets, jobs=services.jobs)
    app.register_blueprint(lab_training.routes.blueprint(trainings))
    imports = ImportsService(uploads=Uploads(services.store), jobs=services.jobs)
    app.register_blueprint(import_routes.blueprint(imports))
    app.register_blueprint(console_routes.blueprint(None))
