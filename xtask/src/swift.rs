//! The Swift package: `swift test` with the machine's own Swift, else in a root filesystem that has one.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::codes;
use crate::native::{self, Generator, Language};
use crate::python;
use crate::report::Outcome;
use crate::rootfs::{REPOSITORY, RootFilesystem, TARGET};
use crate::shell;
use crate::workspace::Workspace;

/// A Swift to call.
enum Toolchain {
    /// On the search path.
    Native(PathBuf),
    /// In a root filesystem of its own.
    Inside(RootFilesystem),
}

impl Toolchain {
    /// The machine's Swift, else one in a root filesystem, else why there is neither.
    fn find() -> Result<Result<Self, String>> {
        if let Some(swift) = shell::which("swift") {
            return Ok(Ok(Self::Native(swift)));
        }
        Ok(RootFilesystem::ready()?.map(Self::Inside))
    }

    /// `swift test` with our library by path, and no warning accepted. `server` is where the tests of mail by HTTP find it.
    fn swift_test(&self, workspace: &Workspace, server: &str) -> Command {
        let (mut command, swift, repository, target) = match self {
            Self::Native(swift) => (
                Command::new("env"),
                swift.as_path(),
                workspace.root.as_path(),
                workspace.target.as_path(),
            ),
            Self::Inside(root) => (
                root.command(workspace, "env"),
                Path::new("swift"),
                Path::new(REPOSITORY),
                Path::new(TARGET),
            ),
        };
        let variable = |name: &str, value: &Path| {
            let mut set = OsString::from(name);
            set.push("=");
            set.push(value);
            set
        };
        let scratch = target.join("swift");
        let library = scratch.join("lib");
        command
            .arg(variable("WINDLASS_CODES", &target.join("codes/swift")))
            .arg(variable("WINDLASS_TALK", &target.join("talk")))
            .arg(variable("WINDLASS_HTTP", Path::new(server)))
            .arg(swift)
            .args(["test", "--package-path"])
            .arg(repository.join("bindings/swift"))
            .arg("--scratch-path")
            .arg(scratch.join("build"))
            .args(["-Xswiftc", "-warnings-as-errors"])
            // One runner for all tests: the other one would close the output with "0 tests passed".
            .arg("--disable-swift-testing")
            .args(["-Xlinker", "-L", "-Xlinker"])
            .arg(&library)
            .args(["-Xlinker", "-rpath", "-Xlinker"])
            .arg(&library);
        command
    }
}

/// Builds the package without warnings and runs its tests.
pub fn test(workspace: &Workspace) -> Result<Outcome> {
    let package = workspace.bindings("swift");
    if !package.join("Package.swift").is_file() {
        return Ok(Outcome::Skipped(
            "there is no bindings/swift/Package.swift".to_owned(),
        ));
    }
    let toolchain = match Toolchain::find()? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    shell::heading("Swift: native library and generated code");
    let generator = Generator::start(workspace);
    let library = native::shared_library(workspace)?;
    generator.wait()?;
    place_generated(workspace, &library)?;
    let folder = workspace.target.join("swift/lib");
    if let Some(name) = library.file_name() {
        native::update(&library, &folder.join(name))?;
    }

    codes::folder(workspace, "swift")?;
    // A talk that was cut short is none of this run's.
    shell::remove_folder(&workspace.target.join("talk"))?;
    shell::heading("Swift: swift test");
    let server = MailServer::start(workspace)?;
    shell::run(&mut toolchain.swift_test(workspace, &server.url)).context("swift test")?;
    match codes::check(workspace, "swift")? {
        Some(reason) => Ok(Outcome::Skipped(reason)),
        None => Ok(Outcome::Passed),
    }
}

/// Of the package the server needs the interface of transports alone, which is there also where no wheel was built.
const SERVE: &str = "
import runpy, sys, types
package = sys.modules['windlass'] = types.ModuleType('windlass')
package.__path__ = [sys.argv[1]]
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')
";

/// The mailbox server of the examples, for the tests of the transport that speaks with it.
struct MailServer {
    process: Child,
    url: String,
}

impl MailServer {
    fn start(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("swift/mail");
        shell::fresh_folder(&folder)?;
        let mut process = Command::new(python::interpreter()?)
            .args(["-c", SERVE])
            .arg(workspace.bindings("python").join("src/windlass"))
            .arg(workspace.root.join("examples/python/http_transport.py"))
            .arg(folder.join("mail.db"))
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut url)?;
        }
        Ok(Self {
            process,
            url: url.trim().to_owned(),
        })
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Swift's part in the talk, with what the tests built.
pub struct Talker(Toolchain);

impl Talker {
    /// Or why there is no Swift.
    pub fn new() -> Result<Result<Self, String>> {
        Ok(Toolchain::find()?.map(Self))
    }

    /// One round.
    pub fn talk(&mut self, workspace: &Workspace) -> Result<()> {
        let mut command = self.0.swift_test(workspace, "");
        command.args(["--skip-build", "--filter", "TalkTests"]);
        shell::run_quietly(&mut command, &workspace.target.join("logs/talk-swift.log"))
    }
}

/// Puts the generated Swift beside the hand-written code, and the header beside the hand-written module map (the
/// generated one asks for Darwin).
pub fn place_generated(workspace: &Workspace, library: &Path) -> Result<()> {
    let fresh = workspace.target.join("swift/generated");
    native::generate(workspace, library, Language::Swift, &fresh)?;
    let sources = workspace.bindings("swift").join("Sources");
    native::update(
        &fresh.join("windlass.swift"),
        &sources.join("Windlass/Generated/windlass.swift"),
    )?;
    native::update(
        &fresh.join("windlassFFI.h"),
        &sources.join("windlassFFI/windlassFFI.h"),
    )?;
    println!("in bindings/swift/Sources/{{Windlass/Generated,windlassFFI}}");
    Ok(())
}
