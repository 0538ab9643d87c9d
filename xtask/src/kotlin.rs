//! The Kotlin module, through Maven.

use std::env::consts::{ARCH, OS};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Result, bail};
use xshell::{Cmd, cmd};

use crate::interpreters::interpreter;
use crate::tools::{self, JAVAC, MAVEN, MOSQUITTO, POSTGRESQL};
use crate::workspace::{Workspace, files, update};
use crate::{codes, native, python, reproducible, sbom};

/// Builds the module and runs its tests on a real JVM.
pub fn test(ws: &Workspace) -> Result<()> {
    prepare(ws)?;
    for server in [MOSQUITTO, POSTGRESQL] {
        if let Err(reason) = tools::ensure(ws, &[server]) {
            // The tests that need it say so too; with CI set they fail.
            println!("{reason:#}");
        }
    }
    let codes = codes::folder(ws, "kotlin")?;
    maven(ws, mvn(ws).arg("test").env("WINDLASS_CODES", codes))?;
    codes::check(ws, "kotlin")
}

/// Builds the jar with the native libraries inside, and beside it those of the sources and the documentation; the tests ran with `test`.
pub fn jars(ws: &Workspace) -> Result<Vec<PathBuf>> {
    let (sh, built) = (&ws.sh, ws.bindings("kotlin").join("target"));
    sh.remove_path(built.join("native"))?;
    // What is built for older systems takes the place of what is built for this one.
    let natives = ws.target.join("natives");
    let kept = natives.join(platform()).join(native::library_name());
    let library = if sh.path_exists(&kept) { kept } else { native::shared_library(ws)? };
    prepare_with(ws, &library)?;
    if sh.path_exists(&natives) {
        python::copy(ws, &natives, &built.join("native"))?;
    }
    let bill = sbom::write(ws, &native::host(ws)?)?;
    let beside = sh.create_dir(built.join("native/META-INF/sbom"))?;
    sh.copy_file(bill, beside)?;
    for old in files(sh, &built, "jar").unwrap_or_default() {
        sh.remove_path(old)?;
    }
    let moment = format!("-Dproject.build.outputTimestamp={}", reproducible::epoch(ws));
    maven(ws, mvn(ws).args(["package", "-DskipTests", "-Prelease"]).arg(moment))?;
    let jars = files(sh, &built, "jar")?;
    let (python, named) = (interpreter(ws)?, &jars);
    cmd!(sh, "{python} -c {COMPLETE} {named...}").quiet().run()?;
    // The tests are built with what is published only.
    sh.remove_path(built.join("native/META-INF"))?;
    Ok(jars)
}

/// What is written for us is read by users as our own is: in the sources, and in the documentation.
const COMPLETE: &str = "
import sys, zipfile
wanted = {'-sources': 'dev/windlass/windlass.kt', '-javadoc': 'dev/windlass/Client.html', '': 'dev/windlass/Client.class'}
for kind, name in wanted.items():
    jars = [jar for jar in sys.argv[1:] if jar.endswith(f'{kind}.jar')]
    if not any(name in zipfile.ZipFile(jar).namelist() for jar in jars):
        sys.exit(f'{name} is in none of {jars}')
";

/// Puts the generated code and the native library where `pom.xml` looks for them.
fn prepare(ws: &Workspace) -> Result<()> {
    prepare_with(ws, &native::shared_library(ws)?)
}

fn prepare_with(ws: &Workspace, library: &Path) -> Result<()> {
    tools::ensure(ws, &[MAVEN, JAVAC])?;
    let built = ws.bindings("kotlin").join("target");
    // Maven leaves the classes of code that is gone, and the shrinker stumbles over them.
    for former in ["classes", "test-classes"] {
        ws.sh.remove_path(built.join(former))?;
    }
    let generated = native::generate(ws, library, "kotlin", built.join("generated"))?;
    let code = generated.join("dev/windlass/windlass.kt");
    let_say_nothing_of_what_is_public(&code)?;
    let_close_close(&code)?;
    let_refusals_have_a_code(&code)?;
    let_nothing_print_text(&code)?;
    let resources = built.join("native").join(platform());
    update(ws, library, &resources.join(native::library_name()))
}

/// JNA's name for this machine, under which it looks for a library among a jar's resources.
pub fn platform() -> String {
    let system = OS.replace("macos", "darwin").replace("windows", "win32");
    format!("{system}-{}", ARCH.replace('_', "-"))
}

/// What the compiler asks of our own code alone: to say what is public, and of which type.
const EXCUSED: &str = "@file:Suppress(\"NAME_SHADOWING\", \
    \"NO_EXPLICIT_VISIBILITY_IN_API_MODE_WARNING\", \"NO_EXPLICIT_RETURN_TYPE_IN_API_MODE_WARNING\")";

fn let_say_nothing_of_what_is_public(file: &Path) -> Result<()> {
    let (code, own) = (fs::read_to_string(file)?, "@file:Suppress(\"NAME_SHADOWING\")");
    if code.matches(own).count() != 1 {
        bail!("the generator writes {own} another way now");
    }
    Ok(fs::write(file, code.replace(own, EXCUSED))?)
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

/// What the generator's own code refuses before a call reaches Rust, and what it is to throw instead.
const REFUSALS: [(&str, &str); 2] = [
    (
        "            encode(CharBuffer.wrap(value))\n",
        "            try {
                encode(CharBuffer.wrap(value))
            } catch (_: java.nio.charset.CharacterCodingException) {
                // Without its cause, which names the place in it.
                throw WindlassException.InvalidContent(\"a text ends or goes on in the middle of a character\")
            }\n",
    ),
    (
        "throw IllegalArgumentException(\"Invalid duration, must be non-negative\")",
        "throw WindlassException.InvalidContent(\"a time is negative\")",
    ),
];

/// Strings of Java may hold halves of characters, and times may be negative. Both are refused as everything else is: by an error of the
/// hierarchy, with a code.
fn let_refusals_have_a_code(file: &Path) -> Result<()> {
    let mut code = fs::read_to_string(file)?;
    for (own, ours) in REFUSALS {
        if code.matches(own).count() != 1 {
            bail!("the generator writes {own} another way now");
        }
        code = code.replace(own, ours);
    }
    Ok(fs::write(file, code)?)
}

/// Classes with what people wrote, or with what opens something; `Printing.kt` says how they are printed.
const DISCREET: [&str; 23] = [
    "data class Message (",
    "data class Reaction (",
    "data class AttachmentInfo (",
    "data class GroupChange (",
    "data class ConversationSummary (",
    "data class Profile (",
    "data class ListedConversation (",
    "data class ChatSettings (",
    "data class TypedCommand (",
    "data class CodeProgress (",
    "data class LinkCheck (",
    "data class InvitationLink (",
    "data class PendingLink (",
    "data class PeekedMessage (",
    "data class OutgoingEnvelope (",
    "data class RichText (",
    "data class LinkPreview (",
    "data class TextRun (",
    "    data class Text(",
    "    data class Data(",
    "    data class Opaque(",
    "    data class Reacted(",
    "    data class GroupInvitation(",
];

/// Those with bytes, which two arrays of Java never share; and what they are called.
const OF_BYTES: [(&str, &str); 7] = [
    ("data class OutgoingEnvelope (", "OutgoingEnvelope"),
    ("data class StateChange (", "StateChange"),
    ("data class StateDocument (", "StateDocument"),
    ("data class Profile (", "Profile"),
    ("data class LinkPreview (", "LinkPreview"),
    ("    data class Data(", "Data"),
    ("    data class Opaque(", "Opaque"),
];

/// A log that quotes a message says nothing of what it says; and what has the same bytes is the same.
fn let_nothing_print_text(file: &Path) -> Result<()> {
    let mut code = fs::read_to_string(file)?;
    for class in DISCREET {
        let_class_have(&mut code, class, "override fun toString(): String = shown()")?;
    }
    for (class, name) in OF_BYTES {
        let same = format!(
            "override fun equals(other: Any?): Boolean = other is {name} && sameAs(other)
    override fun hashCode(): Int = hashed()"
        );
        let_class_have(&mut code, class, &same)?;
    }
    Ok(fs::write(file, code)?)
}

/// Puts members into a generated class.
fn let_class_have(code: &mut String, class: &str, members: &str) -> Result<()> {
    let start = format!("\n{class}");
    let mut found = code.match_indices(&start).map(|(at, _)| at);
    let (Some(at), None) = (found.next(), found.next()) else {
        bail!("the generator writes {class} another way now");
    };
    // The body of a variant begins in a line of its own.
    let open = if class.starts_with(' ') { "\n    {\n" } else { "\n){\n" };
    let body = code.get(at..).and_then(|rest| rest.find(open)).map(|rest| at + rest + open.len());
    let Some(body) = body else {
        bail!("the generator writes the body of {class} another way now");
    };
    code.insert_str(body, &format!("    {members}\n"));
    Ok(())
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
pub fn talk(ws: &Workspace, folder: &Path) -> Result<()> {
    let talk = mvn(ws).args(["--offline", "-Dtest=TalkTest", "surefire:test"]);
    ws.quietly("talk-kotlin", talk.env("WINDLASS_TALK", folder))?;
    Ok(())
}

/// The class path of the tests, where they were built: a test of another language starts a program of theirs.
pub fn class_path(ws: &Workspace) -> Result<Option<OsString>> {
    let built = ws.bindings("kotlin").join("target");
    let [classes, tests] = ["classes", "test-classes"].map(|folder| built.join(folder));
    if !ws.sh.path_exists(tests.join("dev/windlass/PageBotKt.class")) {
        return Ok(None);
    }
    let list = ws.target.join("kotlin-class-path");
    let resolve = mvn(ws).args(["dependency:build-classpath", "-DincludeScope=test"]);
    let resolve = resolve.arg(format!("-Dmdep.outputFile={}", list.display()));
    ws.quietly("kotlin-class-path", resolve)?;
    let others = ws.sh.read_file(list)?;
    let others = env::split_paths(others.trim());
    Ok(Some(env::join_paths([classes, tests].into_iter().chain(others))?))
}

fn mvn(ws: &Workspace) -> Cmd<'_> {
    let flags = ["--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", "--file"];
    let mvn = ws.sh.cmd("mvn").args(flags).arg(ws.bindings("kotlin").join("pom.xml"));
    // Cargo sets the variable for its own programs; JNA would look there first.
    mvn.env_remove("LD_LIBRARY_PATH")
}

/// Maven says a lot. Shown are its warnings, its errors and the counts of the tests; the log has the rest.
fn maven(ws: &Workspace, command: Cmd<'_>) -> Result<()> {
    let shown = ["[ERROR]", "[WARNING]", "[INFO] Tests run:", "[INFO] BUILD "];
    for line in ws.quietly("kotlin", command)?.lines() {
        if shown.iter().any(|start| line.starts_with(start)) {
            println!("{line}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_put_into_the_class_that_is_named_and_into_no_other() {
        let code = "\ndata class A (\n    val `a`: Int\n){\n}\n\nsealed class S {\n    data class B(\n        val `b`: Int) : S()\n        \n    {\n    }\n}\n";
        let mut changed = code.to_owned();
        for class in ["data class A (", "    data class B("] {
            let_class_have(&mut changed, class, "fun f() = 1").unwrap();
        }
        assert_eq!(changed.matches("    fun f() = 1\n").count(), 2);
        assert_eq!(changed.replace("    fun f() = 1\n", ""), code);
        assert!(changed.contains("){\n    fun f() = 1\n}"));
        assert!(let_class_have(&mut changed, "data class C (", "").is_err());
    }
}
