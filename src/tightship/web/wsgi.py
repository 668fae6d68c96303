"""What the HTTP server calls."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

# Set, not only by default: whoever starts this often has it set for an application of their own.
os.environ["DJANGO_SETTINGS_MODULE"] = "tightship.web.settings"

application = get_wsgi_application()
