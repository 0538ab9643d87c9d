//! The entry of a test alone: the cases of a file of `tests/vectors`, computed by this core where JavaScript runs. They take and give raw keys, so
//! nothing that ships is built with it.

use serde_json::Value;
use wasm_bindgen::prelude::*;

use crate::evaluate::evaluate;

/// For each case of the file of this kind its name, and what came out if that is not what the file says. The files have numbers up to 2^62: none of it
/// goes through a number of JavaScript.
#[wasm_bindgen(js_name = walkVectors)]
pub fn walk_vectors(kind: &str, file: &str) -> Result<Vec<String>, JsError> {
    let file: Value = serde_json::from_str(file)?;
    let cases = file.get("cases").and_then(Value::as_array);
    let cases = cases.ok_or_else(|| JsError::new("no cases"))?;
    let walked = |case: &Value| {
        let part = |name| case.get(name).unwrap_or(&Value::Null);
        let found = evaluate(kind, part("input"));
        let name = part("name").as_str().unwrap_or_default();
        if found == *part("expect") {
            name.to_owned()
        } else {
            format!("{name} gives {found}")
        }
    };
    Ok(cases.iter().map(walked).collect())
}
