//! Why there is no code, or no text.

/// Phones take pictures of up to 64 million pixels by themselves; what has more is mostly made to fill memory.
pub(super) const MAX_PIXELS: u64 = 67_000_000;

/// Why there is no code, or no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// The text does not fit a code.
    #[error("the text is too long for a QR code")]
    TooLong,
    /// The picture is no PNG or JPEG, or damaged.
    #[error("the picture is not a readable PNG or JPEG")]
    Picture,
    /// A picture that would take more memory than a code is worth.
    #[error(
        "the picture is too large: {width} by {height} pixels; up to {} million are read",
        MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// No code was found, or it is too blurred or damaged.
    #[error("there is no readable QR code in the picture; come closer, or hold it straight")]
    NoCode,
}
