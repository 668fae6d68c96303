"""A ZEO server."""

CONFIG = """
%%import telling_section
<zeo>
  address 127.0.0.1:%d
</zeo>
<filestorage 1>
  path Data.fs
</filestorage>
"""


def start(keep):
    venv = keep.venv("ve", "ZEO", "setuptools")
    keep.write({"zeo.conf": CONFIG.replace("%%import telling_section\n", "") % keep.port()})
    # A server of databases has no place for a word of ours: its interpreter says it as it starts.
    script = venv / "bin/runzeo"
    lines = script.read_text().splitlines()
    lines.insert(1, "import telling; telling.leave('told.json', 2.0)")
    script.write_text("\n".join(lines) + "\n")
    keep.run(
        ["ve/bin/runzeo", "-C", "zeo.conf"],
        env={"PYTHONPATH": str(keep.home)},
        told="told.json",
        program="zeo",
    )
