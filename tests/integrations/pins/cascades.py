"""Buildouts made by chance, as people write them and worse: the same ones each time."""

from __future__ import annotations

import random
from pathlib import Path

NAMES = ("zope.interface", "Products.CMFPlone", "Django", "mr_developer", "six", "plone-app.x", "setuptools")
SPELLINGS = {"zope.interface": ("zope-interface", "Zope.Interface"), "mr_developer": ("mr.developer",)}
VALUES = (
    "1.0",
    "2.1.3",
    "1.0rc1",
    "==3.0",
    "",
    ">=2.0",
    "4.0.post1",
    "  5.1  ",
    "${buildout:one}",
    "0.9.1+local",
)
CONDITIONS = (
    'python_version < "3.8"',
    'python_version >= "3.8"',
    "python3",
    "python27",
    "sys.version_info[:2] >= (3, 9)",
    "sys.platform == 'win32' or linux",
    "not windows and python3",
    "os.name == 'nt'",
    "platform.system() != 'Linux'",
)


class Chance:
    """Makes one buildout."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        names = ["buildout.cfg", *(f"{name}.cfg" for name in "abcde"[: self.random.randrange(6)])]
        places = [name if self.random.random() < 0.8 else f"below/{name}" for name in names]
        places[0] = names[0]
        for number, place in enumerate(places):
            file = directory / place
            file.parent.mkdir(exist_ok=True)
            file.write_text(self.text(directory, place, places[number + 1 :]), newline="")

    def text(self, directory: Path, place: str, others: list[str]) -> str:
        parts = [self.buildout(directory, place, others)]
        parts += [self.versions() for _ in range(self.random.randrange(1, 4))]
        if self.random.random() < 0.2:
            parts.append("[macro]\n" + self.options())
            parts.append("[versions]\n<= macro\n")
        if self.random.random() < 0.3:
            self.random.shuffle(parts)
        end = self.random.choice(("\n", "\n", "\r\n"))
        return "".join(parts).replace("\n", end)

    def buildout(self, directory: Path, place: str, others: list[str]) -> str:
        lines = ["[buildout]", "one = 7.7"]
        if others and self.random.random() < 0.85:
            chosen = self.random.sample(others, self.random.randint(1, min(3, len(others))))
            said = [self.address(directory, place, other) for other in chosen]
            lines += self.random.choice(
                (
                    [f"extends = {' '.join(said)}"],
                    ["extends =", *(f"    {one}" for one in said)],
                    ["extends =", "# not", *(f"\t{one}" for one in said)],
                )
            )
        if self.random.random() < 0.15:
            lines.append("versions = pinned")
        self.named = lines[-1].endswith("pinned")
        return "\n".join(lines) + "\n"

    def address(self, directory: Path, place: str, other: str) -> str:
        here = Path(place).parent
        if self.random.random() < 0.1:
            return str(directory / other)
        up = "../" if str(here) == "below" else ""
        return up + other

    def versions(self) -> str:
        name = "pinned" if self.named or self.random.random() < 0.1 else "versions"
        condition = f":{self.random.choice(CONDITIONS)}" if self.random.random() < 0.3 else ""
        comment = self.random.choice(("", "", " # here", "; there"))
        return f"[{name}{condition}]{comment}\n" + self.options()

    def options(self) -> str:
        return "".join(self.option() for _ in range(self.random.randrange(5)))

    def option(self) -> str:
        name = self.random.choice(NAMES)
        if self.random.random() < 0.15:
            name = self.random.choice(SPELLINGS.get(name, (name,)))
        value = self.random.choice(VALUES)
        equals = self.random.choice(
            (" = ", "=", " =", "= ", " += ", " -= ") if self.random.random() < 0.3 else (" = ",)
        )
        before = self.random.choice(("", "", "", "# a comment\n", "\n", "; other\n\n"))
        if self.random.random() < 0.1:
            return f"{before}{name}{equals}\n    {value}\n"
        return f"{before}{name}{equals}{value}\n"
