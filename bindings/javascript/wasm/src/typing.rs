//! What people type.

use wasm_bindgen::prelude::*;

use crate::values::ToJs;

/// The text by which two texts are compared.
#[wasm_bindgen(js_name = foldText)]
#[must_use]
pub fn fold_text(text: &str) -> String {
    windlass::fold_text(text)
}

/// A text as a command.
#[wasm_bindgen(js_name = readCommand)]
#[must_use]
pub fn read_command(text: &str, prefix: &str) -> JsValue {
    windlass::read_command(text, prefix).to_js()
}

/// A typed number.
#[wasm_bindgen(js_name = readNumber)]
#[must_use]
pub fn read_number(text: &str) -> JsValue {
    windlass::read_number(text).to_js()
}

/// An emoji in its one form.
#[wasm_bindgen(js_name = readEmoji)]
#[must_use]
pub fn read_emoji(text: &str) -> JsValue {
    windlass::read_emoji(text).to_js()
}
