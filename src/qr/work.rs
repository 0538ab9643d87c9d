//! What reading may cost. The reader of codes tries every three marks that could be the corners of one, and looks for a fourth mark
//! in ever wider circles: a picture of 31 KB kept it busy for minutes. So it is given a picture that counts how often it is looked
//! at, and that ends the reading when this is too often. Counting is the same on every machine; a clock would not be.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use image::{GenericImage, GenericImageView, GrayImage, Luma};

/// Looks at a pixel, or at the picture's size, that reading a file may cost: some seconds on a phone.
const LOOKS: u64 = 1_000_000_000;
/// Looks that one reading may cost for each pixel. Finding the marks takes about ten.
const LOOKS_PER_PIXEL: u64 = 30;
/// ... and for what does not depend on the pixels: fitting a grid to a code takes up to five million.
const LOOKS_FOR_CODES: u64 = 20_000_000;
/// Pixels that are copied in the time of a look.
const COPIED_PER_LOOK: u64 = 16;

/// What is left to one file.
pub(super) struct Work {
    left: u64,
}

impl Default for Work {
    fn default() -> Self {
        Self { left: LOOKS }
    }
}

impl Work {
    /// Lets `read` look at a picture, as often as one reading may. Nothing when that was not enough, or when the reader itself gave up
    /// with a panic.
    pub(super) fn read<T>(
        &mut self,
        picture: GrayImage,
        read: impl FnOnce(Counted) -> T,
    ) -> Option<T> {
        let pixels = u64::from(picture.width()) * u64::from(picture.height());
        let allowed = (pixels * LOOKS_PER_PIXEL + LOOKS_FOR_CODES).min(self.left);
        let left = Rc::new(Cell::new(allowed));
        let counted = Counted {
            width: picture.width(),
            height: picture.height(),
            pixels: picture
                .into_raw()
                .into_iter()
                .map(|grey| Luma([grey]))
                .collect(),
            outside: Luma([0]),
            left: Rc::clone(&left),
        };
        let done = catch_unwind(AssertUnwindSafe(|| read(counted)));
        self.left -= allowed - left.get();
        done.ok()
    }

    /// So many looks are left.
    #[cfg(test)]
    pub(super) fn of(left: u64) -> Self {
        Self { left }
    }

    /// Looks that are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.left
    }
}

/// A picture that counts.
#[derive(Debug)]
pub(super) struct Counted {
    width: u32,
    height: u32,
    pixels: Vec<Luma<u8>>,
    /// What is outside; the reader does not look there.
    outside: Luma<u8>,
    left: Rc<Cell<u64>>,
}

impl Counted {
    #[inline]
    fn spend(&self, looks: u64) {
        let left = self.left.get();
        self.left.set(left.saturating_sub(looks));
        if left < looks {
            // The reader has no way to be told that it should stop. Where a panic ends the process this must not be one: there its
            // readings are only counted between one and the next.
            #[cfg(panic = "unwind")]
            std::panic::resume_unwind(Box::new("looked at too often"));
        }
    }

    #[inline]
    fn place(&self, x: u32, y: u32) -> usize {
        y as usize * self.width as usize + x as usize
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.spend(self.pixels.len() as u64 / COPIED_PER_LOOK);
        Self {
            pixels: self.pixels.clone(),
            left: Rc::clone(&self.left),
            ..*self
        }
    }
}

impl GenericImageView for Counted {
    type Pixel = Luma<u8>;

    #[inline]
    fn dimensions(&self) -> (u32, u32) {
        // Also what lies outside is asked for: the search for a mark leaves the picture.
        self.spend(1);
        (self.width, self.height)
    }

    #[inline]
    fn get_pixel(&self, x: u32, y: u32) -> Luma<u8> {
        self.spend(1);
        let pixel = self.pixels.get(self.place(x, y));
        pixel.copied().unwrap_or(self.outside)
    }
}

impl GenericImage for Counted {
    fn get_pixel_mut(&mut self, x: u32, y: u32) -> &mut Luma<u8> {
        self.spend(1);
        let place = self.place(x, y);
        self.pixels.get_mut(place).unwrap_or(&mut self.outside)
    }

    #[inline]
    fn put_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.spend(1);
        let place = self.place(x, y);
        if let Some(old) = self.pixels.get_mut(place) {
            *old = pixel;
        }
    }

    fn blend_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.put_pixel(x, y, pixel);
    }
}
