//! The Swift package: `swift test` with the machine's own Swift, else in a root filesystem that has one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, cmd};

use crate::rootfs::RootFilesystem;
use crate::tools::{self, MOSQUITTO, OPENSSL};
use crate::workspace::{Workspace, fresh_folder, heading, update};
use crate::{codes, interpreters, native};

/// A Swift to call.
pub enum Toolchain {
    /// On the search path.
    Native,
    /// In a root filesystem of its own.
    Inside(RootFilesystem),
}

impl Toolchain {
    /// The machine's Swift, else one in a root filesystem.
    pub fn find(ws: &Workspace) -> Result<Self> {
        if ws.answers("swift", "--version", "Swift version") {
            return Ok(Self::Native);
        }
        RootFilesystem::ready(ws).map(Self::Inside)
    }

    /// `swift test` with our library by path, and no warning accepted. `server` is where the tests of mail by HTTP find it.
    pub fn test<'a>(&self, ws: &'a Workspace, server: &str) -> Cmd<'a> {
        let command = match self {
            Self::Native => ws.sh.cmd("env"),
            Self::Inside(root) => root.command(ws).arg("env"),
        };
        let (target, package) = (ws.target.display(), ws.bindings("swift"));
        let library = format!("{target}/swift/lib");
        command
            .arg(format!("WINDLASS_CODES={target}/codes/swift"))
            .arg(format!("WINDLASS_TALK={target}/talk"))
            .arg(format!("WINDLASS_HTTP={server}"))
            .args(matches!(self, Self::Inside(_)).then_some("WINDLASS_SMALL_DISK=/small"))
            // One runner for all tests: the other one would close the output with "0 tests passed".
            .args(["swift", "test", "--disable-swift-testing", "-Xswiftc", "-warnings-as-errors"])
            .args(["-Xlinker", "-L", "-Xlinker", &library])
            .args(["-Xlinker", "-rpath", "-Xlinker", &library])
            .args(["--scratch-path", &format!("{target}/swift/scratch"), "--package-path"])
            .arg(package)
    }
}

/// Builds the package without warnings and runs its tests.
pub fn test(ws: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find(ws)?;
    if matches!(toolchain, Toolchain::Native) && cfg!(target_os = "linux") {
        // What the root filesystem has: TLS for mail over MQTT, and a broker to try it with.
        tools::ensure(ws, &[MOSQUITTO, OPENSSL])?;
        if !Path::new("/usr/include/openssl/ssl.h").exists() {
            tools::install(ws, "libssl-dev")?;
        }
    }
    let library = native::shared_library(ws)?;
    place_generated(ws, &library)?;
    update(ws, &library, &ws.target.join("swift/lib").join(native::library_name()))?;
    codes::folder(ws, "swift")?;
    // A talk that was cut short is none of this run's.
    ws.sh.remove_path(ws.target.join("talk"))?;
    heading("swift test");
    let (mut server, url) = mail_server(ws)?;
    let tested = toolchain.test(ws, &url).quiet().run();
    server.kill()?;
    server.wait()?;
    tested?;
    codes::check(ws, "swift")
}

/// Of the package the server needs the interface of transports alone, which is there also where no wheel was built.
const SERVE: &str = "
import runpy, sys, types
package = sys.modules['windlass_chat'] = types.ModuleType('windlass_chat')
package.__path__ = ['bindings/python/src/windlass_chat']
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
";

/// The mailbox server of the examples, for the tests of the transport that speaks with it; and its address.
fn mail_server(ws: &Workspace) -> Result<(Child, String)> {
    let (sh, python) = (&ws.sh, interpreters::interpreter(ws)?);
    let mail = fresh_folder(sh, ws.target.join("swift/mail"))?.join("mail.db");
    let serve = cmd!(sh, "{python} -c {SERVE} examples/python/http_transport.py {mail} 0");
    let mut server = Command::from(serve).stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    let said = server.stdout.take().context("its output is piped")?;
    BufReader::new(said).read_line(&mut url)?;
    Ok((server, url.trim().to_owned()))
}

/// Puts the generated Swift beside the hand-written code, and the header beside the hand-written module map (the generated one
/// asks for Darwin).
pub fn place_generated(ws: &Workspace, library: &Path) -> Result<()> {
    let sources = ws.bindings("swift").join("Sources");
    let fresh = native::generate(ws, library, "swift", ws.target.join("swift/generated"))?;
    let_times_be_refused(&fresh.join("windlass.swift"))?;
    let (code, header) = ("Windlass/Generated/windlass.swift", "windlassFFI/windlassFFI.h");
    update(ws, &fresh.join("windlass.swift"), &sources.join(code))?;
    update(ws, &fresh.join("windlassFFI.h"), &sources.join(header))
}

/// Where the generated code ends the whole program because a time is negative or too long; or no number, which it does not look for.
const FATAL: &str = "        if value.rounded(.down) > Double(Int64.max) {
            fatalError(\"Duration overflow, exceeds max bounds supported by Uniffi\")
        }

        if value < 0 {
            fatalError(\"Invalid duration, must be non-negative\")
        }
";

/// A time that there is not instead, which Rust refuses.
const REFUSED: &str = "        guard value >= 0, value < Double(Int64.max) else {
            writeInt(&buf, UInt64.max)
            writeInt(&buf, UInt32(0))
            return
        }
";

fn let_times_be_refused(file: &Path) -> Result<()> {
    let code = fs::read_to_string(file)?;
    if code.matches(FATAL).count() != 1 {
        bail!("the generator writes times another way now");
    }
    Ok(fs::write(file, code.replace(FATAL, REFUSED))?)
}
