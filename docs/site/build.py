"""Puts the pages of the site together, has MkDocs build them, and checks the links: `build.py TARGET MERMAID`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import check
import reference

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs/site"
LANGUAGES = {".rs": "rust", ".py": "python", ".kt": "kotlin", ".swift": "swift", ".js": "js", ".proto": "protobuf", ".toml": "toml", ".html": "html"}
TOP = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
LINK = re.compile(r"(?<!!)\]\(([^)\s]+)\)")


class Stage:
    """The folder of pages, laid out as the repository is, so that links stay what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: set[Path] = set()

    def write(self, place: str, text: str) -> None:
        """A page that is generated."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.made.add(Path(place))

    def page(self, source: Path, place: str | None = None) -> None:
        """A document of the repository, with the pages that it leads to."""
        place = place or str(source.relative_to(ROOT))
        if Path(place) in self.made:
            return
        self.made.add(Path(place))
        outside = False
        lines = []
        for line in source.read_text(encoding="utf-8").splitlines():
            outside ^= line.lstrip().startswith("```")
            lines.append(line if outside else LINK.sub(lambda found: f"]({self.target(source, found[1])})", line))
        self.write(place, spaced(functions(clauses("\n".join(lines) + "\n", source))))

    def target(self, source: Path, link: str) -> str:
        """Where a link leads in the site: sources and folders become pages."""
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:") or not path:
            return link
        goal = (source.parent / path).resolve()
        if goal == ROOT / "README.md":
            return link.replace("README.md", "index.md")
        if goal.is_dir():
            readme = goal / "README.md"
            if readme.exists():
                self.page(readme)
                return f"{path.rstrip('/')}/README.md"
            self.listing(goal)
            return f"{path.rstrip('/')}/index.md"
        if goal.suffix == ".md":
            self.page(goal)
            return link
        if goal.suffix in (".svg", ".png"):
            copy = self.folder / goal.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(goal, copy)
            return link
        self.code(goal)
        path = path.replace(".github/", "github/")
        return (f"{path}.md" if goal.name != "index.html" else path.replace("index.html", "index-html.md")) + (f"#{anchor}" if anchor else "")

    def code(self, source: Path) -> None:
        """A source file as a page."""
        # A page called index.html would be a folder of that name, and what begins with a dot is not published.
        place = f"{source.relative_to(ROOT)}.md".replace("index.html.md", "index-html.md").removeprefix(".")
        if Path(place) not in self.made:
            fence = "`" * 4
            text = source.read_text(encoding="utf-8")
            language = LANGUAGES.get(source.suffix, "text")
            self.write(place, f"# {source.name}\n\n`{source.relative_to(ROOT)}`\n\n{fence}{language}\n{text}\n{fence}\n")

    def listing(self, folder: Path) -> None:
        """A folder as a page."""
        files = sorted(path for path in folder.iterdir() if path.is_file())
        for path in files:
            self.code(path)
        lines = [f"- [{path.name}]({path.name}.md)" for path in files]
        self.write(f"{folder.relative_to(ROOT)}/index.md", "\n".join([f"# {folder.relative_to(ROOT)}", "", *lines, ""]))


def clauses(text: str, source: Path) -> str:
    """Clauses of the RFC have anchors; tables whose cells name one link to it."""
    rfc = ROOT / "docs/spec/rfc.md"
    if source == rfc:
        return re.sub(r"^\*\*(\d+(?:\.\d+)+)", r'<a id="c\1"></a>**\1', text, flags=re.M)
    known = set(re.findall(r"^\*\*(\d+(?:\.\d+)+)", rfc.read_text(encoding="utf-8"), re.M))
    way = {"docs/security": "../spec/rfc.md", "docs/spec": "rfc.md"}.get(str(source.parent.relative_to(ROOT)))
    if way is None:
        return text

    def cell(found: re.Match[str]) -> str:
        return f"| [{found[1]}]({way}#c{found[1]}) |" if found[1] in known else found[0]

    return re.sub(r"\| (\d+(?:\.\d+)+) (?=\|)\|", cell, text)


def functions(text: str) -> str:
    """`file::function` in a cell is code, which may break anywhere."""
    return re.sub(r"(?<=\| )([\w/.-]+::\w+)(?= \|)", r"`\1`{ .function }", text)


def spaced(text: str) -> str:
    """Lists that begin under a paragraph: forges see them, Markdown wants an empty line."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        inside ^= line.lstrip().startswith("```")
        before = lines[-1] if lines else ""
        begins = re.match(r"(- |\d+\. )", line) is not None
        if begins and not inside and before.strip() and not before.startswith((" ", "- ")) and not re.match(r"\d+\. ", before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"


def navigation(stage: Stage, core: list[str], python: list[str]) -> list[str]:
    """The order of the pages, as the lines of mkdocs.yml."""
    def title(path: Path) -> str:
        return path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").replace('"', "'")

    def folder(name: str) -> list[str]:
        pages = sorted(path for path in (stage.folder / name).glob("*.md") if path.name != "README.md")
        return [f'    - "{title(path)}": {name}/{path.name}' for path in pages]

    lines = ["nav:", "  - Windlass: index.md", "  - Guides:", "    - Overview: docs/guide/README.md", *folder("docs/guide")]
    lines += ["  - Reference:", "    - Overview: reference/index.md", "    - Errors by code: reference/errors.md", "    - Side by side:"]
    lines += [f"      - reference/{page}" for page in core] + ["    - Python:"] + [f"      - reference/{page}" for page in python]
    lines += [f"    - {name}: reference/{name.lower()}.md" for name in ["Kotlin", "Swift", "JavaScript"]]
    lines += ["  - Protocol:", "    - RFC: docs/spec/rfc.md", "    - Conformance: docs/spec/conformance.md", "    - Symbolic models: docs/spec/model/README.md", "    - Test vectors: tests/vectors/README.md"]
    lines += ["  - Security:", "    - Overview: docs/security/README.md", *folder("docs/security"), "    - Reporting: SECURITY.md"]
    lines += ["  - Store:", "    - The encrypted store: docs/store.md", "    - Its tables: docs/tables.md", "    - Benchmarks: docs/benchmarks.md"]
    lines += ["  - Decisions:", "    - Overview: docs/decisions/README.md", *folder("docs/decisions")]
    return [*lines, "  - Contributing: CONTRIBUTING.md", "  - Changes: CHANGELOG.md", ""]


INDEX = """# Reference

The core is one library; its types and functions are the same in every language, by each language's own rules for names. Their pages
show the forms beside each other. Each package adds some of its own, written by hand: a `Client` that takes a passphrase, bots, transports.

| | |
| --- | --- |
| side by side | [Client](core/Client.md), [Conversation](core/Conversation.md), [records](core/records.md), [enumerations](core/enumerations.md), [functions](core/functions.md) |
| errors | [by code](errors.md), for all languages |
| Python | [the package](python/windlass_chat.md), [bots](python/windlass_chat.bot.md), [transports](python/windlass_chat.transport.md) |
| Kotlin, Swift, JavaScript | [Kotlin](kotlin.md), [Swift](swift.md), [JavaScript](javascript.md) |
| Rust | `cargo doc --open --no-deps`, which `cargo xtask docs` builds too |
"""


def main(target: Path, mermaid: Path) -> None:
    """Builds the site below a folder."""
    shutil.rmtree(target, ignore_errors=True)
    stage = Stage(target / "pages")
    stage.page(ROOT / "README.md", "index.md")
    for name in TOP:
        stage.page(ROOT / name)
    for path in sorted((ROOT / "docs").rglob("*.md")):
        stage.page(path)
    stage.page(ROOT / "tests/vectors/README.md")
    for name in ["benchmarks.svg"]:
        shutil.copy(ROOT / "docs" / name, stage.folder / "docs" / name)
    bindings = ROOT / "bindings"
    core = reference.core(ROOT / "src/api", reference.javascript(bindings / "javascript/src"))
    python = reference.python(bindings / "python/src/windlass_chat")
    for place, text in {**core, **python}.items():
        stage.write(f"reference/{place}", text)
    stage.write("reference/index.md", INDEX)
    stage.write("reference/errors.md", reference.errors(ROOT / "src/api/error_info.rs"))
    kotlin = reference.commented(bindings / "kotlin/src/main", "kt", "Kotlin", r"public (?:suspend |inline |operator |abstract |open |data |sealed )*(?:fun|class|val|var|interface|object)")
    swift = reference.commented(bindings / "swift/Sources", "swift", "Swift", r"public (?:static |final |convenience |mutating )*(?:func|class|struct|enum|protocol|actor|var|let|init|extension)")
    javascript = reference.commented(bindings / "javascript/src", "ts", "JavaScript", r"(?:export (?:async |abstract )*(?:function|class|interface|type|const)|(?:static |async |get )*\w+\()")
    for name, text in [("kotlin", kotlin), ("swift", swift), ("javascript", javascript)]:
        stage.write(f"reference/{name}.md", text)
    for asset, name in [(SITE / "site.css", "site.css"), (mermaid, "mermaid.min.js")]:
        shutil.copy(asset, stage.folder / name)
    settings = (SITE / "mkdocs.yml").read_text(encoding="utf-8")
    order = sorted(core, key=lambda page: (Path(page).stem.islower(), page != "core/Client.md", page))
    nav = navigation(stage, order, sorted(python))
    (target / "mkdocs.yml").write_text(settings + "\n".join(nav), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", target / "mkdocs.yml"], check=True)
    wrong = check.faults(target / "site")
    print(*wrong, sep="\n")
    pages = len(list((target / "site").rglob("*.html")))
    print(f"{pages} pages, {len(wrong)} faults: {target / 'site/index.html'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
