"""What runs, written so that it is had again."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.pylock import Pylock
from packaging.requirements import Requirement

from tightship.fleet.files import File
from tightship.fleet.report import Package
from tightship.integrations.freezing import pylock_toml, requirements_txt, versions_cfg

RUNS = [
    Package("django", "5.2.1"),
    Package("plone-api", "2.5.1"),
    Package("shop", "2.4.1", "file:///srv/shop", editable=True),
    Package("ours", "1.0", "git+https://git.example.com/ours", "ab" * 20),
    Package("apt", "2.6.0", "os"),
    Package("old", "2004d-custom"),
    Package("django", "4.2", shadowed=True),
    Package("nothing", ""),
]


def file(name: str, version: str, digest: str = "aa") -> File:
    return File(name, version, f"https://files.example.com/{name}", digest * 32, 100, ">=3.8", None)


FILES = {
    "django": [
        file("django-5.2.1-py3-none-any.whl", "5.2.1"),
        file("django-5.2.1.tar.gz", "5.2.1", "bb"),
        file("django-5.2.1-py3-none-any.whl", "5.2.1"),
        file("django-5.2.2.tar.gz", "5.2.2", "cc"),
    ],
    "plone-api": [file("plone.api-2.6.tar.gz", "2.6")],
}


def left(text: str) -> str:
    return text.partition("# Not in this file, and why:\n")[2]


def test_a_buildouts_versions() -> None:
    found = versions_cfg(RUNS, ["What shop@web1 runs", "two\nlines"])

    assert found.text.startswith(
        "# What shop@web1 runs\n# two lines\n"
        "[versions]\ndjango = 5.2.1\nold = 2004d-custom\nplone-api = 2.5.1\n"
        "# zc.buildout before 5 takes names as they are written: the same with dots.\nplone.api = 2.5.1\n"
    )
    assert left(found.text).splitlines() == [
        "# apt 2.6.0: the operating system's own",
        "# nothing of unknown version: its version could not be read",
        "# shop 2.4.1: editable, from file:///srv/shop",
        f"# ours 1.0: from a commit: git+https://git.example.com/ours@{'ab' * 20}",
    ]
    assert [one.package.name for one in found.left] == ["apt", "nothing", "shop", "ours"]


def test_requirements_have_the_hashes_of_all_files_of_that_version() -> None:
    text = requirements_txt(RUNS, ["heading"], FILES).text

    assert text.startswith(
        f"# heading\ndjango==5.2.1 \\\n    --hash=sha256:{'aa' * 32} \\\n    --hash=sha256:{'bb' * 32}\n"
    )
    assert "cc" * 32 not in text
    said = left(text)
    assert "# plone-api 2.5.1: the package index has other versions, but not this one\n" in said
    assert "# old 2004d-custom: no package index has it\n" in said
    assert "# ours 1.0: a commit has no hash that pip could check" in said


def test_without_hashes_a_commit_can_be_named_and_an_odd_version_is_matched_letter_by_letter() -> None:
    found = requirements_txt(RUNS, [], None)

    pins = [line for line in found.text.splitlines() if line and not line.startswith("#")]
    assert pins == [
        "django==5.2.1",
        "old===2004d-custom",
        f"ours @ git+https://git.example.com/ours@{'ab' * 20}",
        "plone-api==2.5.1",
    ]
    assert all(Requirement(pin) for pin in pins)


def test_a_lock_file_is_one_of_pep_751() -> None:
    found = pylock_toml(RUNS, ["heading"], FILES, "3.12")

    lock = Pylock.from_dict(tomllib.loads(found.text))
    assert str(lock.requires_python) == "==3.12.*"
    assert [one.name for one in lock.packages] == ["django", "ours"]
    django, ours = lock.packages
    assert django.wheels
    assert django.sdist
    assert django.sdist.hashes == {"sha256": "bb" * 32}
    assert ours.vcs
    assert (ours.vcs.type, ours.vcs.url) == ("git", "https://git.example.com/ours")
    assert ours.vcs.commit_id == "ab" * 20
    assert re.search(r"# plone-api 2\.5\.1: .* not this one", found.text)


def test_an_old_release_with_two_source_archives_is_locked_with_one_of_them() -> None:
    both = {"django": [file("Django-5.2.1.zip", "5.2.1", "cc"), file("Django-5.2.1.tar.gz", "5.2.1", "bb")]}

    lock = Pylock.from_dict(tomllib.loads(pylock_toml(RUNS[:1], [], both, "").text))

    assert lock.packages[0].sdist
    assert lock.packages[0].sdist.hashes == {"sha256": "bb" * 32}
    assert requirements_txt(RUNS[:1], [], both).text.count("--hash") == 2


def test_files_of_one_name_on_two_indexes_may_be_either() -> None:
    both = {
        "django": [file("django-5.2.1.tar.gz", "5.2.1", "aa"), file("django-5.2.1.tar.gz", "5.2.1", "bb")]
    }

    text = requirements_txt(RUNS[:1], [], both).text

    assert f"--hash=sha256:{'aa' * 32} \\\n    --hash=sha256:{'bb' * 32}\n" in text


@pytest.mark.parametrize(
    "package",
    [
        Package("good @ https://bad.example.com/x.tar.gz #", "1.0"),
        Package("-r", "1.0"),
        Package("good", "1.0 --config-settings=x=y"),
        Package("good", "${buildout:directory}"),
        Package("good", "1.0", "git+https://good.example.com/x ; evil", "ab" * 20),
        Package("good", "1.0", "git+https://good.example.com/x", "main -r x"),
        Package("good", "1.0", "git+https://good.example.com/x#egg=bad&y", "ab" * 20),
    ],
)
def test_what_an_applications_user_wrote_becomes_no_other_line(package: Package) -> None:
    for found in (
        versions_cfg([package], []),
        requirements_txt([package], [], None),
        pylock_toml([package], [], {}, ""),
    ):
        assert [one.package for one in found.left] == [package]
        lines = found.text.splitlines()
        assert not [line for line in lines if "good" in line and not line.startswith("#")]


def test_of_several_versions_none_is_chosen() -> None:
    some = [Package("requests", "2.31.0"), Package("requests", "2.32.4"), Package("idna", "3.7")]

    found = requirements_txt(some, [], None)

    assert found.text.splitlines()[0] == "idna==3.7"
    assert [str(one) for one in found.left] == [
        "requests 2.31.0: in several versions, and which one is used is not known",
        "requests 2.32.4: in several versions, and which one is used is not known",
    ]
