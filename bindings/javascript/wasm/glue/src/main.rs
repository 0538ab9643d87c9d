//! `windlass-glue CORE FOLDER`: the core with the JavaScript that calls it and its types, into a folder.

use anyhow::{Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [core, folder] = arguments.as_slice() else {
        bail!("windlass-glue CORE FOLDER");
    };
    let mut glue = Bindgen::new();
    glue.input_path(core).web(true)?.typescript(true);
    // In a browser the JavaScript finds the core beside itself.
    glue.omit_default_module_path(false);
    glue.remove_name_section(true).out_name("windlass");
    glue.generate(folder)
}
