//! The Kotlin module, through Maven.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::codes;
use crate::debian::{self, Tool};
use crate::native::{self, Generator, Language};
use crate::report::Outcome;
use crate::shell;
use crate::workspace::Workspace;

/// What the suite needs from the system.
const TOOLS: [Tool; 2] = [
    Tool {
        program: "mvn",
        package: "maven",
    },
    Tool {
        program: "javac",
        package: "default-jdk-headless",
    },
];

/// Builds the module and runs its tests on a real JVM.
pub fn test(workspace: &Workspace) -> Result<Outcome> {
    if let Some(reason) = prepare(workspace)? {
        return Ok(Outcome::Skipped(reason));
    }
    shell::heading("Kotlin: mvn test");
    let codes = codes::folder(workspace, "kotlin")?;
    maven(workspace, &["test"], &codes)?;
    match codes::check(workspace, "kotlin")? {
        Some(reason) => Ok(Outcome::Skipped(reason)),
        None => Ok(Outcome::Passed),
    }
}

/// Builds the jar with the native library inside; the tests ran with `test`.
pub fn jar(workspace: &Workspace) -> Result<Result<PathBuf, String>> {
    if let Some(reason) = prepare(workspace)? {
        return Ok(Err(reason));
    }
    let folder = workspace.bindings("kotlin").join("target");
    for old in shell::files_with_extension(&folder, "jar") {
        fs::remove_file(old)?;
    }
    shell::heading("Kotlin: mvn package");
    maven(workspace, &["package", "-DskipTests"], Path::new(""))?;
    let jar = shell::files_with_extension(&folder, "jar")
        .into_iter()
        .find(|path| {
            let name = path.to_string_lossy();
            !["-sources.jar", "-javadoc.jar", "-tests.jar"]
                .iter()
                .any(|suffix| name.ends_with(suffix))
        });
    match jar {
        Some(jar) => Ok(Ok(jar)),
        None => bail!("Maven made no jar in {}", folder.display()),
    }
}

/// Puts the generated code and the native library where `pom.xml` looks for them.
fn prepare(workspace: &Workspace) -> Result<Option<String>> {
    let module = workspace.bindings("kotlin");
    if !module.join("pom.xml").is_file() {
        return Ok(Some("there is no bindings/kotlin/pom.xml".to_owned()));
    }
    if let Some(reason) = debian::ensure(&TOOLS)? {
        return Ok(Some(reason));
    }
    if let Some(reason) = debian::ensure(&debian::BROKER_TOOLS)? {
        // The test that needs it says so too; with CI set it fails.
        println!("{reason}");
    }
    // Maven leaves the classes of code that is gone, and the shrinker stumbles over them.
    for former in ["target/classes", "target/test-classes"] {
        shell::remove_folder(&module.join(former))?;
    }
    shell::heading("Kotlin: native library and generated code");
    let generator = Generator::start(workspace);
    let library = native::shared_library(workspace)?;
    generator.wait()?;
    let generated = module.join("target/generated");
    native::generate(workspace, &library, Language::Kotlin, &generated)?;
    let_close_close(&generated.join("dev/windlass/windlass.kt"))?;
    if let Some(name) = library.file_name() {
        let resources = module.join("target/native").join(native::jna_platform());
        native::update(&library, &resources.join(name))?;
    }
    println!("in bindings/kotlin/target/{{generated,native}}");
    Ok(None)
}

/// What the generator gives to each object: `close` lets go of it, and no more.
const LETS_GO: &str = "    @Synchronized
    override fun close() {
        this.destroy()
    }
";

/// And a `use {}` of its own, which hides that of Kotlin where the package is imported, and does not call `close` either.
const USE: (&str, &str) = ("inline fun <T : Disposable?, R> T.use(", "\n    }\n");

/// Makes `close`, and so `use {}`, of what has a `close` in Rust that one. The generator's own would keep the store open, and
/// locked, until the last conversation of it was collected as garbage.
fn let_close_close(file: &Path) -> Result<()> {
    let mut code = fs::read_to_string(file)?;
    for class in ["Client", "EncryptedStore"] {
        let class = format!("open class {class}: Disposable");
        cut(&mut code, &class, LETS_GO, LETS_GO)?;
    }
    cut(&mut code, USE.0, USE.0, USE.1)?;
    Ok(fs::write(file, code)?)
}

/// Takes out what is, after `place`, from `first` to the end of `last`.
fn cut(code: &mut String, place: &str, first: &str, last: &str) -> Result<()> {
    let found = |code: &str| {
        let place = code.find(place)?;
        let start = place + code.get(place..)?.find(first)?;
        Some(start..start + code.get(start..)?.find(last)? + last.len())
    };
    let Some(range) = found(code) else {
        bail!("the generator writes {place} another way now");
    };
    code.replace_range(range, "");
    Ok(())
}

/// One round of the talk, with what the tests built.
pub fn talk(workspace: &Workspace, folder: &Path) -> Result<()> {
    shell::run_quietly(
        Command::new("mvn")
            .env("WINDLASS_TALK", folder)
            // Cargo sets it for its own programs; JNA would look there first.
            .env_remove("LD_LIBRARY_PATH")
            .current_dir(workspace.bindings("kotlin"))
            .args([
                "--batch-mode",
                "--offline",
                "-Dtest=TalkTest",
                "surefire:test",
            ]),
        &workspace.target.join("logs/talk-kotlin.log"),
    )
}

/// Maven says a lot. Shown are its warnings, its errors and the counts of the tests; the log has the rest.
fn maven(workspace: &Workspace, goals: &[&str], codes: &Path) -> Result<()> {
    shell::run_filtered(
        Command::new("mvn")
            .env("WINDLASS_CODES", codes)
            // Cargo sets it for its own programs; JNA would look there first.
            .env_remove("LD_LIBRARY_PATH")
            .current_dir(workspace.bindings("kotlin"))
            .args([
                "--batch-mode",
                "--no-transfer-progress",
                "-Dstyle.color=never",
            ])
            .args(goals),
        &workspace.target.join("logs/kotlin.log"),
        |line| {
            line.contains("Tests run:")
                || line.contains("BUILD ")
                || ["[ERROR]", "[WARNING]"]
                    .iter()
                    .any(|level| line.starts_with(level))
        },
    )
}
