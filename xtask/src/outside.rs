//! `cargo xtask try`: what is in target/packages, used as a stranger uses it, in a folder that has nothing to do with the repository.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::report::{self, Step};
use crate::tools::{self, JAVAC, MAVEN};
use crate::workspace::{Workspace, files};
use crate::{native, python};

/// A first conversation from each package that is there; `false` when one failed.
pub fn run(ws: &Workspace) -> bool {
    let there = |name: &str| ws.target.join("packages").join(name).is_dir();
    let steps: [Step; 2] = [("python", python), ("kotlin", kotlin)];
    let steps: Vec<Step> = steps.into_iter().filter(|(name, _)| there(name)).collect();
    report::run(ws, &steps)
}

/// Where the packages of a language are.
fn packages(ws: &Workspace, language: &str) -> PathBuf {
    ws.target.join("packages").join(language)
}

/// The wheel of this platform is found by its name, and nothing is compiled.
fn python(ws: &Workspace) -> Result<()> {
    let (sh, wheels) = (&ws.sh, packages(ws, "python"));
    let elsewhere = sh.create_temp_dir()?;
    let uv = python::uv(ws)?;
    let program = ws.root.join("examples/python/first_conversation.py");
    sh.copy_file(program, elsewhere.path())?;
    let _there = sh.push_dir(elsewhere.path());
    cmd!(sh, "{uv} venv --quiet own").run()?;
    let install = cmd!(sh, "{uv} pip install --quiet --python own --no-index --no-cache");
    let wheel = ["--only-binary", ":all:", "windlass-chat", "--find-links"];
    install.args(wheel).arg(wheels).run()?;
    let bin = if cfg!(windows) { "own/Scripts/python" } else { "own/bin/python" };
    let python = elsewhere.path().join(bin);
    let said = cmd!(sh, "{python} first_conversation.py").read()?;
    expect(&said, "message")
}

/// A program in Java, with nothing on its path but the jar and what its POM names.
const JAVA: &str = "
import dev.windlass.*;

public class First {
    public static void main(String[] arguments) throws Exception {
        try (Client alice = Windlass.create(\"alice.wl\", \"correct horse\");
                Client bob = Windlass.create(\"bob.wl\", \"battery staple\")) {
            alice.addContact(bob.singleUseBundle());
            for (OutgoingEnvelope envelope : alice.send(bob.address(), \"Ahoy!\").getEnvelopes()) {
                bob.receive(envelope.getBytes());
            }
            for (Message message : ForJava.messages(bob.conversation(alice.address()))) {
                System.out.println(message.getText());
            }
        }
    }
}
";

fn kotlin(ws: &Workspace) -> Result<()> {
    tools::ensure(ws, &[MAVEN, JAVAC])?;
    let (sh, built) = (&ws.sh, packages(ws, "kotlin"));
    let elsewhere = sh.create_temp_dir()?;
    let pom = built.join("pom.xml");
    let path = elsewhere.path().join("dependencies");
    let resolve = cmd!(sh, "mvn --batch-mode --quiet --file {pom} dependency:build-classpath");
    let resolve = resolve.arg("-DincludeScope=runtime");
    ws.quietly("outside-kotlin", resolve.arg(format!("-Dmdep.outputFile={}", path.display())))?;
    let jar = format!("windlass-{}.jar", native::version(ws)?);
    let jar = files(sh, &built, "jar")?.into_iter().find(|path| path.ends_with(&jar));
    let jar = jar.context("there is no jar of this version")?;
    let separator = if cfg!(windows) { ';' } else { ':' };
    let dependencies = sh.read_file(&path)?;
    let path = format!("{}{separator}{}{separator}.", jar.display(), dependencies.trim());
    let _there = sh.push_dir(elsewhere.path());
    sh.write_file("First.java", JAVA)?;
    cmd!(sh, "javac -cp {path} First.java").env_remove("LD_LIBRARY_PATH").run()?;
    let said = cmd!(sh, "java -cp {path} First").env_remove("LD_LIBRARY_PATH").read()?;
    expect(&said, "Ahoy!")
}

fn expect(said: &str, word: &str) -> Result<()> {
    println!("{said}");
    if !said.to_lowercase().contains(&word.to_lowercase()) {
        bail!("the program said nothing of {word}");
    }
    Ok(())
}
