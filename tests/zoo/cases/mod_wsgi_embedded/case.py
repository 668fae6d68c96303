"""mod_wsgi inside Apache's own processes, with WSGIPythonHome."""

NEEDS = ("apache2",)
APACHE = """
ServerRoot {home}
ServerName localhost
PidFile {home}/apache.pid
ErrorLog {home}/error.log
DefaultRuntimeDir {home}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
StartServers 1
ServerLimit 1
WSGIPythonHome {home}/ve
WSGIPythonPath {home}
Listen 127.0.0.1:{port}
WSGIScriptAlias / {home}/shop.wsgi
<Directory {home}>
    Require all granted
</Directory>
"""


def start(keep):
    keep.venv("ve", "six")
    port = keep.port()
    keep.write(
        {
            "apache.conf": APACHE.format(home=keep.home, port=port),
            "shop.wsgi": "from telling import wsgi as application\n",
        }
    )
    keep.run(
        ["/usr/sbin/apache2", "-f", keep.home / "apache.conf", "-DFOREGROUND"],
        ask=port,
        type="web",
        program="mod_wsgi",
        environment="uv",
        key="apache mod_wsgi",
    )
