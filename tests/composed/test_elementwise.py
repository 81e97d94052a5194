"""Other signatures of functions of each element."""

import minigrad as mg


def test_bounds_of_clip_go_by_either_name():
    x = mg.tensor([-2.0, 0.5, 2.0])
    for options in ({"a_min": 0, "a_max": 1}, {"min": 0, "max": 1}):
        assert mg.clip(x, **options).tolist() == [0, 0.5, 1]
