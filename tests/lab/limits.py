from skinapi.base.size_limits import size_in_words
from skinapi.lab.checks import layouts
from skinapi.lab.datasets import archives, dataset_versions, uploads

LIMITS = (
    ("entries of an archive", str(archives.MOST_ENTRIES)),
    ("growth of an archive when it is unpacked", f"{archives.MOST_RATIO} times its size"),
    ("table of a data set", size_in_words(layouts.LARGEST_TABLE)),
    ("rows of a table of a data set", str(layouts.MOST_ROWS)),
    ("part of an upload", size_in_words(uploads.LARGEST_PART)),
    ("unused uploads of an account", str(uploads.MOST_UPLOADS)),
    ("an unused upload is kept for", f"{uploads.KEPT_FOR.days} days"),
    ("the report of a refused data set is kept for", f"{dataset_versions.REFUSED_FOR.days} days"),
)
