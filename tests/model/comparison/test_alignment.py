import numpy as np
from PIL import Image

from skinapi.model.comparison.alignment import find_fit
from tests.model.comparison.pictures import spot


def test_the_rims_of_a_dermoscope_make_two_lesions_no_more_alike() -> None:
    rows, columns = np.mgrid[-1:1:384j, -1.33:1.33:512j]
    rim = (np.hypot(rows, columns) > 1.1)[..., None]
    one, other = (
        Image.fromarray(np.where(rim, 4, np.asarray(spot(seed))).astype(np.uint8))
        for seed in (1, 2)
    )
    assert find_fit(one, other).correlation < 0.4
