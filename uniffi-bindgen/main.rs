//! The bindings generator of this crate.

fn main() {
    uniffi::uniffi_bindgen_main();
}
