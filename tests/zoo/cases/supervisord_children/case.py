"""Programs of supervisord: one alone, two in a group, one in two processes; supervisord is the system's."""

NEEDS = ("supervisord",)
CONFIG = """
[supervisord]
nodaemon=true
logfile=%(home)s/supervisord.log
pidfile=%(home)s/supervisord.pid
childlogdir=%(home)s

[program:shop-web]
command=%(home)s/ve/bin/waitress-serve --listen=127.0.0.1:%(one)d telling:wsgi
directory=%(home)s

[program:api]
command=%(home)s/ve/bin/waitress-serve --listen=127.0.0.1:%(two)d telling:wsgi
directory=%(home)s

[program:import]
command=%(home)s/ve/bin/python work.py %%(process_num)d
process_name=%%(program_name)s_%%(process_num)02d
numprocs=2
directory=%(home)s

[group:stock]
programs=api,import
"""


def start(keep):
    keep.venv("ve", "waitress")
    one, two = keep.port(), keep.port()
    keep.write(
        {
            "supervisord.conf": CONFIG % {"home": keep.home, "one": one, "two": two},
            "work.py": "import sys, time, telling\ntelling.leave(f'told-{sys.argv[1]}.json')\ntime.sleep(600)\n",
        }
    )
    above = keep.run(["/usr/bin/supervisord", "-c", "supervisord.conf"], alone=True, kind="system")
    keep.expect(above.pid, below=True, ask=one, type="web", supervisor="shop-web:shop-web", name="shop")
    keep.expect(above.pid, below=True, ask=two, type="web", supervisor="stock:api", name="stock")
    for number in range(2):
        told = f"told-{number}.json"
        keep.expect(above.pid, below=True, told=told, supervisor=f"stock:import_0{number}", name="stock")
