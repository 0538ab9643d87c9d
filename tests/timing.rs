//! No branch and no address depends on a secret: what is secret is called undefined to valgrind, which then tells each branch on it.
//!
//! `cargo xtask timing` runs it, optimised as it is shipped; otherwise it says nothing.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, unsafe_code)]

use std::arch::asm;
use std::hint::black_box;
use std::process::Command;

use windlass::crypto::{
    DhSecret, Secret, SigningSecret, decrypt, encrypt, hkdf_sha256, hmac_sha256, seeded, sha512,
};
use windlass::identity::IdentityKeyPair;
use windlass::session::{HealingKey, Proved};
use windlass::x3dh::Party;

/// Set for the process that valgrind runs.
const WATCHED: &str = "WINDLASS_TIMING_WATCHED";

const COUNT_ERRORS: usize = 0x1201;
/// Of memcheck's own requests.
const MAKE_UNDEFINED: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16 | 1;
const MAKE_DEFINED: usize = MAKE_UNDEFINED + 1;

/// A request to valgrind; nothing happens where it does not run.
fn request(code: usize, at: usize, len: usize) -> usize {
    let arguments = [code, at, len, 0, 0, 0];
    let mut answer = 0usize;
    // SAFETY: the instructions turn a register once around and exchange one with itself; valgrind knows them, and reads the arguments.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") answer,
            in("rax") arguments.as_ptr(),
        );
    }
    answer
}

fn mark(code: usize, bytes: &[u8]) {
    request(code, bytes.as_ptr() as usize, bytes.len());
}

/// A secret whose bytes nothing may branch on.
fn secret<const N: usize>(byte: u8) -> Secret<N> {
    let secret = Secret::new([byte; N]);
    mark(MAKE_UNDEFINED, secret.as_bytes());
    secret
}

/// How many branches on something undefined a call takes.
fn branches<T>(what: &str, call: impl FnOnce() -> T) -> usize {
    let before = request(COUNT_ERRORS, 0, 0);
    black_box(call());
    let found = request(COUNT_ERRORS, 0, 0) - before;
    println!("{what}: {found}");
    found
}

/// What valgrind runs. In a run of the tests it does nothing.
#[test]
fn child() {
    if std::env::var_os(WATCHED).is_none() {
        return;
    }
    // What finds nothing has to be able to.
    let (one, other) = (secret::<32>(1), secret::<32>(2));
    let by_bytes = || (0..32).find(|at| one.as_bytes()[*at] != other.as_bytes()[*at]);
    assert!(branches("comparing byte by byte", by_bytes) > 0);

    let table: [u8; 256] = std::array::from_fn(|at| at as u8);
    let looked_up = || black_box(&table)[usize::from(one.as_bytes()[0])];
    assert!(branches("looking up in a table", looked_up) > 0);

    assert_eq!(branches("Secret ==", || one == other), 0);
    let derive = || hkdf_sha256::<32>(&[0; 32], one.as_bytes(), b"info");
    assert_eq!(branches("HKDF", derive), 0);
    let mac = || hmac_sha256(one.as_bytes(), &[b"message"]);
    assert_eq!(branches("HMAC", mac), 0);
    assert_eq!(branches("SHA-512", || sha512(&[one.as_bytes()])), 0);

    let peer = DhSecret::from_bytes(&Secret::new([7; 32])).public();
    let own = DhSecret::from_bytes(&one);
    // Whether the result is zero: the public key decides it.
    assert!(branches("X25519", || own.agree(&peer)) <= 1);

    let signer = SigningSecret::from_seed(&other);
    let sign = || signer.sign(b"label", b"message");
    assert_eq!(branches("Ed25519, signing", sign), 0);

    let mut rng = seeded(&Secret::new([9; 32]));
    let key = secret::<32>(3);
    let mut sealed = Vec::new();
    let encrypting = || sealed = encrypt(&key, b"words", b"data", &mut *rng).unwrap();
    assert_eq!(branches("AES-256-GCM, sealing", encrypting), 0);
    mark(MAKE_DEFINED, &sealed);
    // Whether the tag is right: asked once by the AEAD, once by who called it.
    let opening = || decrypt(&key, &sealed, b"data").is_ok();
    assert!(branches("AES-256-GCM, opening", opening) <= 2);

    let party = Party {
        identity: IdentityKeyPair::generate(&mut *rng).public(),
        device_id: 1,
    };
    let proved = Proved {
        session_id: &[0; 16],
        asker: &party,
        answerer: &party,
        day: 1,
        content: b"request",
    };
    let healing = HealingKey::from_bytes(key.as_bytes()).unwrap();
    let holds = || healing.holds(&proved, &[5; 16]);
    assert_eq!(branches("the proof of a request for healing", holds), 0);
}

#[test]
#[ignore = "needs valgrind and optimised code: cargo xtask timing"]
fn no_branch_and_no_address_depends_on_a_secret() {
    let valgrind = Command::new("valgrind")
        .args(["--quiet", "--error-limit=no"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(WATCHED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&valgrind.stdout);
    println!("{said}");
    assert!(
        valgrind.status.success(),
        "{}",
        String::from_utf8_lossy(&valgrind.stderr)
    );
    assert!(said.contains("healing: 0"), "{said}");
}
