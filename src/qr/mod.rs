//! QR codes: drawing a text, and reading a picture. Both by kept libraries; here is how they are called, and how much they may do.

mod draw;
mod error;
mod picture;
mod read;
mod rings;
#[cfg(test)]
mod tests;
mod work;

pub use draw::{png, svg, terminal};
pub use error::QrError;
pub use read::{read_picture, read_until};
