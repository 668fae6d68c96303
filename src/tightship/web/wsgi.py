"""What the HTTP server calls."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

# Set, not only by default: whoever starts this often has it set for an application of their own.
os.environ["DJANGO_SETTINGS_MODULE"] = "tightship.web.settings"

application = get_wsgi_application()

# What is loaded by now stays. To look through it for garbage again and again takes 50 ms each time, in the
# middle of somebody's request.
gc.collect()
gc.freeze()

# A page of a large fleet makes tens of thousands of rows, which are gone with it: the usual 700 would have
# the collector look at them a hundred times.
gc.set_threshold(50_000, 20, 100)
