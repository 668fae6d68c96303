"""Django's own server, with its autoreloader."""

from tests.applications import DJANGO


def start(keep):
    keep.venv("ve", "django")
    files = {name: text for name, text in DJANGO.items() if name not in ("pyproject.toml", "shop/truth.py")}
    files["shop/urls.py"] = (
        "import json\nimport telling\nfrom django.http import JsonResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('', lambda request: JsonResponse(telling.told()))]\n"
    )
    keep.write(files)
    port = keep.port()
    keep.run(["ve/bin/python", "manage.py", "runserver", str(port)], ask=port, type="web", program="django")
