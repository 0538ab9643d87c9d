//! Other machines than this one: for which a package is built, and what building for them takes.

use std::path::Path;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::interpreters::interpreter;
use crate::native;
use crate::report::Skip;
use crate::workspace::{Workspace, fresh_folder};

/// A Linux for which a wheel is published.
pub struct Linux {
    /// As the compiler calls it.
    pub target: &'static str,
    /// The oldest C library, as a wheel's name says it.
    pub compatibility: &'static str,
    /// Where JNA looks for its library, which it loads where there is glibc.
    pub jna: Option<&'static str>,
}

impl Linux {
    /// The machine that the target begins with.
    pub fn machine(&self) -> &'static str {
        self.target.split('-').next().unwrap_or_default()
    }

    /// Whether its C library is musl.
    pub fn musl(&self) -> bool {
        self.target.ends_with("-musl")
    }

    /// How a wheel's name says for which system it is.
    pub fn tag(&self) -> String {
        format!("{}_{}", self.compatibility, self.machine())
    }
}

/// Each of them.
pub const LINUX: [Linux; 4] = [
    Linux {
        target: "x86_64-unknown-linux-gnu",
        compatibility: "manylinux_2_17",
        jna: Some("linux-x86-64"),
    },
    Linux {
        target: "aarch64-unknown-linux-gnu",
        compatibility: "manylinux_2_17",
        jna: Some("linux-aarch64"),
    },
    Linux { target: "x86_64-unknown-linux-musl", compatibility: "musllinux_1_2", jna: None },
    Linux { target: "aarch64-unknown-linux-musl", compatibility: "musllinux_1_2", jna: None },
];

/// Those that are named, between commas; without a name each.
pub fn wanted(names: &str) -> Result<Vec<Linux>> {
    let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    let known = |name: &&&str| LINUX.iter().any(|linux| linux.target == **name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        bail!("no wheel is published for {name}");
    }
    let all = LINUX.into_iter();
    Ok(all.filter(|linux| names.is_empty() || names.contains(&linux.target)).collect())
}

/// Apple's systems, and the simulator of one.
const APPLE: [&str; 3] = ["aarch64-apple-ios", "aarch64-apple-ios-sim", "aarch64-apple-darwin"];

/// The standard library of a target, which rustup brings.
pub fn ensure(ws: &Workspace, target: &str) -> Result<()> {
    let sh = &ws.sh;
    // Rustc names the folder of a target's libraries whether or not they are there.
    let libraries = cmd!(sh, "rustc --print target-libdir --target {target}").quiet().read()?;
    if Path::new(&libraries).is_dir() {
        return Ok(());
    }
    if !ws.answers("rustup", "--version", "rustup ") {
        let missing = "the compiler has no libraries for it, and no rustup brings them";
        bail!(Skip::Here(format!("{target}: {missing}")));
    }
    let fetched = cmd!(sh, "rustup target add {target}").run();
    Ok(fetched.map_err(|error| Skip::Here(format!("{target}: {error}")))?)
}

/// Takes the library out of a wheel: maturin keeps it nowhere else.
const TAKE: &str = "
import pathlib, sys, zipfile
wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
[name] = [name for name in wheel.namelist() if pathlib.PurePosixPath(name).name == sys.argv[3]]
(folder / sys.argv[3]).write_bytes(wheel.read(name))
";

/// Keeps the library of a wheel for the jar.
pub fn keep_from(ws: &Workspace, wheel: &Path, platform: &str) -> Result<()> {
    let (python, name) = (interpreter(ws)?, native::library_name());
    let folder = fresh_folder(&ws.sh, ws.target.join("natives").join(platform))?;
    Ok(cmd!(ws.sh, "{python} -c {TAKE} {wheel} {folder} {name}").quiet().run()?)
}

/// Static libraries for Apple's systems as one framework, which only a Mac puts together.
pub fn framework(ws: &Workspace, framework: &Path) -> Result<()> {
    if !cfg!(target_os = "macos") {
        bail!(Skip::Here("an XCFramework is made on a Mac".into()));
    }
    let sh = &ws.sh;
    let headers = fresh_folder(sh, ws.target.join("swift/headers"))?;
    let generated = ws.target.join("swift/generated");
    sh.copy_file(generated.join("windlassFFI.h"), &headers)?;
    sh.copy_file(generated.join("windlassFFI.modulemap"), headers.join("module.modulemap"))?;
    let mut create = cmd!(sh, "xcodebuild -create-xcframework");
    for target in APPLE {
        ensure(ws, target)?;
        let library = native::static_library_for(ws, target)?;
        create = create.arg("-library").arg(library).arg("-headers").arg(&headers);
    }
    Ok(create.arg("-output").arg(framework).run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_systems_may_be_named_and_none_that_there_is_not() {
        let targets = |names| wanted(names).unwrap().iter().map(|it| it.target).collect::<Vec<_>>();
        assert_eq!(targets("").len(), 4);
        let musl = "x86_64-unknown-linux-musl,aarch64-unknown-linux-musl";
        assert_eq!(targets(musl).join(","), musl);
        assert!(wanted("x86_64-unknown-linux").is_err());
    }

    #[test]
    fn each_system_has_a_wheel_of_its_own() {
        let tags: std::collections::BTreeSet<_> = LINUX.iter().map(Linux::tag).collect();
        assert_eq!(tags.len(), LINUX.len());
        assert!(tags.contains("musllinux_1_2_aarch64"), "{tags:?}");
    }
}
