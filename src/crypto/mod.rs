//! Keys, key derivation, encryption and padding: the one place that names the cryptographic crates.
//!
//! Every primitive is of the RFC's suite (`docs/spec/`, §3). The rest of the crate sees types of this module only, so a
//! reader who wants to know how a primitive is called has one folder to read.

mod aead;
mod agreement;
mod hash;
mod kdf;
mod kem;
pub mod labels;
mod padding;
mod password;
mod random;
mod sealing;
mod secret;
mod signature;
mod stack;
mod stream;

pub use aead::{
    AEAD_OVERHEAD, AuthenticationFailed, TooLong, decrypt, decrypt_array, encrypt, encrypt_array,
};
pub use agreement::{AgreementError, DH_KEY_LEN, DhPoint, DhPublic, DhSecret, SharedSecret};
pub use hash::{RunningHash, sha256, sha384, sha512};
#[cfg(test)]
pub(crate) use kdf::MACS;
pub use kdf::{
    hkdf_sha256, hkdf_sha256_in_place, hmac_sha256, hmac_sha256_step, public_hmac_sha256,
};
pub use kem::{
    InvalidKemKey, KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KEM_SEED_LEN, KemCiphertext, KemPublic,
    KemSecret,
};
pub use padding::{MIN_PADDED_LEN, pad, pad_parts, padded_len, unpad, unpadded_len};
pub use password::{Argon2Params, PasswordError, derive_from_passphrase};
pub use random::{CryptoRng, RandomnessUnavailable, SeededRandom, seeded, system_random};
pub use sealing::{SEAL_OVERHEAD, open, seal};
pub use secret::{Secret, SecretBytes, wipe};
pub use signature::{
    PUBLIC_KEY_LEN, SEED_LEN, SIGNATURE_LEN, SignatureError, SigningSecret, VerifyingPublic,
};
pub use stream::{CHUNK_OVERHEAD, ChunkCipher};

#[cfg(test)]
pub(crate) use signature::tests::with_torsion;
