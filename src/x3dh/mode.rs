//! Which of the parts that may be missing a handshake has.

/// One bit for each: `1` a one-time prekey, `2` ML-KEM, `4` a secret that was given with the one-time prekey (RFC windlass §7.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// A one-time prekey was used: DH4.
    pub one_time: bool,
    /// The ML-KEM key was known: SS.
    pub kem: bool,
    /// A secret was used.
    pub secret: bool,
}

impl Mode {
    const ONE_TIME: u8 = 1;
    const KEM: u8 = 2;
    const SECRET: u8 = 4;

    /// As it is bound.
    #[must_use]
    pub const fn byte(self) -> u8 {
        let kem = Self::KEM * self.kem as u8;
        let secret = Self::SECRET * self.secret as u8;
        Self::ONE_TIME * self.one_time as u8 + kem + secret
    }

    /// From its byte; nothing if it has a bit that is none of these.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        let mode = Self {
            one_time: byte & Self::ONE_TIME != 0,
            kem: byte & Self::KEM != 0,
            secret: byte & Self::SECRET != 0,
        };
        if mode.byte() == byte {
            Some(mode)
        } else {
            None
        }
    }

    /// Whether whoever recorded the handshake and breaks X25519 later still lacks something.
    #[must_use]
    pub const fn is_post_quantum(self) -> bool {
        self.kem || self.secret
    }
}
