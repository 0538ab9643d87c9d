//! Files of pictures as shades of grey, without more memory than a code is worth.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{
    DynamicImage, GenericImageView as _, GrayImage, ImageDecoder as _, ImageError, ImageReader,
    Limits, Luma, Rgba,
};

use super::error::{MAX_PIXELS, QrError};

/// A side beyond this is no photograph, and the reader multiplies two of them.
const MAX_SIDE: u32 = 20_000;
/// Bytes that decoding a picture may take: four for each pixel.
const MAX_ALLOCATION: u64 = 4 * MAX_PIXELS + 1024 * 1024;
/// Side in pixels of a picture in which a code that takes a tenth of it still has three pixels for each module.
const LARGE_SIDE: u32 = 2_800;
/// Side in pixels of a picture that shows all that a code has.
const HANDY_SIDE: u32 = 1_400;
/// A picture with a side below this may have but a pixel for each module.
const SMALL_SIDE: u32 = 350;

fn too_large((width, height): (u32, u32)) -> QrError {
    QrError::TooLarge { width, height }
}

/// The size in the head of a PNG file, however large it is.
fn said_in_png(file: &[u8]) -> Option<(u32, u32)> {
    let head = file.strip_prefix(b"\x89PNG")?;
    let number = |at| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk()?));
    Some((number(12)?, number(16)?))
}

/// The picture in a PNG or JPEG file.
pub(super) fn decode(file: &[u8]) -> Result<DynamicImage, QrError> {
    let reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|_| QrError::Picture)?;
    let mut decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Limits(_) => said_in_png(file).map_or(QrError::Picture, too_large),
        _ => QrError::Picture,
    })?;
    let (width, height) = decoder.dimensions();
    let too_large = too_large((width, height));
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(too_large);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    if decoder.total_bytes() > MAX_ALLOCATION || decoder.set_limits(limits).is_err() {
        return Err(too_large);
    }
    DynamicImage::from_decoder(decoder).map_err(|error| match error {
        ImageError::Limits(_) => too_large,
        _ => QrError::Picture,
    })
}

/// What the picture may lie on: nothing shows through most; transparent paper looks white, and behind white ink it is black.
pub(super) fn grounds(picture: &DynamicImage) -> &'static [u8] {
    let seen_through = |(_, _, Rgba([.., alpha])): (u32, u32, Rgba<u8>)| alpha < 255;
    if picture.color().has_alpha() && picture.pixels().any(seen_through) {
        &[255, 0]
    } else {
        &[255]
    }
}

/// The picture in shades of grey as it looks on a ground, with sides of at most 2,800 pixels.
pub(super) fn grey(picture: &DynamicImage, ground: u8) -> GrayImage {
    let (width, height) = picture.dimensions();
    let factor = width.max(height).div_ceil(LARGE_SIDE).max(1);
    let seen = |x, y| {
        let Rgba([red, green, blue, alpha]) = picture.get_pixel(x, y);
        let [red, green, blue] = [red, green, blue].map(u32::from);
        // Brightness as ITU-R BT.709 weighs the colours.
        let bright = (2126 * red + 7152 * green + 722 * blue) / 10_000;
        let alpha = u32::from(alpha);
        (bright * alpha + u32::from(ground) * (255 - alpha)) / 255
    };
    GrayImage::from_fn(width.div_ceil(factor), height.div_ceil(factor), |x, y| {
        let across = (x * factor)..(x * factor + factor).min(width);
        let down = (y * factor)..(y * factor + factor).min(height);
        let count = (across.len() * down.len()).max(1) as u32;
        let sum: u32 = down
            .flat_map(|y| across.clone().map(move |x| (x, y)))
            .map(|(x, y)| seen(x, y))
            .sum();
        Luma([(sum / count) as u8])
    })
}

/// The picture itself, or a smaller one that still shows all.
pub(super) fn handy(picture: &GrayImage) -> Option<GrayImage> {
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    let scaled = |length: u32| (length * HANDY_SIDE / side).max(1);
    (side > HANDY_SIDE)
        .then(|| imageops::resize(picture, scaled(width), scaled(height), FilterType::Triangle))
}

/// Four pixels for each of a small picture, with a margin: a code may fill it to its edges.
pub(super) fn enlarged(picture: &GrayImage) -> Option<GrayImage> {
    const FACTOR: u32 = 4;
    const MARGIN: u32 = 16;
    let (width, height) = picture.dimensions();
    let around = picture.get_pixel_checked(0, 0).copied()?;
    (width.max(height) < SMALL_SIDE).then(|| {
        GrayImage::from_fn(
            width * FACTOR + 2 * MARGIN,
            height * FACTOR + 2 * MARGIN,
            |x, y| {
                let inside = |at: u32| Some(at.checked_sub(MARGIN)? / FACTOR);
                let pixel = inside(x).zip(inside(y));
                let pixel = pixel.and_then(|(x, y)| picture.get_pixel_checked(x, y).copied());
                pixel.unwrap_or(around)
            },
        )
    })
}

/// The picture with sides of half the length.
pub(super) fn halved(picture: &GrayImage) -> GrayImage {
    let half = |length: u32| (length / 2).max(1);
    let (width, height) = (half(picture.width()), half(picture.height()));
    imageops::resize(picture, width, height, FilterType::Triangle)
}

/// The picture with each pixel compared with those around it: what is pale beside something crisp, or in the shade, is as clear as the rest.
pub(super) fn evened(picture: &GrayImage) -> GrayImage {
    const GAIN: i64 = 8;
    let (width, height) = picture.dimensions();
    let reach = (width.max(height) / 16).max(4);
    // For each corner between pixels the sum of all that is above and to the left of it.
    let columns = width as usize + 1;
    let mut sums = vec![0u64; columns];
    for row in picture.rows() {
        let above = sums.len() - columns;
        let mut left = 0;
        sums.push(0);
        for (x, Luma([grey])) in row.enumerate() {
            left += u64::from(*grey);
            sums.push(left + sums.get(above + x + 1).copied().unwrap_or_default());
        }
    }
    let sum = |x: u32, y: u32| {
        let at = y as usize * columns + x as usize;
        sums.get(at).copied().unwrap_or_default()
    };
    GrayImage::from_fn(width, height, |x, y| {
        let (left, right) = (x.saturating_sub(reach), (x + reach).min(width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach).min(height));
        let around = sum(right, bottom) + sum(left, top) - sum(left, bottom) - sum(right, top);
        let count = u64::from(right - left) * u64::from(bottom - top);
        let mean = (around / count.max(1)) as i64;
        let Luma([grey]) = *picture.get_pixel(x, y);
        Luma([((i64::from(grey) - mean) * GAIN + 128).clamp(0, 255) as u8])
    })
}

/// The picture with the darkest and the lightest hundredth of it made black and white.
pub(super) fn stretched(picture: &GrayImage) -> GrayImage {
    let mut counts = [0u64; 256];
    for Luma([grey]) in picture.pixels() {
        if let Some(count) = counts.get_mut(usize::from(*grey)) {
            *count += 1;
        }
    }
    let hundredth = picture.pixels().len() as u64 / 100;
    let low = first_beyond(hundredth, counts.iter().enumerate());
    let high = first_beyond(hundredth, counts.iter().enumerate().rev()).max(low + 1);
    let mut clear = picture.clone();
    for Luma([grey]) in clear.pixels_mut() {
        let stretched = (i32::from(*grey) - low) * 255 / (high - low);
        *grey = stretched.clamp(0, 255) as u8;
    }
    clear
}

/// The first grey behind which more pixels than so many lie.
fn first_beyond<'a>(pixels: u64, mut greys: impl Iterator<Item = (usize, &'a u64)>) -> i32 {
    let mut seen = 0;
    let found = greys.find(|(_, count)| {
        seen += **count;
        seen > pixels
    });
    found.map_or(0, |(grey, _)| grey as i32)
}
