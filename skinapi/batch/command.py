"""`python -m skinapi batch`: opens what the arguments name, compares it with the run that began the
output, and judges what is left.
"""

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from skinapi.batch.arguments import BatchArguments
from skinapi.batch.errors import GO_ON, OutputDamaged, OutputOfAnotherRun, PicturesGone
from skinapi.batch.judging.judge import JudgeOptions, open_judge, sum_model
from skinapi.batch.judging.workers import LocalWorkers, Workers
from skinapi.batch.output.folder import OutputFolder, saying_why_unwritable
from skinapi.batch.output.manifest import Manifest
from skinapi.batch.output.parts import finished_parts, merge_parts, read_paths
from skinapi.batch.output.table import columns, path_of, was_read
from skinapi.batch.pictures.listing import FolderWalk, Listing, open_listing
from skinapi.batch.pictures.plan import PlanFacts, read_plan, write_plan
from skinapi.batch.run import judge_rest, stopping_by_signal
from skinapi.logs import configure_logs
from skinapi.settings import Settings
from skinapi.vision.bands import OperatingPoint
from skinapi.vision.network.model import SHIPPED_MODEL, read_calibration, read_card, read_labels

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# So many pictures before and behind the place where a run goes on are looked for.
LOOKED_FOR = 50


class Interrupted(Exception):
    """Ctrl-C before the first picture."""


def run(settings: Settings, namespace: argparse.Namespace) -> int:
    """Judge every picture of a folder or a list. The exit status is INTERRUPTED after Ctrl-C.

    Raises SkinAPIError; what is finished is kept.
    """
    configure_logs()
    arguments = BatchArguments(
        **{name: getattr(namespace, name) for name in BatchArguments.__slots__}
    )
    listing = open_listing(arguments.source, null=arguments.null)
    options = _judge_options(settings, arguments, listing)
    output = OutputFolder(arguments.out.absolute())
    with saying_why_unwritable(arguments.out), stopping_by_signal() as stop:
        if arguments.restart:
            with output.held():
                output.finished_manifest()  # refuses to replace a file that is not ours
                output.discard()
        with output.held():
            try:
                return _run_held(output, listing, options, arguments, stop)
            except Interrupted:
                return _say_interrupted()
            finally:
                if output.is_empty:
                    output.discard()


def _judge_options(settings: Settings, arguments: BatchArguments, listing: Listing) -> JudgeOptions:
    """Raises ModelDamaged, and NoOperatingPoints where one was asked for and the model has none."""
    model = arguments.model or settings.model_path or SHIPPED_MODEL
    if arguments.triage or "triage" in settings.model_fields_set:
        read_calibration(model).refuse_without_points(read_card(model).version)
    return JudgeOptions(
        model=model.absolute(),
        point=OperatingPoint(arguments.triage or settings.triage),
        precision=read_card(model).precision,
        root=listing.root,
        largest_bytes=settings.max_upload_bytes,
        inside=isinstance(listing, FolderWalk),
        prevalence=settings.prevalence_share,
    )


def _run_held(
    output: OutputFolder,
    listing: Listing,
    options: JudgeOptions,
    arguments: BatchArguments,
    stop: threading.Event,
) -> int:
    manifest = _begin(output, listing, options, arguments, stop)
    if manifest is None:
        _say(f"{arguments.out} is complete already; --restart judges every picture again")
        return 0
    schema = columns(read_labels(options.model), restated=options.prevalence is not None)
    with closing(_open_workers(options, arguments)) as workers:
        _refuse_if_gone(output, options)
        progress = judge_rest(
            output, workers, columns=schema, total=manifest.pictures, say=_say, stop=stop
        )
    _say(progress.summary())
    if not progress.complete:
        if not stop.is_set():
            raise OutputDamaged(f"{output.plan} holds fewer pictures than when it was written")
        return _say_interrupted()
    text = manifest.model_dump_json()
    merge_parts(finished_parts(output.path), output.out, columns=schema, manifest=text)
    output.discard()
    _say(f"{arguments.out} is complete: {manifest.pictures:,} rows")
    return 0


def _begin(
    output: OutputFolder,
    listing: Listing,
    options: JudgeOptions,
    arguments: BatchArguments,
    stop: threading.Event,
) -> Manifest | None:
    """The manifest of the run to go on with; a new one where none has begun, None where its output
    is finished. Raises OutputOfAnotherRun.
    """
    begun = output.manifest()
    # With --restart, a finished output stays until the new one replaces it.
    earlier = begun or (None if arguments.restart else output.finished_manifest())
    is_folder = isinstance(listing, FolderWalk)
    # A folder's plan stays as it was when the run began. Of a list, only its plan can be compared.
    if earlier and is_folder:
        facts = PlanFacts(earlier.pictures, 0, earlier.plan_sha256)
    else:
        path = output.compared_plan if earlier else output.plan
        facts = write_plan(_until(listing.names(), stop), path)
        _say(_describe(facts, listing))
    manifest = Manifest(
        model_version=read_card(options.model).version,
        model_sha256=sum_model(options.model),
        precision=options.precision,
        largest_bytes=options.largest_bytes,
        operating_point=_point_of(options),
        prevalence="empty" if options.prevalence is None else f"{100 * options.prevalence:g}",
        kind="folder" if is_folder else "list",
        root=options.root.decode(errors="backslashreplace"),
        pictures=facts.total,
        plan_sha256=facts.sha256,
    )
    if earlier is None:
        output.begin(manifest)
        return manifest
    if difference := manifest.difference(earlier):
        raise OutputOfAnotherRun(
            f"{arguments.out} belongs to another run: {difference}. Choose another --out, or begin "
            "anew with --restart"
        )
    return begun


def _point_of(options: JudgeOptions) -> str:
    if read_calibration(options.model).has_points:
        return options.point.value
    _say(
        "The model has no thresholds for operating points, so its bands follow the older rule. To "
        "have them, calibrate it again: python -m skinapi calibrate"
    )
    return "none"


def _until(names: Iterator[bytes], stop: threading.Event) -> Iterator[bytes]:
    for name in names:
        if stop.is_set():
            raise Interrupted
        yield name


def _describe(facts: PlanFacts, listing: Listing) -> str:
    repeated = f", {facts.repeated:,} named twice" if facts.repeated else ""
    others = f", {listing.left_out:,} other files left out" if listing.left_out else ""
    return f"{facts.total:,} pictures{repeated}{others}"


def _open_workers(options: JudgeOptions, arguments: BatchArguments) -> Workers:
    if arguments.cluster:
        # Dask takes 0.3 s to import, and few runs need it.
        from skinapi.batch.judging.cluster import ClusterWorkers  # noqa: PLC0415

        return ClusterWorkers(arguments.cluster, options)
    judge = open_judge(options, threads=arguments.threads)
    return LocalWorkers(judge, threads=arguments.threads)


def _refuse_if_gone(output: OutputFolder, options: JudgeOptions) -> None:
    """Raises PicturesGone if an earlier run read pictures and none can be found now: then a share
    is not mounted, and every picture that is left would be called missing.
    """
    parts = finished_parts(output.path)
    # The last part may be short, and hold nothing but what could not be read.
    rows = (row for part in reversed(parts) for row in reversed(read_paths(part)))
    before = [path_of(row) for row in islice(filter(was_read, rows), LOOKED_FOR)]
    done = sum(part.rows for part in parts)
    following = list(islice(read_plan(output.plan, start=done), LOOKED_FOR))
    reader = options.open_reader()
    if before and following and not any(map(reader.exists, [*before, *following])):
        raise PicturesGone


def _say_interrupted() -> int:
    _say(f"Interrupted. Nothing is lost: to go on, {GO_ON}")
    return INTERRUPTED


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
