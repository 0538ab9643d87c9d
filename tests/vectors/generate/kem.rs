//! ML-KEM-768 as the protocol uses it: keys of seeds, ciphertexts with coins that are given, what is refused.

use windlass::crypto::{KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KemSecret};

use super::*;

pub fn ml_kem() -> Vec<Case> {
    let mut rng = rng(77);
    let mut cases = Vec::new();
    let mut case = |name: String, input: Value| cases.push((name, input));
    for i in 0..8 {
        let seed = random::<64>(&mut rng);
        case(
            format!("the key of a seed {i}"),
            json!({ "seed": hex(&seed) }),
        );
        let secret = KemSecret::from_bytes(Secret::new(seed));
        let key = secret.public();
        let coins = random::<32>(&mut rng);
        let input = json!({ "key": hex(key.as_bytes()), "coins": hex(&coins) });
        case(format!("encapsulated to a key {i}"), input);
        let (ciphertext, _) = key.encapsulate(&mut rng).unwrap();
        let opened = |bytes: &[u8]| json!({ "seed": hex(&seed), "ciphertext": hex(bytes) });
        case(format!("opened with a seed {i}"), opened(&ciphertext[..]));
        let mut other = *ciphertext;
        other[usize::from(coins[0]) * 4] ^= 1 << (i % 8);
        case(
            format!("a ciphertext with a bit changed {i}"),
            opened(&other),
        );
    }
    let key = *KemSecret::generate(&mut rng).public().as_bytes();
    let encapsulate = |key: &[u8]| json!({ "key": hex(key), "coins": hex(&[7; 32]) });
    // The first coefficient is q - 1, q, and the highest that twelve bits hold; then the last one.
    for (name, at, bytes) in [
        ("the first coefficient is q - 1", 0, [0x00, 0x0d]),
        ("the first coefficient is q", 0, [0x01, 0x0d]),
        ("the first coefficient is 4095", 0, [0xff, 0x0f]),
        ("the last coefficient is 4095", 1_150, [0xf0, 0xff]),
    ] {
        let mut changed = key;
        changed[at] = bytes[0] | (changed[at] & if at == 0 { 0 } else { 0x0f });
        changed[at + 1] = bytes[1] | (changed[at + 1] & if at == 0 { 0xf0 } else { 0 });
        case(name.to_owned(), encapsulate(&changed));
    }
    for len in [0, KEM_PUBLIC_LEN - 1, KEM_PUBLIC_LEN + 1] {
        let longer = [&key[..], &[0]].concat();
        case(format!("a key of {len} bytes"), encapsulate(&longer[..len]));
    }
    for len in [0, KEM_CIPHERTEXT_LEN - 1, KEM_CIPHERTEXT_LEN + 1] {
        let input = json!({ "seed": hex(&[3; 64]), "ciphertext": hex(&vec![5; len]) });
        case(format!("a ciphertext of {len} bytes"), input);
    }
    cases
}
