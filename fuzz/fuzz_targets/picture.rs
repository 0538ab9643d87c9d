//! Pictures from strangers: the bytes as a file, and their bits as the modules of a picture, which reaches the reader of codes sooner.
#![no_main]

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use libfuzzer_sys::fuzz_target;
use windlass::qr::read_until;

/// Pixels for each bit.
const SCALE: u32 = 3;

// The reader may give up with a panic, which is caught; the hook that comes with the fuzzer would end the process before. One that
// is not caught still does.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |bytes: &[u8]| {
    let _ = read_until(bytes, |_| false);
    let side = (bytes.len() as u32 * 8).isqrt();
    if side == 0 || side > 200 {
        return;
    }
    let picture = GrayImage::from_fn(side * SCALE, side * SCALE, |x, y| {
        let bit = (y / SCALE * side + x / SCALE) as usize;
        Luma([if bytes[bit / 8] >> (bit % 8) & 1 == 0 { 255 } else { 0 }])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    let _ = read_until(file.get_ref(), |_| false);
});
