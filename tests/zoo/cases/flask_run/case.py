"""`flask run`."""


def start(keep):
    keep.venv("ve", "flask")
    keep.write({"shop/__init__.py": "from flask import Flask\nimport telling\n\napp = Flask('shop')\napp.route('/')(telling.told)\n"})
    port = keep.port()
    keep.run(["ve/bin/flask", "--app", "shop", "run", "--port", port], ask=port, type="web", program="flask", name="shop")
