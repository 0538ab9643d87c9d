//! Reading the codes in a picture: first as it is, then in the ways in which a photograph can be bad.

use image::imageops;
use image::{GrayImage, Luma};

use super::error::QrError;
use super::picture::{decode, enlarged, evened, grey, grounds, halved, handy, stretched};
use super::rings::thinned;
use super::work::{Counted, Work};

/// The texts of the codes in a PNG or JPEG picture, light on dark ones too; at least one.
pub fn read_picture(picture: &[u8]) -> Result<Vec<String>, QrError> {
    read_until(picture, |texts| !texts.is_empty())
}

/// The texts of the codes in a PNG or JPEG picture, each once, at least one. It is looked at in one way after the other until what was
/// read is `enough`: another code beside the one that is looked for may be easier to read.
pub fn read_until(
    picture: &[u8],
    mut enough: impl FnMut(&[String]) -> bool,
) -> Result<Vec<String>, QrError> {
    let found = read(picture, &mut enough, &mut Work::default())?;
    if found.is_empty() {
        return Err(QrError::NoCode);
    }
    Ok(found)
}

pub(super) fn read(
    picture: &[u8],
    enough: &mut dyn FnMut(&[String]) -> bool,
    work: &mut Work,
) -> Result<Vec<String>, QrError> {
    let picture = decode(picture)?;
    let mut found = Vec::new();
    for ground in grounds(&picture) {
        let grey = grey(&picture, *ground);
        if look(grey, &mut found, enough, work) {
            break;
        }
    }
    Ok(found)
}

/// Looks at a picture in all ways until what was read is enough.
fn look(
    picture: GrayImage,
    found: &mut Vec<String>,
    enough: &mut dyn FnMut(&[String]) -> bool,
    work: &mut Work,
) -> bool {
    let mut done = |picture: &GrayImage| {
        let mut take = |texts: Vec<String>| {
            for text in texts {
                if !found.contains(&text) {
                    found.push(text);
                }
            }
            enough(found)
        };
        read_grids(picture.clone(), work, &mut take) || {
            let mut inverted = picture.clone();
            imageops::invert(&mut inverted);
            read_grids(inverted, work, &mut take)
        }
    };
    let small = handy(&picture);
    if small.as_ref().is_some_and(&mut done) || done(&picture) {
        return true;
    }
    let picture = small.unwrap_or(picture);
    // A photograph may be pale, noisy or out of focus, and a drawing very small.
    let clear = stretched(&picture);
    let sharp = |picture: &GrayImage, sigma| imageops::unsharpen(picture, sigma, 0);
    let attempts: [&dyn Fn() -> Option<GrayImage>; 7] = [
        &|| Some(clear.clone()),
        &|| Some(stretched(&imageops::fast_blur(&clear, 1.5))),
        &|| Some(stretched(&sharp(&clear, 4.0))),
        &|| Some(stretched(&sharp(&sharp(&clear, 6.0), 3.0))),
        &|| Some(halved(&clear)),
        &|| Some(evened(&clear)),
        &|| enlarged(&clear),
    ];
    attempts
        .into_iter()
        .filter_map(|attempt| attempt())
        .any(|picture| done(&picture))
}

/// Hands the texts of the dark codes in a picture to `take` until it has enough.
fn read_grids(
    picture: GrayImage,
    work: &mut Work,
    take: &mut dyn FnMut(Vec<String>) -> bool,
) -> bool {
    let Some(bits) = work.read(picture, black_and_white) else {
        return false;
    };
    thinned(&bits).any(|bits| {
        // What was read before the work was too much counts.
        let mut texts = Vec::new();
        work.read(bits, |bits| {
            let mut prepared = rqrr::PreparedImage::without_preparation(bits);
            for grid in prepared.detect_grids() {
                texts.extend(grid.decode().map(|(_, text)| text));
            }
        });
        take(texts)
    })
}

/// The picture as the reader sees it: 0 for white, 1 for black.
fn black_and_white(picture: Counted) -> GrayImage {
    let seen = rqrr::PreparedImage::prepare(picture);
    let bit = |x: u32, y: u32| u8::from(seen.get_pixel_at(x as usize, y as usize) != 0u8);
    let (width, height) = (seen.width() as u32, seen.height() as u32);
    GrayImage::from_fn(width, height, |x, y| Luma([bit(x, y)]))
}
