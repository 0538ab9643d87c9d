//! `cargo xtask try`: what is in target/packages, used as a stranger uses it, in a folder that has nothing to do with the repository.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::cmd;

use crate::report::{self, Step};
use crate::tools::{self, JAVAC, MAVEN};
use crate::workspace::{Workspace, files};
use crate::{clean, native, python};

/// A first conversation from each package that is there; `false` when one failed.
pub fn run(ws: &Workspace) -> bool {
    let there = |name: &str| ws.target.join("packages").join(name).is_dir();
    let steps: [(&str, Step); 6] = [
        ("python", ("python", python)),
        ("python", ("clean", clean::wheels)),
        ("kotlin", ("java", java)),
        ("kotlin", ("kotlin", kotlin)),
        ("javascript", ("javascript", javascript)),
        ("crate", ("crate", rust)),
    ];
    let steps = steps.into_iter().filter(|(folder, _)| there(folder));
    let steps: Vec<Step> = steps.map(|(_, step)| step).collect();
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
    let program = sh.read_file("examples/python/first_conversation.py")?;
    let _there = sh.push_dir(elsewhere.path());
    cmd!(sh, "{uv} venv --quiet own").run()?;
    let install = cmd!(sh, "{uv} pip install --quiet --python own --no-index --no-cache");
    let wheel = ["--only-binary", ":all:", "windlass-chat", "--find-links"];
    install.args(wheel).arg(wheels).run()?;
    let bin = if cfg!(windows) { "own/Scripts/python" } else { "own/bin/python" };
    let python = elsewhere.path().join(bin);
    sh.write_file("first_conversation.py", &program)?;
    let said = cmd!(sh, "{python} first_conversation.py").read()?;
    expect(&program, &said, "Ahoy!")
}

/// A program in Java, in a project that asks for the artifact and for nothing else.
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

fn java(ws: &Workspace) -> Result<()> {
    with_maven(ws, ("java", "First.java", "First"), JAVA, "")
}

/// What a project in Kotlin has beside it.
const COMPILER: &str = "<build><plugins><plugin>
  <groupId>org.jetbrains.kotlin</groupId><artifactId>kotlin-maven-plugin</artifactId><version>VERSION</version>
  <executions><execution><goals><goal>compile</goal></goals></execution></executions>
  <configuration><sourceDirs><sourceDir>src/main/kotlin</sourceDir></sourceDirs></configuration>
</plugin></plugins></build>";

/// With the compiler that the package was built with.
fn kotlin(ws: &Workspace) -> Result<()> {
    let program = ws.sh.read_file("examples/kotlin/FirstConversation.kt")?;
    let program = program + "\nfun main() = firstConversation(\".\")\n";
    let pom = ws.sh.read_file(packages(ws, "kotlin").join("pom.xml"))?;
    let version = pom.split("<kotlin.version>").nth(1).and_then(|rest| rest.split('<').next());
    let version = version.context("the POM names no compiler")?;
    let project = ("kotlin", "First.kt", "FirstKt");
    with_maven(ws, project, &program, &COMPILER.replace("VERSION", version))
}

/// A project of a stranger.
const POM: &str =
    "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<groupId>org.example</groupId><artifactId>first</artifactId><version>1</version>
<properties>
  <maven.compiler.source>11</maven.compiler.source>
  <maven.compiler.target>11</maven.compiler.target>
  <kotlin.compiler.jvmTarget>11</kotlin.compiler.jvmTarget>
  <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
</properties>
<repositories><repository><id>packages</id><url>REPOSITORY</url></repository></repositories>
<dependencies><dependency>
  <groupId>dev.windlass</groupId><artifactId>windlass</artifactId><version>VERSION</version>
</dependency></dependencies>
BUILD</project>
";

/// A program in this language, file and class, in a project that takes the artifact from a repository.
fn with_maven(
    ws: &Workspace,
    project: (&str, &str, &str),
    program: &str,
    build: &str,
) -> Result<()> {
    tools::ensure(ws, &[MAVEN, JAVAC])?;
    let (sh, built, version) = (&ws.sh, packages(ws, "kotlin"), native::version(ws)?);
    let (language, file, class) = project;
    let elsewhere = sh.create_temp_dir()?;
    let repository = elsewhere.path().join("repository");
    let artifact = sh.create_dir(repository.join("dev/windlass/windlass").join(&version))?;
    let name = format!("windlass-{version}");
    sh.copy_file(built.join(format!("{name}.jar")), &artifact)?;
    sh.copy_file(built.join("pom.xml"), artifact.join(format!("{name}.pom")))?;
    // Not the user's own: what has a version there is never asked for again.
    let cache = sh.create_dir(ws.target.join("outside/maven"))?;
    sh.remove_path(cache.join("dev"))?;
    let _there = sh.push_dir(elsewhere.path());
    let url = format!("file://{}", repository.display());
    let pom = POM.replace("BUILD", build).replace("REPOSITORY", &url);
    // The last one, for that of the compiler is filled in.
    sh.write_file("pom.xml", pom.replace("VERSION", &version))?;
    sh.write_file(format!("src/main/{language}/{file}"), program)?;
    let compile = cmd!(sh, "mvn --batch-mode --no-transfer-progress compile");
    let compile = compile.arg("dependency:build-classpath").arg("-Dmdep.outputFile=dependencies");
    let compile = compile.arg(format!("-Dmaven.repo.local={}", cache.display()));
    ws.quietly(&format!("outside-{language}"), compile.env_remove("LD_LIBRARY_PATH"))?;
    let separator = if cfg!(windows) { ';' } else { ':' };
    let path = format!("target/classes{separator}{}", sh.read_file("dependencies")?.trim());
    let said = cmd!(sh, "java -cp {path} {class}").env_remove("LD_LIBRARY_PATH").read()?;
    expect(program, &said, "Ahoy!")
}

/// The tarball, by its path.
fn javascript(ws: &Workspace) -> Result<()> {
    let sh = &ws.sh;
    let tarball = files(sh, &packages(ws, "javascript"), "tgz")?.swap_remove(0);
    let program = sh.read_file("examples/javascript/first_conversation.js")?;
    let elsewhere = sh.create_temp_dir()?;
    let _there = sh.push_dir(elsewhere.path());
    sh.write_file("package.json", "{\"type\": \"module\"}\n")?;
    sh.write_file("first_conversation.js", &program)?;
    let install = cmd!(sh, "npm install --no-audit --no-fund {tarball}");
    ws.quietly("outside-javascript", install)?;
    let said = cmd!(sh, "node first_conversation.js").read()?;
    expect(&program, &said, "Ahoy!")
}

/// The sources that would be published, for a crate that asks for them by their path.
fn rust(ws: &Workspace) -> Result<()> {
    let (sh, name) = (&ws.sh, format!("windlass-{}", native::version(ws)?));
    let packed = packages(ws, "crate").join(format!("{name}.crate"));
    let readme = sh.read_file("README.md")?;
    let program = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    let program = program.context("the README shows no program in Rust")?;
    let elsewhere = sh.create_temp_dir()?;
    let _there = sh.push_dir(elsewhere.path());
    cmd!(sh, "tar -xzf {packed}").run()?;
    cmd!(sh, "cargo init --quiet --vcs none --name first stranger").run()?;
    let _inside = sh.push_dir("stranger");
    sh.write_file("src/main.rs", program)?;
    cmd!(sh, "cargo add --quiet --path ../{name} windlass").run()?;
    cmd!(sh, "cargo add --quiet tempfile").run()?;
    // What is compiled once is compiled for the next time too.
    let target = ws.target.join("outside/cargo");
    let said = cmd!(sh, "cargo run --quiet").env("CARGO_TARGET_DIR", target).read()?;
    expect(program, &said, "message")
}

/// Says how long the program is, and what it said, in which the word has to be.
fn expect(program: &str, said: &str, word: &str) -> Result<()> {
    let lines = program.lines().filter(|line| !line.trim().is_empty()).count();
    println!("{lines} lines to a first conversation: {said}");
    if !said.to_lowercase().contains(&word.to_lowercase()) {
        bail!("the program said nothing of {word}");
    }
    Ok(())
}
