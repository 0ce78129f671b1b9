"""Documents stay short. They and the code's messages name only commands, flags, targets and files that exist."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lakehouse.refresh.rule_options import RULE_RANGES
from lakehouse.settings import ROOT

README_MAX_LINES = 110
PAGE_MAX_LINES = 149


def _tracked_files() -> tuple[Path, ...]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


FILES = _tracked_files()
FILES_AND_FOLDERS = frozenset(place for path in FILES for place in (path, *path.parents))
SUFFIXES = tuple({path.suffix for path in FILES} - {""})
TOP_FOLDERS = frozenset(path.parts[0] for path in FILES if len(path.parts) > 1)
DOCUMENTS = tuple(path for path in FILES if path.suffix == ".md")
# A changelog names what no longer exists.
PRESENT_DOCUMENTS = tuple(path for path in DOCUMENTS if path.name != "CHANGELOG.md")
PAGES = tuple(path for path in DOCUMENTS if path.parent == Path("docs"))
YAML_FILES = tuple(path for path in FILES if path.suffix in {".yml", ".yaml"})
WORKFLOWS = tuple(path for path in YAML_FILES if path.parent == Path(".github/workflows"))
ACTIONS = tuple(path for path in YAML_FILES if path.is_relative_to(".github/actions"))
SCRIPTS = tuple(path for path in FILES if path.suffix in {".sh", ".sql"} and path.parts[0] in {"scripts", "initdb"})
SOURCES = tuple(path for path in FILES if path.suffix == ".py" and path.parts[0] != "tests")
ENTRY_POINTS = tuple(
    path for path in SOURCES if path.parent in {Path(), Path("scripts/ETL_Full_Load"), Path("scripts/Jobs_Spark")}
)
# A document names a path from the root, or from the folder that it is about.
PATH_BASES = (Path(), Path("tests"), Path("scripts"), Path("scripts/lakehouse"))
# What looks like a path and is none of this repository.
FOREIGN_PATH = re.compile(
    r"""
      (bronze|silver|gold)/[^.]*                       # tables of the lake
    | (\.venv|\.local|data/delta|data/output|data/tls)/.*  # what git ignores
    | \.env | details\.txt                             # the same
    | /(data|opt|app|path|run|home|etc)/.* | /(tmp|root) | .*\$.* | \w+://.*      # containers, variables, addresses
    | (Marche|Vélo|véhicule)\b.* | \d+/\d+/\d+         # values in HR's files
    """,
    re.VERBOSE,
)
PLACEHOLDER = re.compile(r"<\w+>|\{\w+\}|\bNN(?=_)")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
MAKE_COMMAND = re.compile(r"(?<![\w-])make(?: +(?:[A-Z_]+=\S+|--?[\w-]+))* +(\.?[a-z][a-z/-]*)")
OBJECTS_OF_THE_VERB = frozenset({"a", "an", "it", "room", "sure", "the", "them"})
SCRIPT_COMMAND = re.compile(r"((?:[\w.]+/)*\w+\.py)((?:[ \t]+[^\s`|;&#]+)*)")
MODULE_COMMAND = re.compile(r"python3? -m ((?:lakehouse|support)[\w.]*)")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

# A quoted text or a comment of a shell or SQL script.
SCRIPT_TEXT = re.compile(r"""(?:^|\s)(?:\#|--)\s(.*)$|"([^"\n]*)"|'([^'\n]*)'""", re.MULTILINE)
FILE_NAME = re.compile(r"(?<![\w/.*{}-])((?:[\w.*{}-]+/)*[\w*{}-][\w.*{}-]*\.(?:py|sh|sql|md|yml|json|conf|toml))\b")
DEFINED_FLAG = re.compile(r'add_argument\(\s*"(--[a-z-]+)"')
RULE_FLAGS = frozenset(f"--{rule.replace('_', '-')}" for rule in (*RULE_RANGES, "activity_window", "destination"))
# Flags of Docker, of dpkg-query, of pip's lock files and of Java.
FOREIGN_FLAGS = frozenset({"--build", "--show", "--hash", "--add-modules", "--add-opens"})

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)
each_present_document = pytest.mark.parametrize("document", PRESENT_DOCUMENTS, ids=str)
each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=str)


def _read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _code_blocks(document: Path) -> list[str]:
    return [line for block in FENCE.findall(_read(document)) for line in block.splitlines()]


def _code_spans(document: Path) -> list[str]:
    found: list[str] = CODE_SPAN.findall(FENCE.sub("", _read(document)))
    return found


def _make_targets() -> frozenset[str]:
    rules = re.findall(r"^([a-z.][\w ./-]*):(?!=)", _read(Path("Makefile")), re.MULTILINE)
    return frozenset(target for rule in rules for target in rule.split())


MAKE_TARGETS = _make_targets()


def _unknown_targets(text: str) -> list[str]:
    return [f"make {target}" for target in MAKE_COMMAND.findall(text) if target not in MAKE_TARGETS]


def test_readme_has_at_most_110_lines() -> None:
    assert len(_read(Path("README.md")).splitlines()) <= README_MAX_LINES


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_has_fewer_than_150_lines(page: Path) -> None:
    assert len(_read(page).splitlines()) <= PAGE_MAX_LINES


@each_document
def test_make_targets_in_code_of_a_document_exist(document: Path) -> None:
    code = [*_code_blocks(document), *_code_spans(document)]
    assert [unknown for text in code for unknown in _unknown_targets(text)] == []


@pytest.mark.parametrize("path", YAML_FILES, ids=str)
def test_make_targets_in_code_spans_of_a_yaml_file_exist(path: Path) -> None:
    assert [unknown for text in CODE_SPAN.findall(_read(path)) for unknown in _unknown_targets(text)] == []


def test_make_targets_in_messages_of_the_code_exist() -> None:
    unknown = [f"{path}: {found}" for path in SOURCES for found in _unknown_targets_in_strings(path)]
    assert unknown == []


def _unknown_targets_in_strings(path: Path) -> Iterator[str]:
    """Yield the unknown targets in a file's docstrings, code spans only, and in its other strings."""
    tree = ast.parse(_read(path))
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts = CODE_SPAN.findall(node.value) if node in docstrings else [node.value]
            for unknown in (unknown for text in texts for unknown in _unknown_targets(text)):
                if unknown.removeprefix("make ") not in OBJECTS_OF_THE_VERB:
                    yield unknown


def test_paths_in_messages_of_the_code_exist_from_the_root() -> None:
    unknown = [
        f"{path}: {name}"
        for path in (*SOURCES, *SCRIPTS)
        for text in _messages(path)
        for name in FILE_NAME.findall(text)
        if not FOREIGN_PATH.fullmatch(name) and not _is_a_file(name)
    ]
    assert unknown == []


def test_flags_in_messages_of_the_code_are_of_an_entry_point() -> None:
    known = {
        "--help",
        *RULE_FLAGS,
        *FOREIGN_FLAGS,
        *(flag for path in SOURCES for flag in DEFINED_FLAG.findall(_read(path))),
    }
    unknown = [
        f"{path}: {flag}"
        for path in (*SOURCES, *SCRIPTS)
        for text in _messages(path)
        for flag in FLAG.findall(text)
        if flag not in known
    ]
    assert unknown == []


def _messages(path: Path) -> Iterator[str]:
    """Yield the texts of more than one word in a file, docstrings aside, with `{}` for each computed part."""
    if path.suffix != ".py":
        texts = ("".join(groups) for groups in SCRIPT_TEXT.findall(_read(path)))
        yield from (text for text in texts if " " in text.strip())
        return
    nodes = [*ast.walk(ast.parse(_read(path)))]
    skipped = {node.value for node in nodes if isinstance(node, ast.Expr)}
    skipped |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        match node:
            case ast.JoinedStr(values=parts):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            case ast.Constant(value=str(text)) if node not in skipped:
                pass
            case _:
                continue
        if " " in text.strip():
            yield text


def _is_a_file(name: str) -> bool:
    """Return whether a file has this path from the root, or this name where the text has no folder."""
    pattern = Path(name.replace("{}", "*"))
    return any(path.match(str(pattern)) and len(pattern.parts) in {1, len(path.parts)} for path in FILES)


def test_make_targets_in_comments_of_the_makefile_exist() -> None:
    comments = re.findall(r"#+ (.*)", _read(Path("Makefile")))
    assert [unknown for comment in comments for unknown in _unknown_targets(comment)] == []


@each_present_document
def test_paths_in_code_of_a_document_exist(document: Path) -> None:
    names = [name for name in _path_names(document) if not FOREIGN_PATH.fullmatch(name)]
    assert [name for name in names if not _exists(name, document)] == []


def _path_names(document: Path) -> Iterator[str]:
    for span in _code_spans(document):
        for name in (token.strip("\"'();:") for token in re.split(r"[\s,=]+", span)):
            is_file_name = name.endswith(SUFFIXES) and name not in SUFFIXES
            if "|" not in name and "'" not in name and ("/" in name.strip("/") or is_file_name):
                yield name
    for name in (token.strip("\"'();:,") for line in _code_blocks(document) for token in line.split()):
        if "/" in name and name.split("/")[0] in TOP_FOLDERS:
            yield name


def _exists(name: str, document: Path) -> bool:
    pattern = PLACEHOLDER.sub("*", name.rstrip("/"))
    if "/" not in pattern:
        return any(path.match(pattern) for path in FILES)
    candidates = [base / pattern for base in (*PATH_BASES, document.parent)]
    if "*" not in pattern:
        return not FILES_AND_FOLDERS.isdisjoint(candidates)
    return any(
        path.match(str(candidate)) and len(path.parts) == len(candidate.parts)
        for candidate in candidates
        for path in FILES_AND_FOLDERS
    )


@each_document
def test_links_of_a_document_lead_to_files(document: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(_read(document)) if not re.match(r"\w+:", link)]
    assert [link for link in links if link and not (ROOT / document.parent / link).exists()] == []


@each_present_document
def test_scripts_and_their_flags_in_a_document_exist(document: Path) -> None:
    unknown = []
    for text in (*_code_blocks(document), *_code_spans(document)):
        for name, arguments in SCRIPT_COMMAND.findall(text):
            script = next((path for path in (*ENTRY_POINTS, *FILES) if path.match(name)), None)
            flags = _flags(script) if script else frozenset()
            unknown += [name] if script is None and not FOREIGN_PATH.fullmatch(name) else []
            unknown += [f"{name} {flag}" for flag in FLAG.findall(arguments) if flag not in flags]
    assert unknown == []


@each_present_document
def test_flags_alone_in_a_document_are_of_an_entry_point(document: Path) -> None:
    known = frozenset(flag for path in ENTRY_POINTS for flag in _flags(path))
    flags = [text.split()[0] for text in _code_spans(document) if text.startswith("--")]
    assert [flag for flag in flags if flag not in known] == []


@cache
def _flags(script: Path) -> frozenset[str]:
    """Return the flags that a script defines, or a module of ours that it imports."""
    imported = {
        Path("scripts", *module.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(_read(script)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lakehouse")
        for module in (f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names))
    }
    sources = [_read(path) for path in (script, *sorted(imported.intersection(FILES)))]
    flags = {flag for source in sources for flag in DEFINED_FLAG.findall(source)}
    if any("RULE_RANGES" in source for source in sources):
        flags |= RULE_FLAGS
    return frozenset({*flags, "--help"})


@each_present_document
def test_modules_run_by_a_document_exist(document: Path) -> None:
    modules = [name for text in _code_blocks(document) for name in MODULE_COMMAND.findall(text)]
    for module in modules:
        places = [Path(base, *module.split(".")) for base in ("scripts", "tests")]
        assert not FILES_AND_FOLDERS.isdisjoint([*places, *(place.with_suffix(".py") for place in places)]), module


def _steps(path: Path) -> list[dict[str, Any]]:
    content = YAML(typ="safe").load(_read(path))
    runs = content["jobs"].values() if "jobs" in content else [content["runs"]]
    return [step for run in runs for step in run["steps"]]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=str)
def test_each_run_of_a_workflow_is_a_make_target(path: Path) -> None:
    commands = [step["run"] for step in _steps(path) if "run" in step]
    targets = [re.fullmatch(r"make ([a-z-]+)( [A-Z]+=\w+)*", command) for command in commands]
    assert commands
    assert all(targets), commands
    assert {target[1] for target in targets if target} <= MAKE_TARGETS


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=str)
def test_actions_of_a_workflow_are_pinned_by_major_version(path: Path) -> None:
    used = [step["uses"] for step in _steps(path) if "uses" in step]
    ours = [f"./{action.parent}" for action in ACTIONS]
    assert [action for action in used if action not in ours and not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


@each_workflow
def test_workflow_may_only_read_and_ends_in_time(workflow: Path) -> None:
    content = YAML(typ="safe").load(_read(workflow))
    assert content["permissions"] == {"contents": "read"}
    assert "concurrency" in content
    assert all("timeout-minutes" in job and "permissions" not in job for job in content["jobs"].values())


def test_shards_of_continuous_integration_are_jobs() -> None:
    jobs = {path.stem: set(YAML(typ="safe").load(_read(path))["jobs"]) for path in WORKFLOWS}
    assert jobs == {
        "ci": {"check", "services", "spark", "surroundings", "chaos"},
        "nightly": {"test-all", "chaos", "audit"},
    }


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", (Path(".github/dependabot.yml"),)),
    ],
)
def test_github_files_follow_their_schema(schema: str, paths: tuple[Path, ...]) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", schema, *(str(ROOT / path) for path in paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
