//! The imports of a Python package. Every line counts, also inside functions and for type checkers alone.
//!
//! A name is followed through the `__init__` that re-exports it; the `__init__` itself is imported for what it defines.

use std::collections::{BTreeMap, BTreeSet};

use super::Sources;
use super::graph::Imports;

struct Module {
    file: String,
    defined: BTreeSet<String>,
    /// For an `__init__`: the names that it imports, with module and name there.
    re_exports: BTreeMap<String, (String, String)>,
    /// Modules all of whose names it takes.
    stars: Vec<String>,
    imports: Vec<Import>,
}

/// `from module import name as alias`; without a name `import module`.
struct Import {
    module: String,
    name: Option<String>,
    alias: String,
}

struct Package(BTreeMap<String, Module>);

/// Of the files of `package`, by their paths below its folder.
pub fn python_imports(package: &str, sources: &Sources) -> Imports {
    let modules = sources.iter().map(|(file, text)| read(package, file, text));
    let package = Package(modules.collect());
    let mut found = Imports::default();
    for module in package.0.values() {
        for Import {
            module: from, name, ..
        } in &module.imports
        {
            let files = match name {
                Some(name) => package.definition(from, name, 0),
                None => Vec::from_iter(package.0.contains_key(from).then(|| from.clone())),
            };
            for to in files {
                let name = name.as_deref().unwrap_or("the module");
                found.add(&module.file, &package.0[&to].file, name);
            }
        }
    }
    found
}

fn read(package: &str, file: &str, text: &str) -> (String, Module) {
    let path = file.rsplit_once('.').unwrap().0.replace('/', ".");
    let is_init = path == "__init__" || path.ends_with(".__init__");
    let below = path.trim_end_matches("__init__").trim_end_matches('.');
    let name = format!("{package}.{below}");
    let name = name.trim_end_matches('.').to_owned();
    // What `.` in an import stands for.
    let parent = name.rsplit_once('.').filter(|_| !is_init);
    let folder = parent.map_or(name.as_str(), |(parent, _)| parent);
    let code = without_text(text);
    let imports: Vec<_> = statements(&code)
        .iter()
        .flat_map(|statement| parse(statement, folder))
        .collect();
    let mut module = Module {
        file: file.to_owned(),
        defined: code.lines().filter_map(defined).collect(),
        re_exports: BTreeMap::new(),
        stars: Vec::new(),
        imports,
    };
    for import in module.imports.iter().filter(|_| is_init) {
        match import.name.as_deref() {
            Some("*") => module.stars.push(import.module.clone()),
            Some(name) => {
                let target = (import.module.clone(), name.to_owned());
                module.re_exports.insert(import.alias.clone(), target);
            }
            None => {}
        }
    }
    (name, module)
}

impl Package {
    /// The modules that a name of a module comes from; none outside of the package.
    fn definition(&self, module: &str, name: &str, followed: usize) -> Vec<String> {
        assert!(
            followed < 20,
            "re-exports that lead to each other: {module}.{name}"
        );
        let submodule = format!("{module}.{name}");
        let Some(found) = self.0.get(module) else {
            return Vec::new();
        };
        if found.defined.contains(name) {
            return vec![module.to_owned()];
        }
        if self.0.contains_key(&submodule) {
            return vec![submodule];
        }
        if let Some((from, name)) = found.re_exports.get(name) {
            // Nothing, if it is of another package.
            return self.definition(from, name, followed + 1);
        }
        if name == "*" || found.stars.is_empty() {
            return vec![module.to_owned()];
        }
        let stars = found.stars.iter();
        stars
            .flat_map(|from| self.definition(from, name, followed + 1))
            .collect()
    }
}

/// What a line at the left margin defines.
fn defined(line: &str) -> Option<String> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let named = ["def ", "class "]
        .iter()
        .find_map(|word| line.strip_prefix(word));
    let text = named.unwrap_or(line);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let assigned = rest.starts_with(':') || (rest.starts_with('=') && !rest.starts_with("=="));
    (!name.is_empty() && (named.is_some() || assigned)).then(|| name.to_owned())
}

/// Without comments and the contents of strings.
fn without_text(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let long = ["\"\"\"", "'''"]
            .into_iter()
            .find(|mark| rest.starts_with(mark));
        let mark = long.or(["\"", "'"].into_iter().find(|mark| rest.starts_with(mark)));
        if let Some(mark) = mark {
            rest = behind(&rest[mark.len()..], mark);
            code.push_str("\"\"");
        } else if first == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

fn behind<'a>(text: &'a str, mark: &str) -> &'a str {
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if text[at..].starts_with(mark) {
            return &text[at + mark.len()..];
        }
        at += character.len_utf8();
        if character == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    ""
}

/// The import statements, each on one line without its brackets.
fn statements(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        // Behind a colon on one line: `if TYPE_CHECKING: import x`.
        let starts = |part: &&str| {
            ["import ", "from "]
                .iter()
                .any(|word| part.starts_with(word))
        };
        let Some(start) = line.split([':', ';']).map(str::trim_start).find(starts) else {
            continue;
        };
        let mut statement = start.to_owned();
        while statement.contains('(') && !statement.contains(')') || statement.ends_with('\\') {
            let Some(next) = lines.next() else { break };
            statement = format!("{} {}", statement.trim_end_matches('\\'), next.trim());
        }
        found.push(statement.replace(['(', ')'], " "));
    }
    found
}

fn parse(statement: &str, folder: &str) -> Vec<Import> {
    let named = |item: &str| {
        let mut words = item.split_whitespace();
        let name = words.next()?.to_owned();
        let alias = words.nth(1).map_or_else(|| name.clone(), str::to_owned);
        Some((name, alias))
    };
    if let Some(modules) = statement.strip_prefix("import ") {
        let modules = modules.split(',').filter_map(named);
        let import = |(module, alias)| Import {
            module,
            name: None,
            alias,
        };
        return modules.map(import).collect();
    }
    let from = statement
        .strip_prefix("from ")
        .and_then(|rest| rest.split_once(" import "));
    let Some((from, names)) = from else {
        return Vec::new();
    };
    let below = from.trim().trim_start_matches('.');
    let mut base = folder;
    for _ in 1..from.trim().len() - below.len() {
        base = base.rsplit_once('.').map_or("", |(parent, _)| parent);
    }
    let module = match (from.trim() == below, below) {
        (true, _) => below.to_owned(),
        (false, "") => base.to_owned(),
        (false, below) => format!("{base}.{below}"),
    };
    let names = names.split(',').filter_map(named);
    let import = |(name, alias)| Import {
        module: module.clone(),
        name: Some(name),
        alias,
    };
    names.map(import).collect()
}
