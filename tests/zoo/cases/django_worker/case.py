"""A management command of Django that works for good."""

from tests.applications import DJANGO

COMMAND = """
import time
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, *args, **options):
        import telling
        telling.leave("told.json")
        time.sleep(600)
"""


def start(keep):
    keep.venv("ve", "django")
    keep.write({name: text for name, text in DJANGO.items()})
    keep.write({f"shop/management/{name}": "" for name in ("__init__.py", "commands/__init__.py")})
    settings = keep.home / "shop/settings.py"
    settings.write_text(settings.read_text() + "INSTALLED_APPS = ['shop']\n")
    keep.write({"shop/management/commands/process_tasks.py": COMMAND})
    keep.run(["ve/bin/python", "manage.py", "process_tasks"], told="told.json", type="worker", program="django", name="shop")
