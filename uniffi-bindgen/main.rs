//! The bindings generator of this crate.

use std::path::{Path, PathBuf};
use std::process::Command;
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
    let arguments: Vec<String> = env::args().collect();
    if let Some(library) = arguments.last().filter(|last| last.ends_with(".so"))
        && let Some(readable) = with_names(fs::read(library)?)
    {
        return again(&arguments, Path::new(library), &readable);
    }
    uniffi::uniffi_bindgen_main();
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

/// The library with the names it exports where the generator looks for metadata, or nothing if it has names there. Told to strip what is for
/// debuggers, zig strips all names but those that are exported: sections of the one type (11) are then called the other (2), for both are built alike.
fn with_names(mut library: Vec<u8>) -> Option<Vec<u8>> {
    const FIRST: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
    if !library.starts_with(&FIRST) {
        return None;
    }
    let number = |at: usize| {
        Some(u16::from_le_bytes(
            library.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let headers = u64::from_le_bytes(library.get(0x28..0x30)?.try_into().ok()?);
    let (length, count) = (usize::from(number(0x3a)?), usize::from(number(0x3c)?));
    let headers = usize::try_from(headers).ok()?;
    let types = (0..count).map(|header| headers + header * length + 4);
    let of_type = |wanted| types.clone().find(|at| number(*at) == Some(wanted));
    let (names, exported) = (of_type(2), of_type(11)?);
    if names.is_some() {
        return None;
    }
    *library.get_mut(exported)? = 2;
    Some(library)
}

/// Does the same with another content of the library.
fn again(arguments: &[String], library: &Path, content: &[u8]) -> io::Result<()> {
    let folder = env::temp_dir().join(format!("windlass-bindgen-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let copy = folder.join(library.file_name().unwrap_or_default());
    let others = arguments
        .iter()
        .skip(1)
        .take(arguments.len().saturating_sub(2));
    let written = fs::write(&copy, content);
    let done = written.and_then(|()| {
        Command::new(env::current_exe()?)
            .args(others)
            .arg(copy)
            .status()
    });
    fs::remove_dir_all(folder)?;
    match done?.success() {
        true => Ok(()),
        false => Err(io::Error::other("the generator failed")),
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
