"""The errors of a batch run. Each ends the run; what is finished is kept."""

from skinapi.base.errors import Conflict, Unavailable, Unprocessable

# With --restart, the same command would forget what is finished.
GO_ON = "run the same command again, without --restart"


class OutputInUse(Conflict):
    code = "output_in_use"
    sentence = "Another run writes this output; wait for it, or choose another --out"


class OutputOfAnotherRun(Conflict):
    code = "output_of_another_run"
    sentence = "The output belongs to another run; --restart begins it anew"


class OutputDamaged(Unprocessable):
    code = "output_damaged"
    sentence = "A finished part of the output cannot be read; --restart begins it anew"


class BadSource(Unprocessable):
    code, sentence = "bad_source", "The pictures cannot be listed"


class PicturesGone(Unavailable):
    code = "pictures_gone"
    sentence = (
        "The pictures cannot be reached any more: is their disk or network share still mounted? "
        f"Then {GO_ON}"
    )


class OutputUnwritable(Unavailable):
    code, sentence = "output_unwritable", "The output cannot be written"


class ClusterUnavailable(Unavailable):
    code, sentence = "cluster_unavailable", "The cluster cannot be used"
