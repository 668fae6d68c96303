"""A celery worker under titles (setproctitle wipes command line and variables)."""

TASKS = """
import telling
from celery import Celery

app = Celery("shop", broker="filesystem://", backend=None)
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "store_processed": False}
telling.leave("told.json", 3.0)
"""


def start(keep):
    keep.venv("ve", "celery", "setproctitle")
    keep.write({"shop/__init__.py": "", "shop/tasks.py": TASKS, "queue/none": ""})
    keep.run(
        ["ve/bin/celery", "-A", "shop.tasks", "worker", "-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        told="told.json",
        type="worker",
        program="celery",
        name="shop",
        unread="environment variables were wiped",
    )
