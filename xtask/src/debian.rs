//! System packages, where the system is a Debian and we may install.

use std::process::Command;

use anyhow::Result;

use crate::shell;

/// How to run something as root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// We are root.
    Already,
    /// `sudo` asks no question.
    Sudo,
}

impl Root {
    /// How we could act as root, if at all.
    pub fn find() -> Option<Self> {
        if shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0") {
            return Some(Self::Already);
        }
        shell::succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self::Sudo)
    }

    /// A command that runs as root.
    pub fn command(self, program: &str) -> Command {
        match self {
            Self::Already => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }
}

/// A program and the Debian package that brings it.
pub struct Tool {
    /// The program's name on the search path.
    pub program: &'static str,
    /// The package's name.
    pub package: &'static str,
}

/// Readers and writers of QR codes that are not ours, which the tests compare ours with.
pub const QR_TOOLS: [Tool; 2] = [
    Tool {
        program: "zbarimg",
        package: "zbar-tools",
    },
    Tool {
        program: "qrencode",
        package: "qrencode",
    },
];

/// What else the tests of codes use: a way to make photographs bad, and a browser.
pub const PICTURE_TOOLS: [Tool; 2] = [
    Tool {
        program: "convert",
        package: "imagemagick",
    },
    Tool {
        program: "chromium",
        package: "chromium",
    },
];

/// A real broker, its passwords and its certificates.
pub const BROKER_TOOLS: [Tool; 3] = [
    Tool {
        program: "mosquitto",
        package: "mosquitto",
    },
    Tool {
        program: "openssl",
        package: "openssl",
    },
    Tool {
        program: "tmux",
        package: "tmux",
    },
];

/// Installs the tools that are missing. `Ok(Some(reason))` says why it cannot be done here.
pub fn ensure(tools: &[Tool]) -> Result<Option<String>> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|tool| !is_installed(tool.program))
        .map(|tool| tool.package)
        .collect();
    if missing.is_empty() {
        Ok(None)
    } else {
        install(&missing)
    }
}

/// Installs packages. `Ok(Some(reason))` says why it cannot be done here.
pub fn install(packages: &[&str]) -> Result<Option<String>> {
    let list = packages.join(" ");
    if shell::which("apt-get").is_none() {
        return Ok(Some(format!(
            "{list} missing, and this system has no apt-get to install it"
        )));
    }
    let Some(root) = Root::find() else {
        return Ok(Some(format!(
            "{list} missing, and installing needs root or sudo without a password"
        )));
    };
    shell::heading(&format!("installing {list}"));
    let log = std::env::temp_dir().join(format!("windlass-apt-{}.log", std::process::id()));
    shell::run_quietly(root.command("apt-get").args(["update"]), &log)?;
    shell::run_quietly(
        root.command("env")
            .args([
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "-y",
                "--no-install-recommends",
            ])
            .args(packages),
        &log,
    )?;
    // Only of use when something went wrong, and then we did not get here.
    drop(std::fs::remove_file(log));
    Ok(None)
}

fn is_installed(program: &str) -> bool {
    // Root's own tools are off the search path of other users.
    shell::which(program).is_some()
        || ["/usr/sbin", "/sbin"]
            .iter()
            .any(|folder| std::path::Path::new(folder).join(program).is_file())
}
