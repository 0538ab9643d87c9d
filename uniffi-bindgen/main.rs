//! The bindings generator of this crate.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the generated Python loads and does not need, or not for what it costs: of `dataclass` it uses nothing but a `repr` without fields, and that
/// loads the standard library's parser and compiles three functions for each class. It was half of an import.
///
/// And errors, each of which has all others as attributes: they list them no more.
const CHANGED: [(&str, &str); 4] = [
    ("\nimport platform\n", "\n"),
    ("\nimport traceback\n", "\n"),
    (
        "\nfrom dataclasses import dataclass\n",
        r#"

def dataclass(kind):
    kind.__repr__ = lambda self: type(self).__qualname__ + "()"
    return kind

class _Kinds(type):
    def __dir__(cls):
        kinds = {name for base in cls.__mro__[1:] for name, kind in vars(base).items() if isinstance(kind, _Kinds)}
        return [name for name in super().__dir__() if name not in kinds]

"#,
    ),
    (
        "\nclass WindlassError(Exception):\n",
        "\nclass WindlassError(Exception, metaclass=_Kinds):\n",
    ),
];

fn main() -> io::Result<()> {
    uniffi::uniffi_bindgen_main();
    let arguments: Vec<String> = env::args().collect();
    let after = |name: &str| {
        let mut pairs = arguments.windows(2);
        pairs.find_map(|pair| match pair {
            [option, value] if option == name => Some(value.as_str()),
            _ => None,
        })
    };
    match (after("--language"), after("--out-dir")) {
        (Some("python"), Some(folder)) => change(&PathBuf::from(folder).join("windlass.py")),
        _ => Ok(()),
    }
}

/// Changes the generated module. A generator that writes something else is an error, for somebody has to look then.
fn change(module: &Path) -> io::Result<()> {
    let mut text = fs::read_to_string(module)?;
    for (from, to) in CHANGED {
        if text.matches(from).count() != 1 {
            return Err(io::Error::other(format!(
                "the generated code has no {from:?}"
            )));
        }
        text = text.replacen(from, to, 1);
    }
    fs::write(module, text)
}
