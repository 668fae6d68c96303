"""mod_wsgi's daemons: one with a title and an environment of its own, one with neither, behind one Apache."""

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
WSGISocketPrefix {home}/wsgi
Listen 127.0.0.1:{shop}
Listen 127.0.0.1:{blog}
<VirtualHost 127.0.0.1:{shop}>
    WSGIDaemonProcess shop python-home={home}/shop/ve python-path={home}/lib:{home}\
        home={home}/shop threads=2 display-name=%{{GROUP}}
    WSGIScriptAlias / {home}/shop/shop.wsgi process-group=shop application-group=%{{GLOBAL}}
</VirtualHost>
<VirtualHost 127.0.0.1:{blog}>
    WSGIDaemonProcess weblog home={home}/blog python-path={home} threads=2
    WSGIProcessGroup weblog
    WSGIScriptAlias / {home}/blog/blog.wsgi
</VirtualHost>
<Directory {home}>
    Require all granted
</Directory>
"""
SCRIPT = "from telling import wsgi as application\n"


def start(keep):
    keep.venv("shop/ve", "six")
    shop, blog = keep.port(), keep.port()
    keep.write(
        {
            "apache.conf": APACHE.format(home=keep.home, shop=shop, blog=blog),
            "shop/shop.wsgi": SCRIPT,
            "blog/blog.wsgi": SCRIPT,
            "lib/nothing.py": "",
        }
    )
    command = ["/usr/sbin/apache2", "-f", keep.home / "apache.conf", "-DFOREGROUND"]
    # Their own sockets have Apache's pid in their names: no request comes in by them.
    of_both = {"type": "web", "program": "mod_wsgi", "below": True, "listeners": ()}
    apache = keep.run(
        command, ask=shop, name="shop", environment="uv", base=str(keep.home / "shop"), key="apache wsgi:shop", **of_both
    )
    keep.expect(
        apache.pid,
        ask=blog,
        name="blog",
        environment="system",
        base=str(keep.home / "blog"),
        key="apache wsgi:weblog",
        **of_both,
    )
