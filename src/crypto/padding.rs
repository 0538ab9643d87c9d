//! Padmé: the length of what is sent says little about what was written.
//!
//! Nikitin, Barman, Lueks, Underwood, Hubaux, Ford, "Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs", PoPETs 2019, §4. A length of L leaks O(log log L) bits, at a cost of at most 12 %.

use super::SecretBytes;

/// Nothing is sent shorter than this many padded bytes: Padmé alone leaves lengths below it as they are, which would tell a
/// "yes" from a "no" and a receipt from a message.
pub const MIN_PADDED_LEN: usize = 64;

/// Ends the plaintext; zero bytes follow (ISO/IEC 7816-4). So unpadding needs no length field.
const MARKER: u8 = 0x80;

/// The Padmé length for `len` bytes, at least [`MIN_PADDED_LEN`].
#[must_use]
pub fn padded_len(len: usize) -> usize {
    let len = len.max(MIN_PADDED_LEN);
    let exponent = len.ilog2();
    let mantissa_bits = exponent.ilog2() + 1;
    let low_bits = exponent.saturating_sub(mantissa_bits);
    let mask = (1usize << low_bits) - 1;
    len.saturating_add(mask) & !mask
}

/// `plaintext || 0x80 || 0x00...`, as long as Padmé says for the plaintext and its marker.
#[must_use]
pub fn pad(plaintext: &[u8]) -> SecretBytes {
    pad_parts(&[plaintext])
}

/// The same of a plaintext in parts.
#[must_use]
pub fn pad_parts(parts: &[&[u8]]) -> SecretBytes {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let target = padded_len(len + 1);
    let mut padded = SecretBytes::new(Vec::with_capacity(target));
    for part in parts {
        padded.extend_from_slice(part);
    }
    padded.push(MARKER);
    padded.resize(target, 0);
    padded
}

/// What [`pad`] was given. `None` for anything else: the padding is authenticated, so only a faulty sender gets here.
#[must_use]
pub fn unpad(padded: &[u8]) -> Option<SecretBytes> {
    let plaintext = padded.get(..unpadded_len(padded)?)?;
    Some(SecretBytes::new(plaintext.to_vec()))
}

/// How many of the bytes are the plaintext, for the same.
#[must_use]
pub fn unpadded_len(padded: &[u8]) -> Option<usize> {
    let marker = padded.iter().rposition(|&byte| byte != 0)?;
    let whole = padded.get(marker) == Some(&MARKER) && padded.len() == padded_len(marker + 1);
    whole.then_some(marker)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_paper() {
        // Computed by hand from the paper's algorithm: L rounded up to a multiple of 2^(E-S).
        for (len, expected) in [
            (0, 64),
            (64, 64),
            (65, 72),
            (100, 104),
            (128, 128),
            (129, 144),
            (1_000, 1_024),
            (1_025, 1_088),
            (10_000, 10_240),
            (1_000_000, 1_015_808),
        ] {
            assert_eq!(padded_len(len), expected, "length {len}");
        }
    }

    #[test]
    fn padding_comes_off_again_and_costs_at_most_an_eighth() {
        for len in 0..5_000 {
            let plaintext = vec![0x80; len];
            let padded = pad(&plaintext);
            assert_eq!(*unpad(&padded).unwrap(), plaintext);
            assert!(padded.len() == 64 || padded.len() * 8 <= (len + 1) * 9);
        }
    }

    #[test]
    fn padding_of_another_length_is_refused() {
        assert!(unpad(&[]).is_none());
        assert!(unpad(&[0; 64]).is_none());
        assert!(unpad(&[1; 64]).is_none());
        let mut longer = pad(b"x");
        longer.push(0);
        assert!(unpad(&longer).is_none());
    }
}
