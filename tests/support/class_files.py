"""Which classes of a jar extend which: the names in their class files, read without a JVM."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

ABSTRACT = 0x0400
# Bytes after the tag of a constant, by its tag; text (1) has its own length.
CONSTANT_BYTES = {7: 2, 8: 2, 16: 2, 19: 2, 20: 2, 15: 3, **dict.fromkeys((3, 4, 9, 10, 11, 12, 17, 18), 4), 5: 8, 6: 8}
LARGE_CONSTANTS = {5, 6}  # long and double take two places


@dataclass(frozen=True)
class ClassFile:
    """A class: its name, what it extends and implements, and whether it can have instances."""

    name: str
    parents: tuple[str, ...]
    is_abstract: bool


def read_class(content: bytes) -> ClassFile:
    """Return what a class file says about its class."""
    texts, references, position = dict[int, str](), dict[int, int](), 10
    index, count = 1, struct.unpack_from(">H", content, 8)[0]
    while index < count:
        tag = content[position]
        if tag == 1:
            length = struct.unpack_from(">H", content, position + 1)[0]
            texts[index] = content[position + 3 : position + 3 + length].decode("utf-8", "replace")
            position += 3 + length
        else:
            if tag == 7:
                references[index] = struct.unpack_from(">H", content, position + 1)[0]
            position += 1 + CONSTANT_BYTES[tag]
        index += 2 if tag in LARGE_CONSTANTS else 1
    flags, this, parent, interfaces = struct.unpack_from(">HHHH", content, position)
    indices = struct.unpack_from(f">{interfaces}H", content, position + 8)
    names = [texts[references[number]] for number in (this, parent, *indices) if number]
    return ClassFile(names[0], tuple(names[1:]), bool(flags & ABSTRACT))


def read_jars(jars: Iterable[Path], prefixes: tuple[str, ...]) -> dict[str, ClassFile]:
    """Return the classes of the jars whose path begins with one of the prefixes, by name, and no anonymous ones."""
    classes: dict[str, ClassFile] = {}
    for jar in jars:
        with ZipFile(jar) as opened:
            for name in opened.namelist():
                if name.endswith(".class") and name.startswith(prefixes) and "$anon" not in name:
                    found = read_class(opened.read(name))
                    classes[found.name] = found
    return classes


def concrete_heirs(classes: dict[str, ClassFile], ancestor: str) -> set[str]:
    """Return the names of the classes below an ancestor that can have instances."""
    known: dict[str, bool] = {ancestor: True}

    def is_heir(name: str) -> bool:
        if name not in known:
            known[name] = False  # of a class that no jar has
            known[name] = name in classes and any(is_heir(parent) for parent in classes[name].parents)
        return known[name]

    return {name for name, found in classes.items() if name != ancestor and is_heir(name) and not found.is_abstract}


def short_name(name: str) -> str:
    """Return the name without its package, and without the mark of a Scala object."""
    return name.rsplit("/", 1)[-1].removesuffix("$")
