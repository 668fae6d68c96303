"""The web's settings, with a data directory that no test can share with what really runs here."""

import os
import tempfile

# Django reads its settings before pytest reads any conftest: this is the earliest place.
os.environ["TIGHTSHIP_DATA"] = tempfile.mkdtemp(prefix="tightship-tests-")

from tightship.web.settings import *  # noqa: F403
