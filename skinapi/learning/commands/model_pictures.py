"""The pictures of a model folder, by the parts of its own split."""

from skinapi.learning.commands.evaluate_options import CardOptions
from skinapi.learning.commands.terminal import print_line
from skinapi.learning.commands.train_options import CalibrateOptions
from skinapi.learning.data.sources import Sources, load_sources
from skinapi.learning.data.splits import read_split, require_one_part_per_group, split_samples
from skinapi.vision.network.model import SPLIT, Part


def load_model_pictures(
    options: CalibrateOptions | CardOptions,
) -> tuple[Sources, dict[str, Part]]:
    """The pictures and their parts. Of other diseases the model's split names none where these were
    not known in its training: they are split now.
    """
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    parts = read_split(options.split or options.model / SPLIT)
    require_one_part_per_group(sources.samples, parts)
    unnamed = [sample for sample in sources.samples if sample.image_id not in parts]
    if unnamed:
        print_line(
            f"{len(unnamed)} pictures are in no part of the split: {unnamed[0].image_id}, ..."
        )
    split = split_samples((*sources.dataset.samples, *sources.others), given=parts)
    return sources, parts | {s.image_id: split[s.image_id] for s in sources.others}
