//! Drawing a text as a code: for a page, a terminal, a file.

use std::io::Cursor;

use image::{ImageFormat, Luma};
use qrcode::render::{svg, unicode};
use qrcode::{Color, EcLevel, QrCode};

use super::error::QrError;

/// White modules around a code; readers want four (ISO/IEC 18004 §5.3.8).
const QUIET_ZONE: usize = 4;
/// Pixels for each module of a PNG.
const SCALE: usize = 8;
/// How long each of several codes is shown: a camera sees twenty pictures in it.
const SECONDS_PER_CODE: f64 = 0.7;

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
