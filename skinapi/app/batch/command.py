"""`python -m skinapi batch`: opens what the arguments name, compares it with the run that began the
output, and judges what is left.
"""

import argparse
import hashlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from itertools import groupby, islice

from skinapi.app.batch.arguments import BatchArguments
from skinapi.app.batch.errors import GO_ON, BadSource, OutputOfAnotherRun, PicturesGone
from skinapi.app.batch.judge import JudgeOptions, open_judge, sum_model
from skinapi.app.batch.output import Manifest, Output, Part
from skinapi.app.batch.pictures import FolderWalk, Listing, is_dicom, open_listing
from skinapi.app.batch.run import LocalWorkers, Workers, judge_rest, stopping_by_signal
from skinapi.app.batch.table import columns
from skinapi.base.logs import configure_logs
from skinapi.base.settings import Settings
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.model import SHIPPED_MODEL, read_calibration, read_card, read_labels

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
# So many pictures before and behind the place where a run goes on are looked for.
LOOKED_FOR = 50
NO_DICOM = "Some of the pictures are DICOM objects (.dcm): install requirements-dicom.txt first"


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
    output = Output(arguments.out.absolute())
    with stopping_by_signal() as stop, output.held():
        try:
            return _run_held(output, listing, options, arguments, stop)
        except Interrupted:
            return _say_interrupted()


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
    output: Output,
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
        progress = judge_rest(output, workers, columns=schema, say=_say, stop=stop)
    _say(progress.summary())
    if not progress.complete:
        return _say_interrupted()
    output.finish(manifest, columns=schema)
    _say(f"{arguments.out} is complete: {manifest.pictures:,} rows")
    return 0


def _begin(
    output: Output,
    listing: Listing,
    options: JudgeOptions,
    arguments: BatchArguments,
    stop: threading.Event,
) -> Manifest | None:
    """The manifest of the run to go on with; a new one where none has begun, None where its output
    is finished. Raises OutputOfAnotherRun.
    """
    finished = output.finished()  # it refuses to replace a file that is not ours
    begun = None if arguments.restart else output.begun()
    # With --restart, a finished output stays until the new one replaces it.
    earlier = begun or (None if arguments.restart else finished)
    names: list[bytes] = []
    if earlier and isinstance(listing, FolderWalk):
        # A folder's plan stays as it was when the run began.
        manifest = _describe(options, listing, earlier.pictures, earlier.plan_sha256)
    else:
        names = _sorted_names(listing, stop)
        digest = hashlib.sha256()
        for name in names:
            digest.update(name + b"\0")
        manifest = _describe(options, listing, len(names), digest.hexdigest())
    if earlier is None:
        output.begin(manifest, names)
        return manifest
    if difference := manifest.difference(earlier):
        raise OutputOfAnotherRun(
            f"{arguments.out} belongs to another run: {difference}. Choose another --out, or begin "
            "anew with --restart"
        )
    return begun


def _describe(options: JudgeOptions, listing: Listing, pictures: int, digest: str) -> Manifest:
    return Manifest(
        model_version=read_card(options.model).version,
        model_sha256=sum_model(options.model),
        precision=options.precision,
        largest_bytes=options.largest_bytes,
        operating_point=_point_of(options),
        prevalence="empty" if options.prevalence is None else f"{100 * options.prevalence:g}",
        kind="folder" if isinstance(listing, FolderWalk) else "list",
        root=options.root.decode(errors="backslashreplace"),
        pictures=pictures,
        plan_sha256=digest,
    )


def _point_of(options: JudgeOptions) -> str:
    if read_calibration(options.model).has_points:
        return options.point.value
    _say(
        "The model has no thresholds for operating points, so its bands follow the older rule. To "
        "have them, calibrate it again: python -m skinapi calibrate"
    )
    return "none"


def _sorted_names(listing: Listing, stop: threading.Event) -> list[bytes]:
    """Each name once. All are in memory: with the plan's table 185 MB for a million names of 36
    bytes. Raises Interrupted.
    """
    names: list[bytes] = []
    for name in listing.names():
        if stop.is_set():
            raise Interrupted
        names.append(name)
    if any(map(is_dicom, names)) and find_spec("pydicom") is None:
        raise BadSource(NO_DICOM)
    names.sort()
    once = [name for name, _ in groupby(names)]
    repeated = f", {len(names) - len(once):,} named twice" if len(names) > len(once) else ""
    others = f", {listing.left_out:,} other files left out" if listing.left_out else ""
    _say(f"{len(once):,} pictures{repeated}{others}")
    return once


def _open_workers(options: JudgeOptions, arguments: BatchArguments) -> Workers:
    if arguments.cluster:
        # Dask takes 0.3 s to import, and few runs need it.
        from skinapi.app.batch.cluster import ClusterWorkers  # noqa: PLC0415

        return ClusterWorkers(arguments.cluster, options)
    judge = open_judge(options, threads=arguments.threads)
    return LocalWorkers(judge, threads=arguments.threads)


def _refuse_if_gone(output: Output, options: JudgeOptions) -> None:
    """Raises PicturesGone if an earlier run read pictures and none can be found now: then a share
    is not mounted, and every picture that is left would be called missing.
    """
    names, parts = output.names(), output.parts()
    done = sum(part.rows for part in parts)
    before = [names[place].as_py() for place in islice(_last_read(parts), LOOKED_FOR)]
    following = names[done : done + LOOKED_FOR].to_pylist()
    reader = options.open_reader()
    if before and following and not any(map(reader.exists, [*before, *following])):
        raise PicturesGone


def _last_read(parts: Sequence[Part]) -> Iterator[int]:
    """The places in the plan of pictures that had a file, the last one first: the last rows may be
    of what could not be read.
    """
    end = sum(part.rows for part in parts)
    for part in reversed(parts):
        end -= part.rows
        sizes = part.read(["bytes"])["bytes"].to_pylist()
        yield from (end + at for at in reversed(range(part.rows)) if sizes[at] is not None)


def _say_interrupted() -> int:
    _say(f"Interrupted. Nothing is lost: to go on, {GO_ON}")
    return INTERRUPTED


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
