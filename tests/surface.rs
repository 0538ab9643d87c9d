//! What each language's package lets others see stands in a file beside its tests, so that no change of it goes unseen.
//! `WINDLASS_WRITE_SURFACE=1 cargo test --test surface` writes the files anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::surface::{KOTLIN, Language, PYTHON, RUST, SWIFT, public};
use support::tree::{files, root, text};

/// Compares what is there with what is written down, or writes it down.
fn holds(name: &str, surface: &BTreeSet<String>) {
    let path = root()
        .join("tests/surface")
        .join(name)
        .with_extension("txt");
    let now: String = surface.iter().map(|line| format!("{line}\n")).collect();
    if std::env::var_os("WINDLASS_WRITE_SURFACE").is_some() {
        fs::write(&path, now).unwrap();
        return;
    }
    let then = fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (then, now) = (lines(&then), lines(&now));
    let gone: Vec<_> = then.difference(&now).collect();
    let new: Vec<_> = now.difference(&then).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "what {name} lets others see has changed; if it is meant, and CHANGELOG.md says so: \
         WINDLASS_WRITE_SURFACE=1 cargo test --test surface\ngone: {gone:#?}\nnew: {new:#?}"
    );
}

/// Of all files of a package, each line behind the module that it is in.
fn of(
    language: &Language,
    folder: &str,
    extension: &str,
    skip: fn(&str) -> bool,
) -> BTreeSet<String> {
    let base = root().join(folder);
    let mut surface = BTreeSet::new();
    for file in files(&[folder], &[extension]) {
        let name = file
            .strip_prefix(&base)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        if !skip(&name) {
            let lines = public(language, &fs::read_to_string(&file).unwrap());
            surface.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
        }
    }
    assert!(surface.len() > 50, "{folder} is read wrongly: {surface:#?}");
    surface
}

/// The names that the crate exports without `hazmat`.
fn exported() -> BTreeSet<String> {
    let library = text("src/lib.rs");
    let (_, list) = library.split_once("pub use api::{").unwrap();
    let names = list.split_once('}').unwrap().0.split(',');
    names
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The files that the exported types of lower layers stand in.
const BELOW: [&str; 4] = [
    "src/chat/origin.rs",
    "src/engine/records/settings.rs",
    "src/engine/sync/outcome.rs",
    "src/session/post_quantum.rs",
];

#[test]
fn what_rust_sees_is_written_down() {
    let exported = exported();
    // The first name of a line is its type, or what is declared.
    let words = |line: &str| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let known = |line: &String| {
        let declared = line.rsplit_once("] ").filter(|_| line.starts_with('#'));
        let declared = declared.map_or(&**line, |(_, rest)| rest);
        let declared = declared.split(" / ").next().unwrap();
        words(declared.split('(').next().unwrap())
            .iter()
            .any(|word| exported.contains(word))
    };
    let mut paths = files(&["src/api"], &["rs"]);
    paths.extend(BELOW.iter().map(|file| root().join(file)));
    paths.retain(|path| !path.components().any(|part| part.as_os_str() == "tests"));
    let mut surface = BTreeSet::new();
    for path in paths {
        let lines = public(&RUST, &fs::read_to_string(path).unwrap());
        surface.extend(lines.into_iter().filter(known));
    }
    let defined = |name: &String| surface.iter().any(|line| words(line).contains(name));
    let missing: Vec<_> = exported.iter().filter(|name| !defined(name)).collect();
    assert!(missing.is_empty(), "exported, and not found: {missing:?}");
    holds("rust", &surface);
}

#[test]
fn what_python_sees_is_written_down() {
    let skip = |name: &str| {
        let hidden =
            |part: &str| part.starts_with('_') && part != "_native" && part != "__init__.py";
        name.starts_with("cli/") || name.split('/').any(hidden)
    };
    let folder = "bindings/python/src/windlass_chat";
    let mut surface = of(&PYTHON, folder, "py", skip);
    let stub = public(&PYTHON, &text(&format!("{folder}/_native/__init__.pyi")));
    surface.extend(stub.into_iter().map(|line| format!("_native: {line}")));
    surface.retain(|line| !line.starts_with("_native/"));
    holds("python", &surface);
}

#[test]
fn what_kotlin_sees_is_written_down() {
    holds(
        "kotlin",
        &of(
            &KOTLIN,
            "bindings/kotlin/src/main/kotlin/dev/windlass",
            "kt",
            |_| false,
        ),
    );
}

#[test]
fn what_swift_sees_is_written_down() {
    // What is generated follows from what Rust exports.
    let generated = |name: &str| name.contains("Generated/");
    holds(
        "swift",
        &of(&SWIFT, "bindings/swift/Sources", "swift", generated),
    );
}

/// The names in a text that stand between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let behind = text.split(before).skip(1);
    let names = behind.filter_map(|rest| rest.split_once(after).map(|(name, _)| name));
    let named = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    names.filter(named).collect()
}

/// `WrongKey` as `wrong_key`.
fn code(name: &str) -> String {
    let mut code = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.extend(c.to_lowercase());
    }
    code
}

#[test]
fn each_language_lists_the_errors_of_the_one_table() {
    let table = text("src/api/error_info.rs");
    let (_, table) = table.split_once("TABLE: &[Row] = &[").unwrap();
    let table = table.split_once("\n];").unwrap().0;
    // The code is what is first in a row.
    let rows = table.replace(char::is_whitespace, "");
    let mut codes = between(&rows, "(\"", "\",");
    codes.sort_unstable();
    assert!(codes.len() > 70, "{codes:?}");
    let swift = text("bindings/swift/Sources/Windlass/Errors.swift");
    let python = text("bindings/python/src/windlass_chat/errors.py");
    let stub = text("bindings/python/src/windlass_chat/_native/__init__.pyi");
    let lists = [
        ("a sentence in Swift", between(&swift, "let .", "(message)")),
        ("a code in Swift", between(&swift, "        case .", ": \"")),
        (
            "an exception in Python",
            between(&python, " = WindlassError.", "\n"),
        ),
        (
            "a type in Python",
            between(&stub, "    class ", "(WindlassError)"),
        ),
    ];
    for (what, names) in lists {
        let mut named: Vec<_> = names.iter().map(|name| code(name)).collect();
        named.sort();
        assert_eq!(
            named, codes,
            "{what} for each error of the table, and for no other"
        );
    }
    for name in between(&swift, "        case .", ": \"") {
        assert!(
            swift.contains(&format!("case .{name}: \"{}\"", code(name))),
            "{name}"
        );
    }
    for name in between(&stub, "    class ", "(WindlassError)") {
        for line in [
            format!("\n{name} = WindlassError.{name}\n"),
            format!("\n    \"{name}\",\n"),
        ] {
            assert!(python.contains(&line), "{line}");
        }
    }
}

#[test]
fn the_page_of_the_swift_package_names_what_there_is() {
    let page = text("bindings/swift/Sources/Windlass/Windlass.docc/Windlass.md");
    let (exported, own) = (exported(), text("tests/surface/swift.txt"));
    let topics = page.split_once("## Topics").unwrap().1;
    let names = between(topics, "- ``", "``");
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let is_own = [" class ", " struct ", " protocol "]
            .iter()
            .any(|kind| own.contains(&format!("{kind}{name}:")));
        assert!(is_own || exported.contains(name), "{name}");
    }
}

#[test]
fn a_declaration_that_changes_is_seen_and_what_nobody_sees_is_not() {
    let text = "pub struct A {\n    /// Says {.\n    pub b: u8,\n    c: u8,\n}\n\nimpl A {\n    pub fn d(\n        &self,\n        e: [u8; 2],\n    ) -> Option<u8> {\n        pub_call(1)\n    }\n    fn f(&self) {}\n}\n\n#[derive(Debug)]\npub enum G {\n    H { i: u8 },\n    J,\n}\nmod tests {\n    pub fn k() {}\n}\n";
    let surface: Vec<_> = public(&RUST, text).into_iter().collect();
    let expected = [
        "#[derive(Debug)] pub enum G",
        "A / pub b: u8",
        "G / H { i: u8 }",
        "G / J",
        "impl A / pub fn d( &self, e: [u8; 2], ) -> Option<u8>",
        "pub struct A",
    ];
    assert_eq!(surface, expected);
    let text = "class A(B):\n    \"\"\"Says.\n\n    def no(self): ...\n    \"\"\"\n\n    c: int = 3\n\n    async def d(self, e: int = 4) -> None:\n        f: int = 5\n\n    def _g(self) -> None: ...\n";
    let surface: Vec<_> = public(&PYTHON, text).into_iter().collect();
    assert_eq!(
        surface,
        [
            "A / async def d(self, e: int = 4) -> None",
            "A / c: int",
            "class A(B)"
        ]
    );
    let text = "public enum A: Int {\n    case b(c: Int)\n    public var d: Int {\n        switch self {\n        case .b: 1\n        }\n    }\n}\n";
    let surface: Vec<_> = public(&SWIFT, text).into_iter().collect();
    assert_eq!(
        surface,
        [
            "A / case b(c: Int)",
            "A / public var d: Int",
            "public enum A: Int"
        ]
    );
}
