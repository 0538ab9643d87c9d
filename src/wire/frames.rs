//! A URI that is too long for one comfortable code, as several that are shown in turn (RFC windlass §6.6).

use super::found::{Found, address, parse_shared};
use super::uri::{CHECKSUM_LEN, FRAME_KIND, UriFault, checksum, to_uri};
use crate::limits::{MAX_CODE_FRAMES, MAX_CODE_LEN, MAX_URI_LEN};

/// Set, number, count: what is in front of a part.
const HEAD_LEN: usize = CHECKSUM_LEN + 2;
/// Bytes of a part, so that its URI has at most `MAX_CODE_LEN` characters: eight characters of Base32 for five bytes.
const PART_LEN: usize = (MAX_CODE_LEN - "WINDLASS:F".len()) * 5 / 8 - CHECKSUM_LEN - HEAD_LEN;

/// The URIs to show in turn: the one itself if it is short enough.
pub fn frames(uri: &str) -> Result<Vec<String>, UriFault> {
    if let Some(uri) = address(uri) {
        return Ok(vec![uri]);
    }
    let Found { kind, bytes, .. } = parse_shared(uri)?;
    let whole = to_uri(kind, &bytes);
    if whole.len() <= MAX_CODE_LEN {
        return Ok(vec![whole]);
    }
    let mut all = vec![kind as u8];
    all.extend_from_slice(&bytes);
    let set = checksum(&[&all]);
    let needed = all.len().div_ceil(PART_LEN);
    let count = u8::try_from(needed).map_err(|_| UriFault::Damaged)?;
    // Parts of one length make codes of one size.
    let parts = all.chunks(all.len().div_ceil(needed));
    Ok((0..count)
        .zip(parts)
        .map(|(number, part)| {
            to_uri(
                FRAME_KIND,
                &[&set, [number, count].as_slice(), part].concat(),
            )
        })
        .collect())
}

/// Collects the codes of a set, in any order and however often each.
#[derive(Debug, Default)]
pub struct Frames {
    set: [u8; CHECKSUM_LEN],
    parts: Vec<Option<Vec<u8>>>,
}

/// How far a collection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Codes that were read.
    pub have: usize,
    /// Codes of the set.
    pub of: usize,
    /// The whole URI, once all of them were; or the web link that brings an invitation.
    pub uri: Option<String>,
}

impl Frames {
    /// Takes the text of a code. One of another set begins anew, with that set.
    pub fn take(&mut self, text: &str) -> Result<Progress, UriFault> {
        if let Some(uri) = address(text) {
            let uri = Some(uri);
            return Ok(Progress {
                have: 1,
                of: 1,
                uri,
            });
        }
        let Found {
            kind, bytes, link, ..
        } = parse_shared(text)?;
        if kind != FRAME_KIND {
            // A link says whom it is of: that is compared with the bundle inside, by whoever reads it.
            let uri = match link.as_str() {
                "" => to_uri(kind, &bytes),
                link => format!("{}#{}", link.trim_end_matches('#'), to_uri(kind, &bytes)),
            };
            let uri = Some(uri);
            return Ok(Progress {
                have: 1,
                of: 1,
                uri,
            });
        }
        let (set, rest) = bytes.split_first_chunk().ok_or(UriFault::Damaged)?;
        let ([number, count], part) = rest.split_first_chunk().ok_or(UriFault::Damaged)?;
        let (number, count) = (usize::from(*number), usize::from(*count));
        if number >= count || count > MAX_CODE_FRAMES || part.is_empty() {
            return Err(UriFault::Damaged);
        }
        if self.set != *set || self.parts.len() != count {
            self.set = *set;
            self.parts = vec![None; count];
        }
        if let Some(place) = self.parts.get_mut(number) {
            *place = Some(part.to_vec());
        }
        let parts: Vec<_> = self.parts.iter().flatten().collect();
        let (have, of) = (parts.len(), count);
        let uri = (have == of).then(|| self.whole()).transpose()?;
        Ok(Progress { have, of, uri })
    }

    fn whole(&self) -> Result<String, UriFault> {
        let all: Vec<u8> = self.parts.iter().flatten().flatten().copied().collect();
        let Some((kind, bytes)) = all.split_first() else {
            return Err(UriFault::Damaged);
        };
        if checksum(&[&all]) != self.set
            || !kind.is_ascii_uppercase()
            || char::from(*kind) == FRAME_KIND
        {
            return Err(UriFault::Damaged);
        }
        let uri = to_uri(char::from(*kind), bytes);
        if uri.len() > MAX_URI_LEN {
            return Err(UriFault::Damaged);
        }
        Ok(uri)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn any_order_of_frames_completes_a_long_uri_and_a_short_one_is_its_own_frame() {
        for len in [1, 200, 239, 240, 300, 1_000, 2_000] {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
            let uri = to_uri('B', &bytes);
            let shown = frames(&uri.to_lowercase()).unwrap();
            assert!(
                shown.iter().all(|frame| frame.len() <= MAX_CODE_LEN),
                "{len}"
            );
            assert_eq!(shown.len() > 1, uri.len() > MAX_CODE_LEN, "{len}");
            let mut reader = Frames::default();
            let mut order: Vec<usize> = (0..shown.len()).rev().collect();
            order.push(0);
            let mut whole = None;
            for (seen, at) in order.into_iter().enumerate() {
                let progress = reader.take(&shown[at]).unwrap();
                assert_eq!(progress.of, shown.len());
                assert_eq!(progress.have, (seen + 1).min(shown.len()));
                whole = progress.uri;
            }
            assert_eq!(whole.as_deref(), Some(uri.as_str()));
        }
    }

    #[test]
    fn frames_of_another_set_begin_anew_and_damaged_ones_are_refused() {
        let [first, second] = [1, 2].map(|seed| frames(&to_uri('B', &[seed; 900])).unwrap());
        let mut reader = Frames::default();
        assert_eq!(reader.take(&first[0]).unwrap().have, 1);
        assert_eq!(reader.take(&second[1]).unwrap().have, 1);
        assert_eq!(reader.take(&first[1]).unwrap().have, 1);
        for head in [
            &[0, 0, 0, 0, 0, 0, 1][..],
            &[0, 0, 0, 0, 2, 2, 1],
            &[0, 0, 0, 0, 0, 255, 1],
            &[0, 0, 0, 0, 0, 2],
            &[0, 0],
            // A set of one whose checksum is wrong.
            &[0, 0, 0, 0, 0, 1, b'B', 9],
        ] {
            assert_eq!(
                reader.take(&to_uri(FRAME_KIND, head)),
                Err(UriFault::Damaged)
            );
        }
        assert_eq!(
            super::super::from_uri('B', &first[0]),
            Err(UriFault::Incomplete)
        );
    }
}
