//! The rings in a picture of black and white: each might be a corner of a code. A code has three; a picture with thousands is no
//! photograph of one, and the reader would keep a row for every two of them.

use std::collections::BTreeMap;

use image::{GrayImage, Luma};

/// Rings that are looked at: twenty codes have them.
pub(super) const MAX_RINGS: usize = 60;
/// Rings that are looked at first where there are more: in a crowd of small ones those of a code that somebody shows are large.
pub(super) const FEW_RINGS: [usize; 2] = [3, 9];
/// How large what is inside may be, in hundredths of the ring: 37 where a code is drawn well, and no mark is missed that the reader
/// would take for one.
const INSIDE: std::ops::RangeInclusive<u64> = 10..=70;
/// How often rings are taken away: that joins what lies around them, which may make new ones.
const ROUNDS: usize = 3;

/// The picture with all its rings, if they are not too many, and then with the largest few of them; else with the largest few first,
/// and then with as many as are looked at. Pixels are 0 for white, 1 for black.
pub(super) fn thinned(picture: &GrayImage) -> impl Iterator<Item = GrayImage> {
    let count = rings(picture);
    let whole = (count <= MAX_RINGS).then_some(count);
    let fewer = FEW_RINGS.into_iter().chain([MAX_RINGS]);
    let fewer = fewer.filter(move |most| *most < count);
    whole
        .into_iter()
        .chain(fewer)
        .filter_map(move |most| match most == count {
            true => Some(picture.clone()),
            false => with_largest(picture.clone(), most),
        })
}

/// The picture with only as many rings, the largest; `None` when that cannot be done.
fn with_largest(mut picture: GrayImage, most: usize) -> Option<GrayImage> {
    for _ in 0..ROUNDS {
        let mut regions = Regions::of(&picture);
        let mut rings: Vec<_> = regions.rings().into_iter().collect();
        if rings.len() <= most {
            return Some(picture);
        }
        rings.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let rest: BTreeMap<_, _> = rings.into_iter().skip(most).collect();
        regions.erase(&rest, &mut picture);
    }
    (rings(&picture) <= most).then_some(picture)
}

/// How many rings there are.
pub(super) fn rings(picture: &GrayImage) -> usize {
    Regions::of(picture).rings().len()
}

/// Black pixels beside each other in a row.
#[derive(Clone, Copy)]
struct Run {
    left: u32,
    /// Behind the last one.
    end: u32,
}

/// Which runs belong together, one over the other.
struct Regions {
    rows: Vec<Vec<Run>>,
    /// The number of each row's first run.
    firsts: Vec<usize>,
    /// For each run another one of its region; a run that names itself stands for the region.
    parents: Vec<usize>,
    /// Pixels of the regions, with the runs that stand for them.
    sizes: Vec<u64>,
}

impl Regions {
    fn of(picture: &GrayImage) -> Self {
        let mut regions = Self {
            rows: Vec::new(),
            firsts: Vec::new(),
            parents: Vec::new(),
            sizes: Vec::new(),
        };
        for row in picture.rows() {
            let runs = runs(row.map(|Luma([bit])| *bit != 0));
            regions.firsts.push(regions.parents.len());
            for run in &runs {
                regions.parents.push(regions.parents.len());
                regions.sizes.push(u64::from(run.end - run.left));
            }
            regions.rows.push(runs);
        }
        for row in 1..regions.rows.len() {
            regions.join_with_row_above(row);
        }
        regions
    }

    fn join_with_row_above(&mut self, row: usize) {
        let pick = |row: usize| Some((self.rows.get(row)?.clone(), *self.firsts.get(row)?));
        let (Some((above, first_above)), Some((below, first_below))) = (pick(row - 1), pick(row))
        else {
            return;
        };
        let (mut i, mut j) = (0, 0);
        while let (Some(upper), Some(lower)) = (above.get(i), below.get(j)) {
            if upper.left < lower.end && lower.left < upper.end {
                self.join(first_above + i, first_below + j);
            }
            if upper.end < lower.end {
                i += 1;
            } else {
                j += 1;
            }
        }
    }

    fn region(&mut self, mut run: usize) -> usize {
        while let Some(parent) = self
            .parents
            .get(run)
            .copied()
            .filter(|parent| *parent != run)
        {
            let over = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(short) = self.parents.get_mut(run) {
                *short = over;
            }
            run = over;
        }
        run
    }

    fn size(&self, region: usize) -> u64 {
        self.sizes.get(region).copied().unwrap_or_default()
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.region(one), self.region(other));
        if one == other {
            return;
        }
        let whole = self.size(one) + self.size(other);
        let (small, large) = if self.size(one) < self.size(other) {
            (one, other)
        } else {
            (other, one)
        };
        if let Some(parent) = self.parents.get_mut(small) {
            *parent = large;
        }
        if let Some(size) = self.sizes.get_mut(large) {
            *size = whole;
        }
    }

    /// The regions that some row crosses as it would cross the corner of a code, with their sizes: black, white, three times as much
    /// black that belongs to something else, white, black.
    fn rings(&mut self) -> BTreeMap<usize, u64> {
        let mut candidates = Vec::new();
        for (runs, first) in self.rows.iter().zip(&self.firsts) {
            let marks = runs.windows(3).enumerate();
            let marks = marks.filter(|(_, three)| is_mark(three));
            candidates.extend(marks.map(|(at, _)| first + at));
        }
        let mut rings = BTreeMap::new();
        for left in candidates {
            let [ring, stone, right] = [left, left + 1, left + 2].map(|run| self.region(run));
            let (around, inside) = (self.size(ring), self.size(stone));
            if ring == right && ring != stone && INSIDE.contains(&(inside * 100 / around.max(1))) {
                rings.insert(ring, around);
            }
        }
        rings
    }

    fn erase(&mut self, these: &BTreeMap<usize, u64>, picture: &mut GrayImage) {
        let mut number = 0;
        for (y, runs) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            for run in runs {
                if these.contains_key(&self.region(number)) {
                    (run.left..run.end).for_each(|x| picture.put_pixel(x, y as u32, Luma([0])));
                }
                number += 1;
            }
        }
    }
}

/// The black runs of a row.
fn runs(row: impl Iterator<Item = bool>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (x, black) in (0u32..).zip(row) {
        match runs.last_mut() {
            Some(last) if black && last.end == x => last.end = x + 1,
            _ if black => runs.push(Run {
                left: x,
                end: x + 1,
            }),
            _ => {}
        }
    }
    runs
}

/// Whether three runs and the white between them are as long as 1, 1, 3, 1, 1; a quarter to seven quarters of it, so that no mark is
/// missed that the reader would take for one.
fn is_mark(three: &[Run]) -> bool {
    let [a, b, c] = three else { return false };
    let thin = [
        a.end - a.left,
        b.left - a.end,
        c.left - b.end,
        c.end - c.left,
    ];
    let around = thin.iter().sum::<u32>() / 4;
    let slack = around * 3 / 4;
    let near = |length: u32, times: u32| {
        length >= (times * around).saturating_sub(slack) && length <= times * around + slack
    };
    thin.into_iter().all(|length| near(length, 1)) && near(b.end - b.left, 3)
}
