//! Codes that are drawn, codes that are found, and pictures made to keep a reader busy.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};

use super::rings::{FEW_RINGS, MAX_RINGS, rings, thinned};
use super::work::Work;
use super::*;

const OTHER: &str = "https://example.org/menu";

fn ours() -> String {
    format!("WINDLASS:B{}", "ABCDEFG234567".repeat(25))
}

fn drawn(text: &str) -> GrayImage {
    let file = png(text, false).unwrap();
    image::load_from_memory(&file).unwrap().to_luma8()
}

fn file(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .into()
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn read_ours(picture: &[u8]) -> Vec<String> {
    read_until(picture, |texts| texts.contains(&ours())).unwrap()
}

#[test]
fn a_drawn_code_is_read_back() {
    let text = ours();
    let read = read_picture(&png(&text, false).unwrap()).unwrap();
    assert_eq!(read, std::slice::from_ref(&text));
    let document = svg(std::slice::from_ref(&text), false).unwrap();
    assert!(document.starts_with("<?xml"));
    assert!(terminal(&text, true).unwrap().lines().count() > 20);
    assert_eq!(svg(&["x".repeat(10_000)], false), Err(QrError::TooLong));
}

#[test]
fn what_is_no_picture_or_shows_no_code_is_told_apart() {
    assert_eq!(read_picture(b"text"), Err(QrError::Picture));
    assert_eq!(read_picture(b""), Err(QrError::Picture));
    let whole = png("x", false).unwrap();
    assert_eq!(
        read_picture(&whole[..whole.len() / 2]),
        Err(QrError::Picture)
    );
    for side in [1, 2, 7, 100] {
        let blank = file(GrayImage::from_pixel(side, side, Luma([255])));
        assert_eq!(read_picture(&blank), Err(QrError::NoCode));
    }
}

/// The head of a PNG says any size, with the right checksum.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = file(GrayImage::new(1, 1));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = !bytes[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    });
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[test]
fn a_picture_that_is_too_large_is_called_that() {
    let sizes = [
        (12_000, 9_000),
        (16_320, 12_240),
        (1, 20_001),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
    ];
    for (width, height) in sizes {
        let too_large = QrError::TooLarge { width, height };
        assert_eq!(read_picture(&png_of_size(width, height)), Err(too_large));
    }
    let mut jpeg = Cursor::new(Vec::new());
    let grey = DynamicImage::from(GrayImage::new(8, 8));
    grey.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let mut jpeg = jpeg.into_inner();
    let frame = jpeg
        .windows(2)
        .position(|mark| mark == [0xFF, 0xC0])
        .unwrap();
    let (height, width) = (9_000u16, 12_000u16);
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    let error = read_picture(&jpeg).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the picture is too large: 12000 by 9000 pixels; up to 67 million are read"
    );
}

/// Ink and paper.
type Colours = (Rgba<u8>, Rgba<u8>);

#[test]
fn a_code_is_read_whatever_shows_through_it() {
    let clear = |grey| Rgba([grey, grey, grey, 0]);
    let solid = |grey| Rgba([grey, grey, grey, 255]);
    let half = |grey| Rgba([grey, grey, grey, 128]);
    let table: [(&str, Colours); 9] = [
        ("black on nothing", (solid(0), clear(0))),
        ("black on nothing that was white", (solid(0), clear(255))),
        ("white on nothing", (solid(255), clear(255))),
        ("white on nothing that was black", (solid(255), clear(0))),
        ("cut out of white", (clear(0), solid(255))),
        ("cut out of black", (clear(0), solid(0))),
        ("half black on nothing", (half(0), clear(0))),
        ("white on black", (solid(255), solid(0))),
        (
            "blue on yellow",
            (Rgba([20, 30, 160, 255]), Rgba([250, 230, 40, 255])),
        ),
    ];
    let code = drawn(&ours());
    for (name, (ink, paper)) in table {
        let picture = RgbaImage::from_fn(code.width(), code.height(), |x, y| {
            if code.get_pixel(x, y).0 == [0] {
                ink
            } else {
                paper
            }
        });
        assert_eq!(read_ours(&file(picture)), [ours()], "{name}");
    }
}

/// The second to the right of the first.
fn beside(left: &GrayImage, right: &GrayImage) -> GrayImage {
    let height = left.height().max(right.height());
    let mut sheet = GrayImage::from_pixel(left.width() + right.width(), height, Luma([255]));
    image::imageops::replace(&mut sheet, left, 0, 0);
    image::imageops::replace(&mut sheet, right, i64::from(left.width()), 0);
    sheet
}

#[test]
fn it_is_looked_on_beside_another_code() {
    let changed = |change: fn(u8) -> u8| {
        let mut code = drawn(&ours());
        code.pixels_mut()
            .for_each(|Luma([grey])| *grey = change(*grey));
        code
    };
    let quarter = || {
        let code = drawn(&ours());
        GrayImage::from_fn(code.width() / 4, code.height() / 4, |x, y| {
            *code.get_pixel(x * 4, y * 4)
        })
    };
    // With paper around it: beside white paper pale paper is dark.
    let pale = || {
        let code = changed(|grey| 118 + grey / 18);
        let mut wide = GrayImage::from_pixel(code.width() + 160, code.height(), Luma([132]));
        image::imageops::replace(&mut wide, &code, 80, 0);
        wide
    };
    let table = [
        ("as it is", changed(|grey| grey)),
        ("light on dark", changed(|grey| 255 - grey)),
        ("pale", pale()),
        (
            "blurred",
            image::imageops::fast_blur(&changed(|grey| grey), 2.4),
        ),
        ("small", quarter()),
    ];
    for (name, code) in table {
        let sheet = file(beside(&drawn(OTHER), &code));
        let read = read_ours(&sheet);
        assert!(read.contains(&ours()), "{name}: {read:?}");
        assert!(read.len() <= 2, "{name}: {read:?}");
    }
    assert_eq!(read_until(&file(drawn(OTHER)), |_| false).unwrap(), [OTHER]);
}

#[test]
fn a_code_of_a_pixel_for_each_module_is_read_without_a_margin_too() {
    for (scale, margin) in [(1, 4), (1, 0), (2, 0), (3, 1)] {
        let code = drawn(&ours());
        let modules = code.width() / 8 - 8 + 2 * margin;
        let picture = GrayImage::from_fn(modules * scale, modules * scale, |x, y| {
            let at = |pixel: u32| (pixel / scale + 4 - margin) * 8;
            *code.get_pixel(at(x), at(y))
        });
        assert_eq!(read_ours(&file(picture)), [ours()], "{scale} {margin}");
    }
}

/// Something that is the same each time, and looks like chance.
fn chance(x: u32, y: u32) -> u32 {
    let mixed =
        (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77)).wrapping_mul(0xC2B2_AE3D);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x27D4_EB2F) >> 8
}

/// Whether a pixel of a mark is black that is as many modules wide as there are in `side`.
fn mark(x: u32, y: u32) -> bool {
    let ring = x.min(y).min(6 - x.min(6)).min(6 - y.min(6));
    x < 7 && y < 7 && ring != 1
}

fn filled(side: u32, black: impl Fn(u32, u32) -> bool) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| Luma([if black(x, y) { 0 } else { 255 }]))
}

/// Pictures that strangers would send to keep somebody's reader busy.
fn hostile(side: u32) -> Vec<(&'static str, GrayImage)> {
    vec![
        ("marks", filled(side, |x, y| mark(x % 8, y % 8))),
        (
            "larger marks",
            filled(side, |x, y| mark(x / 3 % 9, y / 3 % 9)),
        ),
        (
            "few marks",
            filled(side, |x, y| mark(x % 45 / 4, y % 45 / 4)),
        ),
        (
            "marks on a cross",
            filled(side, |x, y| {
                mark(x % 8, y % 8) && (x / 8 == side / 16 || y / 8 == side / 16)
            }),
        ),
        (
            "marks in noise",
            filled(side, |x, y| {
                mark(x % 24, y % 24) || (x % 24 > 7 || y % 24 > 7) && chance(x, y).is_multiple_of(2)
            }),
        ),
        ("noise", filled(side, |x, y| chance(x, y).is_multiple_of(2))),
        (
            "coarse noise",
            filled(side, |x, y| chance(x / 3, y / 3).is_multiple_of(2)),
        ),
        (
            "leaning marks",
            filled(side, |x, y| mark((x + y / 5) % 16 / 2, y % 16 / 2)),
        ),
        (
            "combs",
            filled(side, |x, y| {
                y % 16 == 0 || x.is_multiple_of(2) && y % 16 < 12
            }),
        ),
        (
            "marks on combs",
            filled(side, |x, y| {
                mark(x % 12, y % 12) || y % 12 == 8 || x % 12 == 8
            }),
        ),
        ("checks", filled(side, |x, y| (x + y).is_multiple_of(2))),
        (
            "corners of codes without codes",
            filled(side, |x, y| {
                let (u, v) = (x % 84 / 4, y % 84 / 4);
                mark(u, v) || u > 13 && mark(u - 14, v) || v > 13 && mark(u, v - 14)
            }),
        ),
    ]
}

/// Looks that all readings of a picture may take that has no code in it, whatever else it has.
const BUSY: u64 = 10_000_000;

#[test]
fn no_picture_is_looked_at_for_ever() {
    for (name, picture) in hostile(160) {
        let mut work = Work::of(BUSY);
        let found = read::read(&file(picture), &mut |_| false, &mut work).unwrap();
        assert!(found.is_empty(), "{name}: {found:?}");
        assert!(work.left() <= BUSY);
    }
}

#[test]
fn a_code_among_hundreds_of_marks_is_read() {
    for (name, mut picture) in hostile(640) {
        let code = drawn(&ours());
        let code = image::imageops::resize(&code, 400, 400, image::imageops::FilterType::Triangle);
        image::imageops::replace(&mut picture, &code, 120, 120);
        let mut work = Work::of(100 * BUSY);
        let mut enough = |texts: &[String]| texts.contains(&ours());
        let found = read::read(&file(picture), &mut enough, &mut work).unwrap();
        assert!(found.contains(&ours()), "{name}");
    }
}

#[test]
fn of_too_many_marks_the_largest_are_left() {
    for (name, picture) in hostile(160) {
        let bits = |x, y| Luma([u8::from(picture.get_pixel(x, y).0 == [0])]);
        let picture = GrayImage::from_fn(160, 160, bits);
        for thinner in thinned(&picture) {
            assert!(rings(&thinner) <= MAX_RINGS, "{name}");
        }
    }
    let large = drawn(&ours());
    let crowd = filled(640, |x, y| match x < 400 && y < 400 {
        true => large
            .get_pixel_checked(x, y)
            .is_some_and(|pixel| pixel.0 == [0]),
        false => mark(x % 8, y % 8),
    });
    let crowd = GrayImage::from_fn(640, 640, |x, y| {
        Luma([u8::from(crowd.get_pixel(x, y).0 == [0])])
    });
    assert!(rings(&crowd) > 1_000);
    let few: Vec<_> = thinned(&crowd).map(|one| rings(&one)).collect();
    assert_eq!(few, [FEW_RINGS[0], FEW_RINGS[1], MAX_RINGS]);
}
