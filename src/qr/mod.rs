//! QR codes: drawing a text, and reading a picture. Both by kept libraries; here is only how they are called.

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageFormat, ImageReader, Limits, Luma};
use qrcode::render::{svg, unicode};
use qrcode::{Color, EcLevel, QrCode};
use std::io::Cursor;

/// White modules around a code; readers want four (ISO/IEC 18004 §5.3.8).
const QUIET_ZONE: usize = 4;
/// Pixels for each module of a PNG.
const SCALE: usize = 8;
/// How long each of several codes is shown: a camera sees twenty pictures in it.
const SECONDS_PER_CODE: f64 = 0.7;
/// A picture larger than this on a side is no photograph of a code but an attack on memory.
const MAX_PICTURE_SIDE: u32 = 10_000;
/// Side in pixels of a picture that shows all that a code has.
const HANDY_SIDE: u32 = 1_400;
/// Bytes that decoding a picture may take.
const MAX_PICTURE_ALLOCATION: u64 = 256 * 1024 * 1024;

/// Why there is no code, or no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// The text does not fit a code.
    #[error("the text is too long for a QR code")]
    TooLong,
    /// The picture is no PNG or JPEG, damaged, or too large.
    #[error("the picture is not a readable PNG or JPEG")]
    Picture,
    /// No code was found, or it is too blurred or damaged.
    #[error("there is no readable QR code in the picture; come closer, or hold it straight")]
    NoCode,
}

fn code(text: &str) -> Result<QrCode, QrError> {
    QrCode::with_error_correction_level(text, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .map_err(|_| QrError::TooLong)
}

/// One code or several that follow each other, as an SVG document: black on white, or light on dark. Either has a quiet zone of its
/// own, so that it can be read on any page.
pub fn svg(texts: &[String], dark: bool) -> Result<String, QrError> {
    let codes = texts
        .iter()
        .map(|text| code(text))
        .collect::<Result<Vec<_>, _>>()?;
    // The longest decides, so that a set has one size.
    let version = codes
        .iter()
        .map(QrCode::version)
        .max_by_key(|version| version.width());
    let mut pictures = Vec::with_capacity(texts.len());
    for (text, code) in texts.iter().zip(codes) {
        let code = match version {
            Some(version) if version != code.version() => {
                QrCode::with_version(text, version, code.error_correction_level())
                    .map_err(|_| QrError::TooLong)?
            }
            _ => code,
        };
        let (paper, ink) = if dark {
            ("#000", "#fff")
        } else {
            ("#fff", "#000")
        };
        let picture = code
            .render()
            .quiet_zone(true)
            .min_dimensions(256, 256)
            .light_color(svg::Color(paper))
            .dark_color(svg::Color(ink))
            .build();
        pictures.push(picture);
    }
    match pictures.as_slice() {
        [one] => Ok(one.clone()),
        several => Ok(animated(several)),
    }
}

/// Pictures of one size as one that shows them in turn.
fn animated(pictures: &[String]) -> String {
    let head = r#"<?xml version="1.0" standalone="yes"?>"#;
    // Without the declaration a document can stand inside another.
    let inner = |picture: &str| {
        picture
            .split_once("?>")
            .map_or(picture, |(_, rest)| rest)
            .to_owned()
    };
    let size = pictures.first().and_then(|picture| {
        let start = picture.find("viewBox=")?;
        picture.get(start..)?.split('>').next()
    });
    let count = pictures.len();
    let seconds = count as f64 * SECONDS_PER_CODE;
    let mut all = format!(
        r#"{head}<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="100%" {}>"#,
        size.unwrap_or_default()
    );
    for (at, picture) in pictures.iter().enumerate() {
        let shown = |other: usize| if other == at { "inline" } else { "none" };
        let values: Vec<_> = (0..count).map(shown).collect();
        let values = values.join(";");
        all += &format!(
            r#"<g display="{}">{}<animate attributeName="display" calcMode="discrete" dur="{seconds}s" repeatCount="indefinite" values="{values}"/></g>"#,
            shown(0),
            inner(picture)
        );
    }
    all + "</svg>"
}

/// The code as text for a terminal, two modules to a character. What is light on the paper is drawn in blocks for a terminal with a
/// dark background, what is dark for one with a light background; so a reader sees dark on light on both.
pub fn terminal(text: &str, dark: bool) -> Result<String, QrError> {
    let (block, blank) = (unicode::Dense1x2::Dark, unicode::Dense1x2::Light);
    let (ink, paper) = if dark { (blank, block) } else { (block, blank) };
    Ok(code(text)?
        .render::<unicode::Dense1x2>()
        .quiet_zone(true)
        .dark_color(ink)
        .light_color(paper)
        .build())
}

/// The code as a PNG, black on white, or light on dark.
pub fn png(text: &str, dark: bool) -> Result<Vec<u8>, QrError> {
    let code = code(text)?;
    let width = code.width();
    let colors = code.to_colors();
    let is_ink = |x: usize, y: usize| {
        let (x, y) = (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE));
        match (x, y) {
            (Some(x), Some(y)) if x < width && y < width => {
                colors.get(y * width + x) == Some(&Color::Dark)
            }
            _ => false,
        }
    };
    let side = u32::try_from((width + 2 * QUIET_ZONE) * SCALE).map_err(|_| QrError::TooLong)?;
    let picture = image::ImageBuffer::from_fn(side, side, |x, y| {
        let module = |at: u32| at as usize / SCALE;
        Luma([if is_ink(module(x), module(y)) == dark {
            255u8
        } else {
            0
        }])
    });
    let mut bytes = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .map_err(|_| QrError::TooLong)?;
    Ok(bytes)
}

/// The texts of all codes in a PNG or JPEG picture, light on dark ones too; at least one.
pub fn read_picture(picture: &[u8]) -> Result<Vec<String>, QrError> {
    let mut reader = ImageReader::new(Cursor::new(picture))
        .with_guessed_format()
        .map_err(|_| QrError::Picture)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PICTURE_SIDE);
    limits.max_image_height = Some(MAX_PICTURE_SIDE);
    limits.max_alloc = Some(MAX_PICTURE_ALLOCATION);
    reader.limits(limits);
    let picture = reader.decode().map_err(|_| QrError::Picture)?.to_luma8();
    let found = texts(&picture);
    if !found.is_empty() {
        return Ok(found);
    }
    // A photograph may be pale, noisy or out of focus: each of these is tried on a picture of a handy size.
    let side = picture.width().max(picture.height()).max(1);
    let handy = if side > HANDY_SIDE {
        let scaled = |length: u32| (length * HANDY_SIDE / side).max(1);
        let (width, height) = (scaled(picture.width()), scaled(picture.height()));
        imageops::resize(&picture, width, height, FilterType::Triangle)
    } else {
        picture
    };
    let clear = stretched(&handy);
    let half = |length: u32| (length / 2).max(1);
    let attempts: [&dyn Fn() -> GrayImage; 5] = [
        &|| clear.clone(),
        &|| stretched(&imageops::fast_blur(&clear, 1.5)),
        &|| stretched(&imageops::unsharpen(&clear, 4.0, 0)),
        &|| {
            stretched(&imageops::unsharpen(
                &imageops::unsharpen(&clear, 6.0, 0),
                3.0,
                0,
            ))
        },
        &|| {
            imageops::resize(
                &clear,
                half(clear.width()),
                half(clear.height()),
                FilterType::Triangle,
            )
        },
    ];
    let found = attempts.into_iter().map(|attempt| texts(&attempt()));
    found
        .into_iter()
        .find(|texts| !texts.is_empty())
        .ok_or(QrError::NoCode)
}

/// The texts of all codes in a picture, dark on light ones or else light on dark ones.
fn texts(picture: &GrayImage) -> Vec<String> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let read = |inverted: bool| -> Vec<String> {
        let pixel = |x: usize, y: usize| {
            let Luma([grey]) = *picture.get_pixel(x as u32, y as u32);
            if inverted { 255 - grey } else { grey }
        };
        rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel)
            .detect_grids()
            .iter()
            .filter_map(|grid| Some(grid.decode().ok()?.1))
            .collect()
    };
    let found = read(false);
    if found.is_empty() { read(true) } else { found }
}

/// The picture with the darkest and the lightest hundredth of it made black and white.
fn stretched(picture: &GrayImage) -> GrayImage {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_code_is_read_back() {
        let text = format!("WINDLASS:B{}", "ABCDEFG234567".repeat(25));
        let read = read_picture(&png(&text, false).unwrap()).unwrap();
        assert_eq!(read, std::slice::from_ref(&text));
        assert!(
            svg(std::slice::from_ref(&text), false)
                .unwrap()
                .starts_with("<?xml")
        );
        assert!(terminal(&text, true).unwrap().lines().count() > 20);
    }

    #[test]
    fn what_is_no_picture_or_shows_no_code_is_told_apart() {
        assert_eq!(read_picture(b"text"), Err(QrError::Picture));
        assert_eq!(read_picture(b""), Err(QrError::Picture));
        let mut blank = Vec::new();
        image::GrayImage::from_pixel(100, 100, Luma([255]))
            .write_to(&mut Cursor::new(&mut blank), ImageFormat::Png)
            .unwrap();
        assert_eq!(read_picture(&blank), Err(QrError::NoCode));
        assert_eq!(svg(&["x".repeat(10_000)], false), Err(QrError::TooLong));
    }
}
