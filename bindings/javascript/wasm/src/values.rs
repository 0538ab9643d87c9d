//! From the core's values to those of JavaScript.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use js_sys::{Array, Date, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use windlass::Bytes;

/// A value that JavaScript can have.
pub(crate) trait ToJs {
    /// Its copy there.
    fn to_js(self) -> JsValue;
}

/// An object that is being filled.
pub(crate) struct Record(Object);

impl Record {
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    /// Sets the property of a field of Rust, under the name it has in JavaScript.
    pub(crate) fn with(self, field: &str, value: impl ToJs) -> Self {
        // A new object refuses no property.
        let _ = Reflect::set(&self.0, &camel(field).into(), &value.to_js());
        self
    }
}

impl ToJs for Record {
    fn to_js(self) -> JsValue {
        self.0.into()
    }
}

/// `group_name` and `GroupName` are both `groupName`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        match character {
            '_' => upper = true,
            first if camel.is_empty() => camel.push(first.to_ascii_lowercase()),
            next if upper => {
                camel.push(next.to_ascii_uppercase());
                upper = false;
            }
            other => camel.push(other),
        }
    }
    camel
}

impl ToJs for JsValue {
    fn to_js(self) -> JsValue {
        self
    }
}

impl ToJs for () {
    fn to_js(self) -> JsValue {
        JsValue::UNDEFINED
    }
}

impl ToJs for bool {
    fn to_js(self) -> JsValue {
        self.into()
    }
}

impl ToJs for u32 {
    fn to_js(self) -> JsValue {
        self.into()
    }
}

/// Numbers count what is in one store: none reaches 2^53.
impl ToJs for u64 {
    #[allow(clippy::cast_precision_loss)]
    fn to_js(self) -> JsValue {
        (self as f64).into()
    }
}

impl ToJs for String {
    fn to_js(self) -> JsValue {
        self.into()
    }
}

impl ToJs for &str {
    fn to_js(self) -> JsValue {
        self.into()
    }
}

impl ToJs for Bytes {
    fn to_js(self) -> JsValue {
        Uint8Array::from(&*self).into()
    }
}

impl ToJs for SystemTime {
    fn to_js(self) -> JsValue {
        let since = self.duration_since(UNIX_EPOCH).unwrap_or_default();
        Date::new(&milliseconds(since).into()).into()
    }
}

/// In milliseconds, as everywhere in JavaScript.
impl ToJs for Duration {
    fn to_js(self) -> JsValue {
        milliseconds(self).into()
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round()
}

impl<T: ToJs> ToJs for Option<T> {
    fn to_js(self) -> JsValue {
        self.map_or(JsValue::NULL, ToJs::to_js)
    }
}

impl<T: ToJs> ToJs for Vec<T> {
    fn to_js(self) -> JsValue {
        self.into_iter().map(ToJs::to_js).collect::<Array>().into()
    }
}
