//! What JavaScript keeps a store's files in: a folder of Node, or of the browser's private file system.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The files of one store, which nobody else has.
    pub type Place;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn path(this: &Place) -> String;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn exists(this: &Place, file: &str) -> Result<bool, JsValue>;
    /// Nothing if it is not there.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn open(this: &Place, file: &str) -> Result<Option<Handle>, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn create(this: &Place, file: &str) -> Result<Handle, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn publish(this: &Place) -> Result<(), JsValue>;

    /// An open file.
    pub type Handle;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn size(this: &Handle) -> Result<f64, JsValue>;
    /// How many bytes came.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn read(this: &Handle, to: &mut [u8], at: f64) -> Result<f64, JsValue>;
    /// How many bytes went.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn write(this: &Handle, from: &[u8], at: f64) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn truncate(this: &Handle, size: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn flush(this: &Handle) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn close(this: &Handle) -> Result<(), JsValue>;
}
