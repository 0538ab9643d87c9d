//! Keys, derivations and padding.

use bech32::primitives::iter::{ByteIterExt as _, Fe32IterExt as _};

use super::*;

pub fn identity() -> Vec<Case> {
    let mut rng = rng(1);
    let mut seeds = vec![("all zero", [0; 32]), ("all ones", [0xff; 32])];
    seeds.extend((0..10).map(|_| ("random", random(&mut rng))));
    let name = |(i, (name, seed)): (usize, (&str, [u8; 32]))| {
        (format!("seed {i}, {name}"), json!({ "seed": hex(&seed) }))
    };
    seeds.into_iter().enumerate().map(name).collect()
}

pub fn address() -> Vec<Case> {
    let good = IdentityKeyPair::generate(&mut rng(2)).public().address();
    let mut mistyped = good.clone().into_bytes();
    mistyped[20] = if mistyped[20] == b'q' { b'p' } else { b'q' };
    let hrp = |hrp: &str| {
        let key = IdentityKeyPair::generate(&mut rng(2)).public().to_bytes();
        bech32::encode::<bech32::Bech32m>(bech32::Hrp::parse(hrp).unwrap(), &key).unwrap()
    };
    let wl = bech32::Hrp::parse("wl").unwrap();
    let key = IdentityKeyPair::generate(&mut rng(2)).public().to_bytes();
    let bech32_not_m = bech32::encode::<bech32::Bech32>(wl, &key).unwrap();
    let of = |bytes: &[u8]| bech32::encode::<bech32::Bech32m>(wl, bytes).unwrap();
    // 52 characters hold four bits more than a key.
    let mut digits: Vec<_> = key.iter().copied().bytes_to_fes().collect();
    *digits.last_mut().unwrap() = bech32::Fe32::L;
    let more_bits = digits.into_iter().with_checksum::<bech32::Bech32m>(&wl);
    [
        ("lower case", good.clone()),
        ("upper case", good.to_uppercase()),
        ("white space around it", format!(" {good}\n")),
        ("mixed case", good.replacen('w', "W", 1)),
        (
            "one character mistyped",
            String::from_utf8(mistyped).unwrap(),
        ),
        ("one character missing", good[..60].to_owned()),
        ("another prefix", hrp("wx")),
        ("Bech32 instead of Bech32m", bech32_not_m),
        ("a key of 31 bytes", of(&key[..31])),
        (
            "a key of small order",
            of(&unhex(
                "0100000000000000000000000000000000000000000000000000000000000000",
            )),
        ),
        ("bits behind the key", more_bits.chars().collect()),
        ("empty", String::new()),
    ]
    .into_iter()
    .map(|(name, address)| (name.to_owned(), json!({ "address": address })))
    .collect()
}

pub fn ed25519_key() -> Vec<Case> {
    let mut rng = rng(3);
    let mut cases = Vec::new();
    let mut case = |name: String, key: &[u8]| cases.push((name, json!({ "public_key": hex(key) })));
    for i in 0..4 {
        let key = IdentityKeyPair::generate(&mut rng).public().to_bytes();
        case(format!("random {i}"), &key);
    }
    for (i, key) in SMALL_ORDER_ED25519.iter().enumerate() {
        case(format!("small order {i}"), &unhex(key));
    }
    for (i, key) in MIXED_ORDER_ED25519.iter().enumerate() {
        case(format!("mixed order {i}"), &unhex(key));
    }
    case(
        "y = p + 3, not canonical".into(),
        &unhex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    );
    case(
        "y = 1 with the sign bit, not canonical".into(),
        &unhex("0100000000000000000000000000000000000000000000000000000000000080"),
    );
    case(
        "no point of the curve".into(),
        &unhex("0200000000000000000000000000000000000000000000000000000000000000"),
    );
    case("31 bytes".into(), &[1; 31]);
    case("33 bytes".into(), &[1; 33]);
    cases
}

pub fn x25519() -> Vec<Case> {
    let mut rng = rng(4);
    let mut cases = Vec::new();
    let secret: [u8; 32] = random(&mut rng);
    let mut case = |name: String, secret: &[u8], key: &[u8]| {
        cases.push((
            name,
            json!({ "secret": hex(secret), "public_key": hex(key) }),
        ));
    };
    for i in 0..6 {
        let public = DhSecret::generate(&mut rng).public();
        case(
            format!("random {i}"),
            &random::<32>(&mut rng),
            public.as_bytes(),
        );
    }
    for (i, key) in SMALL_ORDER_X25519.iter().enumerate() {
        case(format!("small order {i}"), &secret, &unhex(key));
    }
    let mut high_bit = *DhSecret::generate(&mut rng).public().as_bytes();
    high_bit[31] |= 0x80;
    case(
        "the highest bit set, not canonical".into(),
        &secret,
        &high_bit,
    );
    case(
        "u = p + 9, not canonical".into(),
        &secret,
        &unhex("f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    );
    case("31 bytes".into(), &secret, &[9; 31]);
    cases
}

pub fn safety_number() -> Vec<Case> {
    let mut rng = rng(5);
    let keys: Vec<_> = (0..4)
        .map(|_| IdentityKeyPair::generate(&mut rng).public().to_bytes())
        .collect();
    let mut cases = Vec::new();
    for a in 0..4 {
        for b in 0..4 {
            if a != b && a + b != 5 {
                let input = json!({ "a": hex(&keys[a]), "b": hex(&keys[b]) });
                cases.push((format!("identities {a} and {b}"), input));
            }
        }
    }
    cases
}

pub fn root_step() -> Vec<Case> {
    let mut rng = rng(10);
    (0..8)
        .map(|i| {
            let input = json!({ "root_key": hex(&random::<32>(&mut rng)), "dh_output": hex(&random::<32>(&mut rng)) });
            (format!("step {i}"), input)
        })
        .collect()
}

pub fn first_header_keys() -> Vec<Case> {
    let mut rng = rng(29);
    (0..4)
        .map(|i| {
            let input = json!({ "shared_secret": hex(&random::<32>(&mut rng)) });
            (format!("handshake {i}"), input)
        })
        .collect()
}

pub fn chain_steps() -> Vec<Case> {
    let mut rng = rng(11);
    [1, 2, 5, 20]
        .into_iter()
        .map(|steps| {
            (
                format!("steps: {steps}"),
                json!({ "chain_key": hex(&random::<32>(&mut rng)), "steps": steps }),
            )
        })
        .collect()
}

pub fn message_key() -> Vec<Case> {
    let mut rng = rng(12);
    [0, 1, 16, 64, 200]
        .into_iter()
        .map(|len| {
            let mut plaintext = vec![0; len];
            rng.fill_bytes(&mut plaintext);
            let input = json!({
                "classical_key": hex(&random::<32>(&mut rng)),
                "post_quantum_key": hex(&random::<32>(&mut rng)),
                "nonce": hex(&random::<12>(&mut rng)),
                "plaintext": hex(&plaintext),
                "associated_data": hex(&random::<76>(&mut rng)),
            });
            (format!("{len} bytes"), input)
        })
        .collect()
}

pub fn sender_hint() -> Vec<Case> {
    let mut rng = rng(13);
    (0..6)
        .map(|i| {
            let input = json!({
                "seed": hex(&random::<32>(&mut rng)),
                "other": hex(&IdentityKeyPair::generate(&mut rng).public().to_bytes()),
                "chain_tag": hex(&random::<16>(&mut rng)),
            });
            (format!("pair {i}"), input)
        })
        .collect()
}

pub fn own_words() -> Vec<Case> {
    let mut rng = rng(17);
    [
        (false, 0, 0),
        (false, 40, 1),
        (true, 40, 14),
        (true, 1_000, 28),
        (false, 40, -1),
    ]
    .into_iter()
    .map(|(group, len, later)| {
        let content: Vec<u8> = (0..=255).cycle().take(len).collect();
        let input = json!({
            "kept_day": 20_000,
            "kept_key": hex(&random::<32>(&mut rng)),
            "day": 20_000 + later,
            "conversation": hex(&random::<32>(&mut rng)),
            "group": group,
            "content": hex(&content),
        });
        (
            format!("{len} bytes, group: {group}, {later} days later"),
            input,
        )
    })
    .collect()
}

pub fn message_name() -> Vec<Case> {
    let mut rng = rng(22);
    (0..4)
        .map(|i| {
            let input = json!({
                "salt": hex(&random::<16>(&mut rng)),
                "author": hex(&IdentityKeyPair::generate(&mut rng).public().to_bytes()),
                "id": hex(&random::<16>(&mut rng)),
            });
            (format!("message {i}"), input)
        })
        .collect()
}

pub fn floor_name() -> Vec<Case> {
    let mut rng = rng(43);
    [(false, 1), (true, 300), (false, 1_u64 << 62)]
        .into_iter()
        .map(|(group, lamport)| {
            let input = json!({
                "seed": hex(&random::<32>(&mut rng)),
                "conversation": hex(&random::<32>(&mut rng)),
                "group": group,
                "lamport": lamport,
                "author": hex(&random::<32>(&mut rng)),
                "id": hex(&random::<16>(&mut rng)),
            });
            (format!("clock {lamport}, group: {group}"), input)
        })
        .collect()
}

pub fn padding() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        0, 1, 62, 63, 64, 71, 72, 100, 127, 128, 129, 200, 255, 256, 511, 512, 1_000, 1_023, 1_024,
    ]
    .into_iter()
    .map(|len: usize| {
        let plaintext: Vec<u8> = (0..=255).cycle().take(len).collect();
        (
            format!("{len} bytes"),
            json!({ "plaintext": hex(&plaintext) }),
        )
    })
    .collect();
    cases.push(("ends in the marker".into(), json!({ "plaintext": "0080" })));
    cases.push(("ends in zeros".into(), json!({ "plaintext": "01800000" })));
    cases
}

pub fn unpadding() -> Vec<Case> {
    let mut good = windlass::crypto::pad(b"hoist").to_vec();
    let mut cases = vec![("as made".to_owned(), json!({ "padded": hex(&good) }))];
    let mut case =
        |name: &str, padded: &[u8]| cases.push((name.to_owned(), json!({ "padded": hex(padded) })));
    case("nothing", &[]);
    case("only zeros", &[0; 64]);
    case("another marker", &[1; 64]);
    case("one zero missing", &good[..63]);
    good.push(0);
    case("one zero too many", &good);
    case(
        "padded further than needed",
        &windlass::crypto::pad(b"x")
            .iter()
            .copied()
            .chain([0; 8])
            .collect::<Vec<_>>(),
    );
    cases
}
