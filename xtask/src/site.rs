//! The documentation as one site of static pages, which fetches nothing from other hosts.

use anyhow::Result;
use xshell::cmd;

use crate::workspace::Workspace;
use crate::{lint, python};

/// What puts the pages together and checks their links.
const BUILD: &str = "docs/site/build.py";
/// MkDocs and what it needs, pinned.
const REQUIREMENTS: &str = "docs/site/requirements.txt";
/// Draws the diagrams of the RFC in the browser: of the version that the theme dresses.
const MERMAID: &str = "mermaid@11.16.0";

/// Builds the reference of the Rust crate, then the site into `target/site`.
pub fn build(ws: &Workspace) -> Result<()> {
    lint::docs(ws)?;
    let sh = &ws.sh;
    let kept = ws.target.join(MERMAID);
    let mermaid = kept.join("package/dist/mermaid.min.js");
    if !sh.path_exists(&mermaid) {
        let folder = sh.create_dir(kept)?;
        let pack = cmd!(sh, "npm pack --silent --pack-destination {folder} {MERMAID}");
        let packed = folder.join(pack.read()?.trim());
        cmd!(sh, "tar -xzf {packed} -C {folder} package/dist/mermaid.min.js").run()?;
    }
    let python = python::environment(ws, "site", &["-r".as_ref(), REQUIREMENTS.as_ref()])?;
    let folder = ws.target.join("site");
    // The tool says at each call that its successor is coming.
    let site = cmd!(sh, "{python} {BUILD} {folder} {mermaid}").env("NO_MKDOCS_2_WARNING", "1");
    // It imports what lies beside it.
    Ok(site.env_remove("PYTHONSAFEPATH").run()?)
}
