//! Schedules between two devices.

use super::*;

/// What happens in a schedule: A and B send, a and b receive the envelope of that number. Behind `*` is how many of a side are lost, behind `@` on which
/// day a side sends, behind `~` which epoch it says although it is in another.
const SCHEDULES: [(&str, bool, &str); 33] = [
    ("one message", false, "A b0"),
    ("one message to a one-time prekey", true, "A b0"),
    (
        "the handshake travels until the first reply",
        true,
        "A A b0 b1 B a2 A b3",
    ),
    (
        "in order, both directions",
        false,
        "A b0 B a1 A b2 B a3 A b4 B a5",
    ),
    (
        "several in each turn",
        true,
        "A A A b0 b1 b2 B B a3 a4 A A b5 b6",
    ),
    ("the first message arrives last", false, "A A A b2 b1 b0"),
    ("lost messages", false, "A A A A b0 b3 B a4 A b5"),
    ("late from the previous turn", false, "A A b0 B a2 A b3 b1"),
    (
        "late from two turns ago",
        true,
        "A A b0 B a2 A b3 B a4 A b5 b1",
    ),
    ("each one twice", false, "A b0 b0 B a1 a1 A A b3 b2 b3 b2"),
    ("a sender hears itself", true, "A a0 b0 B b1 a1"),
    (
        "both answer at once",
        false,
        "A b0 B A a1 b2 B A a3 b4 A b5",
    ),
    (
        "damaged on the way, then whole",
        true,
        "A b0! b0 B a1! a1 A A b3! b2 b3",
    ),
    (
        "more than five turns late",
        false,
        "A A b0 B a2 A b3 B a4 A b5 B a6 A b7 B a8 A b9 B a10 A b11 b1",
    ),
    (
        "25001 are missing in front of one, 25000 in front of another",
        false,
        "A b0 B a1 A b2 A*25000 A A b4 b3 b4",
    ),
    (
        "25001 are missing at the end of a turn, then 25000",
        false,
        "A b0 B a1 A b2 A A*25000 B a4 A b5 b3 b5",
    ),
    (
        "2000 keys are kept",
        true,
        "A b0 B a1 A b2 A A*1999 A b4 b3",
    ),
    (
        "of 2001 keys the oldest is not kept",
        true,
        "A b0 B a1 A b2 A A A*1999 A b5 b3 b4",
    ),
    ("a post-quantum epoch", false, "A b0 B a1 A b2 B a3 A b4"),
    (
        "25 messages, then the next epoch",
        true,
        "A b0 B a1 A b2 B a3 B*24 B a4 A b5 B a6 A b7",
    ),
    (
        "a day, then the next epoch, three times",
        false,
        "A@1 b0 B@1 a1 A@1 b2 B@1 a3 B@2 a4 A@2 b5 B@2 a6 A@2 b7 A@3 b8 B@3 a9 A@3 b10 B@3 a11 B@4 a12 A@4 b13 B@4 a14 A@4 b15",
    ),
    (
        "the key is lost and comes with the ninth message",
        false,
        "A A b1 A*6 A b2 B a3 A b4",
    ),
    (
        "the answer is lost and comes with the ninth message",
        true,
        "A b0 B B a2 A b3 B a4 B*5 A b5 B B a7 A b8 B a9",
    ),
    (
        "the answer comes when the turn is over",
        false,
        "A b0 B B a2 A b3 a1 A b4 B a5 A b6",
    ),
    (
        "late messages of the epoch before",
        true,
        "A A b0 B B a2 A A b4 B a6 A b7 b1 b5 a3",
    ),
    (
        "the rest of a turn is of the epoch before",
        false,
        "A b0 B a1 A A A b2 B a5 A b6 b4 b3",
    ),
    (
        "an epoch begins with a message in the middle of a turn",
        true,
        "A b0 B a1 A A A b4 b2 B a5 b3 A b6",
    ),
    (
        "a damaged message brings no key",
        false,
        "A b0! A b1 B a2 A b3 b0 B a4 A b5",
    ),
    ("a first message says an epoch", false, "A~1 b0 A b1"),
    (
        "a turn of an epoch that is not agreed on",
        true,
        "A b0 B a1 A b2 B a3 A b4 B~2 a5 B a6 A b7",
    ),
    (
        "a turn of the epoch before",
        false,
        "A b0 B a1 A b2 B a3 A~0 b4 A b5",
    ),
    (
        "two epochs in one turn",
        true,
        "A b0 B a1 A A~0 A~2 A b3 b4 b5 b2 B a6",
    ),
    (
        "a late message that says another epoch",
        true,
        "A b0 B a1 A A~0 A b4 b3 b2 B a5",
    ),
];

pub fn conversation() -> Vec<Case> {
    let mut rng = rng(16);
    let mut schedules: Vec<(String, bool, String)> = SCHEDULES
        .iter()
        .map(|(name, one_time, schedule)| ((*name).to_owned(), *one_time, (*schedule).to_owned()))
        .collect();
    schedules.extend((0..8).map(|i| {
        (
            format!("at random {i}"),
            i % 2 == 0,
            random_schedule(30, false, &mut rng),
        )
    }));
    schedules.extend((0..12).map(|i| {
        (
            format!("at random, on several days {i}"),
            i % 2 == 0,
            random_schedule(50, true, &mut rng),
        )
    }));
    schedules
        .into_iter()
        .enumerate()
        .map(|(number, (name, one_time, schedule))| {
            let alice = party(
                random(&mut rng),
                &Device::random(random_id(&mut rng), false, &mut rng),
                false,
            );
            let mut device = Device::random(random_id(&mut rng), one_time, &mut rng);
            // The schedules of epochs begin with nothing that withstands a quantum computer.
            device.shows_kem_key = number < 16 && number % 4 == 0;
            let bob = party(random(&mut rng), &device, true);
            let mut sent = 0;
            let steps: Vec<_> = schedule
                .split(' ')
                .map(|step| self::step(step, &mut sent, &mut rng))
                .collect();
            let input = json!({
                "alice": alice,
                "bob": bob,
                "ephemeral_secret": hex(&random::<32>(&mut rng)),
                "kem_coins": hex(&random::<32>(&mut rng)),
                "handshake_nonce": hex(&random::<12>(&mut rng)),
                "steps": steps,
            });
            (name, input)
        })
        .collect()
}

fn step(step: &str, sent: &mut u32, rng: &mut SeededRandom) -> Value {
    let by = if step.starts_with(['A', 'a']) {
        "alice"
    } else {
        "bob"
    };
    if let Some((step, epoch)) = step.split_once('~') {
        let mut step = self::step(step, sent, rng);
        step["claims_epoch"] = json!(epoch.parse::<u32>().unwrap());
        return step;
    }
    let (step, day) = step.split_once('@').unwrap_or((step, "0"));
    if step.len() == 1 {
        let payload = v2::Payload {
            content: format!("message {sent}").into_bytes(),
            sender_bundle: Vec::new(),
            pair: None,
            receipt: Vec::new(),
        };
        *sent += 1;
        return json!({
            "by": by,
            "send": hex(&payload.encode_to_vec()),
            "now": day.parse::<u64>().unwrap() * 86_400_000,
            "ratchet_secret": hex(&random::<32>(rng)),
            "kem_seed": hex(&random::<64>(rng)),
            "kem_coins": hex(&random::<32>(rng)),
            "nonce": hex(&random::<12>(rng)),
            "header_nonce": hex(&random::<12>(rng)),
        });
    }
    if let Some((_, lost)) = step.split_once('*') {
        return json!({ "by": by, "lose": lost.parse::<u32>().unwrap() });
    }
    let number: u32 = step[1..].trim_end_matches('!').parse().unwrap();
    let mut receive = json!({ "by": by, "receive": number });
    if step.ends_with('!') {
        // Inside the ciphertext, whatever stands in front of it: an envelope of one short message ends in 92 bytes of it.
        receive["flip_byte_from_end"] = json!(50);
    }
    receive
}

/// So many steps; who has nothing to receive sends. With `days`, time goes on.
fn random_schedule(count: u32, days: bool, rng: &mut SeededRandom) -> String {
    let mut day = 0;
    let mut steps = vec!["A".to_owned(), "b0".to_owned()];
    let mut sent = 1;
    let mut under_way: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..count {
        let side = (rng.next_u32() % 2) as usize;
        let waiting = &mut under_way[side];
        if waiting.is_empty() || rng.next_u32() % 5 < 2 {
            if days {
                day += rng.next_u32() % 2;
            }
            steps.push(format!("{}@{day}", ["A", "B"][side]));
            under_way[1 - side].push(sent);
            sent += 1;
            continue;
        }
        let at = rng.next_u32() as usize % waiting.len();
        let number = waiting[at];
        // Sometimes it stays under way and comes again.
        if !rng.next_u32().is_multiple_of(8) {
            waiting.remove(at);
        }
        steps.push(format!("{}{number}", ["a", "b"][side]));
    }
    steps.join(" ")
}
