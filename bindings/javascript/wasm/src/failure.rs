//! Errors: an `Error` with the code of the one table, whether to try again, and what to do.

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;
use windlass::{WindlassError, error_info};

use crate::values::ToJs;

/// What a call that may refuse answers.
pub(crate) type Answer = Result<JsValue, JsValue>;

/// The error that JavaScript sees; the package makes one of its classes of it.
pub(crate) fn thrown(error: WindlassError) -> JsValue {
    let code = error.code();
    let thrown = Error::new(&error.to_string());
    let info = error_info(&code);
    let (retry, advice) = info.map_or((false, String::new()), |info| (info.retry, info.advice));
    for (name, value) in [
        ("code", code.to_js()),
        ("retry", retry.to_js()),
        ("advice", advice.to_js()),
    ] {
        // A new error refuses no property.
        let _ = Reflect::set(&thrown, &name.into(), &value);
    }
    thrown.into()
}

/// The answer of the core as JavaScript's.
pub(crate) fn answer<T: ToJs>(done: windlass::Result<T>) -> Answer {
    done.map(ToJs::to_js).map_err(thrown)
}
