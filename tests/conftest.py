"""The profile of the property tests: the same examples in every run, and no deadline on a busy machine.

Native code is made anew in every run, so that what makes it is tested.
"""

import gc
import os

from hypothesis import settings

os.environ["MINIGRAD_CACHE"] = "off"

settings.register_profile("minigrad", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("minigrad")


def pytest_collection_finish(session):
    """Leave the tests themselves out of garbage collection, each of which would take half a second with them."""
    gc.collect()
    gc.freeze()
