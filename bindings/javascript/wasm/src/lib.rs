//! The core of Windlass for JavaScript: plain values in, plain values out.
//!
//! Whatever a call takes or gives can be copied to another thread of JavaScript: strings, numbers, dates, `Uint8Array`, and objects and
//! arrays of these. The one thing that stays here is the client. What a developer sees is the package around it, which checks what is
//! handed over; nothing here is called by anybody else.

mod attachments;
mod chats;
mod client;
mod events;
mod failure;
mod files;
mod folder;
mod given;
mod groups;
mod hand_over;
mod link;
mod outside;
mod people;
mod records;
mod rich_text;
mod scheduled;
mod session;
mod settings;
mod simulation;
mod states;
mod typing;
mod values;

/// Of a test alone: see `vectors`.
#[cfg(feature = "vectors")]
#[path = "../../../../tests/vectors/evaluate/mod.rs"]
#[allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod evaluate;
#[cfg(feature = "vectors")]
mod support;
#[cfg(feature = "vectors")]
mod vectors;

use wasm_bindgen::prelude::*;

use crate::values::ToJs;

/// Every error there is, as the one table of the core has them.
#[wasm_bindgen]
#[must_use]
pub fn errors() -> JsValue {
    windlass::errors().to_js()
}
