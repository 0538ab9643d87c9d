//! The archive for Android: the classes of the jar, their rules for a release build, and a library for each ABI.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::interpreters::interpreter;
use crate::report::Skip;
use crate::workspace::{Workspace, fresh_folder};
use crate::{native, sbom, targets};

/// Puts it together, and refuses a library that some device of its ABI could not load.
const ASSEMBLE: &str = include_str!("aar.py");

/// Each ABI that new devices have, as Android and as the compiler calls it.
const ABIS: [(&str, &str); 2] =
    [("arm64-v8a", "aarch64-linux-android"), ("x86_64", "x86_64-linux-android")];

/// The oldest Android, as `aar.py` writes it into the manifest.
const API: u32 = 26;

/// Newer devices have pages of this size, and NDKs before the 28th link for smaller ones.
const PAGES: [&str; 2] =
    ["-Clink-arg=-Wl,-z,max-page-size=16384", "-Clink-arg=-Wl,-z,common-page-size=16384"];

/// Where the NDK's installers say that it is.
const NDK: [&str; 3] = ["ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_LATEST_HOME"];

/// Builds the libraries with the NDK, and the archive of them and the jar, with its POM.
pub fn archive(ws: &Workspace, jar: &Path) -> Result<Vec<PathBuf>> {
    let tools = ndk(ws)?;
    let mut libraries = Vec::new();
    for (abi, target) in ABIS {
        targets::ensure(ws, target)?;
        libraries.push((abi, library(ws, &tools, target)?));
    }
    assemble(ws, jar, &libraries)
}

/// The folder of the NDK's compilers for this machine.
fn ndk(ws: &Workspace) -> Result<PathBuf> {
    let folders = NDK.into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    for folder in folders {
        let hosts = ws.sh.read_dir(folder.join("toolchains/llvm/prebuilt")).unwrap_or_default();
        if let Some(host) = hosts.into_iter().find(|host| host.join("bin").is_dir()) {
            return Ok(host.join("bin"));
        }
    }
    bail!(Skip::Here(format!("the Android NDK is missing: {} says where it is", NDK.join(" or "))))
}

fn library(ws: &Workspace, tools: &Path, target: &str) -> Result<PathBuf> {
    let script = if cfg!(windows) { ".cmd" } else { "" };
    let linker = tools.join(format!("{target}{API}-clang{script}"));
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    // A phone has no database server beside it, but the interface of all languages is one.
    let build = "rustc --quiet --package windlass --features uniffi,postgres --lib --release";
    let build = ws.cargo(&format!("{build} --crate-type cdylib --target {target} --"));
    build.args(PAGES).env(variable, linker).run()?;
    Ok(ws.target.join(target).join("release/libwindlass.so"))
}

fn assemble(ws: &Workspace, jar: &Path, libraries: &[(&str, PathBuf)]) -> Result<Vec<PathBuf>> {
    let (sh, python) = (&ws.sh, interpreter(ws)?);
    let folder = fresh_folder(sh, ws.target.join("android"))?;
    let name = format!("windlass-android-{}", native::version(ws)?);
    let pom = ws.bindings("kotlin").join("pom.xml");
    let bill = sbom::write(ws, "aarch64-linux-android")?;
    let named = libraries.iter().map(|(abi, path)| format!("{abi}={}", path.display()));
    cmd!(sh, "{python} -c {ASSEMBLE} {folder} {name} {jar} {pom} {bill}")
        .args(named)
        .quiet()
        .run()?;
    Ok(["aar", "pom"].map(|kind| folder.join(format!("{name}.{kind}"))).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A jar as ours is, with what an archive has no use for.
    const JAR: &str = "
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as jar:
    for name in sys.argv[2:]:
        jar.writestr(name, name)
";

    /// What is in an archive, that of its classes too; and its two texts that matter.
    const LIST: &str = "
import io, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
classes = zipfile.ZipFile(io.BytesIO(archive.read('classes.jar')))
print(*archive.namelist(), *('classes.jar!' + name for name in classes.namelist()), sep='\\n')
print(archive.read('proguard.txt').decode(), archive.read('AndroidManifest.xml').decode())
";

    /// The header of a library and of its one part, which is all that decides.
    fn elf(machine: u16, alignment: u64) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([3, 0]);
        bytes.extend(machine.to_le_bytes());
        bytes.resize(32, 0);
        bytes.extend(64_u64.to_le_bytes());
        bytes.resize(54, 0);
        bytes.extend([56, 0, 1, 0]);
        bytes.resize(64, 0);
        bytes.extend([1, 0, 0, 0]);
        bytes.resize(64 + 48, 0);
        bytes.extend(alignment.to_le_bytes());
        bytes
    }

    #[test]
    fn an_archive_for_android_has_each_abi_for_large_pages_and_the_rules_and_nothing_of_a_desktop()
    {
        let ws = Workspace::locate(false).unwrap();
        let (sh, python) = (&ws.sh, interpreter(&ws).unwrap());
        let folder = sh.create_temp_dir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let jar = path("windlass.jar");
        let rules = "META-INF/proguard/windlass.pro";
        let desktop = ["linux-x86-64/libwindlass.so", "win32-x86-64/windlass.dll"];
        let members = ["dev/windlass/Client.class", "META-INF/LICENSE-MIT", rules];
        cmd!(sh, "{python} -c {JAR} {jar} {members...} {desktop...}").quiet().run().unwrap();
        let library = |name: &str, machine, alignment| {
            sh.write_file(path(name), elf(machine, alignment)).unwrap();
            path(name)
        };
        let arm = || library("arm", 183, 16384);
        let good = [("arm64-v8a", arm()), ("x86_64", library("intel", 62, 65536))];
        let built = assemble(&ws, &jar, &good).unwrap();
        let aar = &built[0];
        let said = cmd!(sh, "{python} -c {LIST} {aar}").quiet().read().unwrap();
        for there in [
            "jni/arm64-v8a/libwindlass.so",
            "jni/x86_64/libwindlass.so",
            "R.txt",
            "classes.jar!dev/windlass/Client.class",
            "classes.jar!META-INF/LICENSE-MIT",
            "classes.jar!META-INF/sbom/windlass.cyclonedx.json",
            &format!("minSdkVersion=\"{API}\""),
        ] {
            assert!(said.contains(there), "{there} is not in {said}");
        }
        assert!(!said.contains("linux-x86-64") && !said.contains("win32"), "{said}");
        // The rules are where Android's tools look for them, and there alone.
        assert_eq!(said.matches(rules).count(), 1, "{said}");
        let pom = sh.read_file(&built[1]).unwrap();
        for there in [
            "<artifactId>windlass-android</artifactId>",
            "<packaging>aar</packaging>",
            "<type>aar</type>",
        ] {
            assert_eq!(pom.matches(there).count(), 1, "{there}: {pom}");
        }
        for absent in ["junit", "proguard-base", "${", "<build>"] {
            assert!(!pom.contains(absent), "{absent}: {pom}");
        }
        for bad in [library("small", 183, 4096), library("other", 62, 16384)] {
            assert!(assemble(&ws, &jar, &[("arm64-v8a", bad)]).is_err());
        }
    }
}
