//! The digits of a safety number as pictures with names, which are easier to compare by eye or over a telephone.

/// A picture and its name in English.
pub type Emoji = (&'static str, &'static str);

/// Two digits for each: `00` the first, `99` the last. RFC windlass appendix A.
#[rustfmt::skip]
pub const EMOJI: [Emoji; 100] = [
    ("🐕", "dog"), ("🐈", "cat"), ("🐎", "horse"), ("🐄", "cow"), ("🐖", "pig"),
    ("🐑", "sheep"), ("🐇", "rabbit"), ("🐁", "mouse"), ("🐘", "elephant"), ("🦒", "giraffe"),
    ("🦁", "lion"), ("🐻", "bear"), ("🦊", "fox"), ("🦔", "hedgehog"), ("🐒", "monkey"),
    ("🐪", "camel"), ("🐓", "rooster"), ("🦆", "duck"), ("🦉", "owl"), ("🐧", "penguin"),
    ("🐸", "frog"), ("🐢", "turtle"), ("🐍", "snake"), ("🐟", "fish"), ("🐙", "octopus"),
    ("🦀", "crab"), ("🐌", "snail"), ("🐝", "bee"), ("🐜", "ant"), ("🦋", "butterfly"),
    ("🌹", "rose"), ("🌻", "sunflower"), ("🌲", "fir"), ("🌴", "palm"), ("🌵", "cactus"),
    ("🍄", "mushroom"), ("🍁", "leaf"), ("🍎", "apple"), ("🍌", "banana"), ("🍇", "grapes"),
    ("🍓", "strawberry"), ("🍒", "cherries"), ("🍋", "lemon"), ("🍍", "pineapple"), ("🥕", "carrot"),
    ("🌽", "corn"), ("🍞", "bread"), ("🧀", "cheese"), ("🥚", "egg"), ("🍕", "pizza"),
    ("🎂", "cake"), ("🍪", "cookie"), ("🍯", "honey"), ("☕", "coffee"), ("🌞", "sun"),
    ("🌙", "moon"), ("⭐", "star"), ("🌈", "rainbow"), ("☁️", "cloud"), ("⚡", "lightning"),
    ("❄️", "snow"), ("🔥", "fire"), ("💧", "drop"), ("🌊", "wave"), ("🌋", "volcano"),
    ("🏠", "house"), ("🏰", "castle"), ("⛺", "tent"), ("🚗", "car"), ("🚌", "bus"),
    ("🚂", "train"), ("🚲", "bicycle"), ("✈️", "aeroplane"), ("🚀", "rocket"), ("⛵", "sailboat"),
    ("⚓", "anchor"), ("🔑", "key"), ("🔒", "lock"), ("🔔", "bell"), ("💡", "lamp"),
    ("📕", "book"), ("✏️", "pencil"), ("✂️", "scissors"), ("🔨", "hammer"), ("🧲", "magnet"),
    ("⏰", "clock"), ("📷", "camera"), ("📻", "radio"), ("☎️", "telephone"), ("🎈", "balloon"),
    ("🎁", "gift"), ("🎲", "dice"), ("⚽", "ball"), ("🏆", "trophy"), ("🎸", "guitar"),
    ("🎺", "trumpet"), ("🥁", "drum"), ("👑", "crown"), ("🎩", "hat"), ("☂️", "umbrella"),
];

/// The pictures of a safety number: thirty for its sixty digits.
#[must_use]
pub fn safety_emoji(number: &str) -> Vec<Emoji> {
    let digits: Vec<usize> = number
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .map(|digit| digit as usize)
        .collect();
    digits
        .chunks_exact(2)
        .filter_map(|pair| EMOJI.get(pair.iter().fold(0, |all, digit| 10 * all + digit)))
        .copied()
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_pair_of_digits_has_a_picture_and_a_name_of_its_own() {
        let pictures: BTreeSet<_> = EMOJI.iter().map(|(picture, _)| picture).collect();
        let names: BTreeSet<_> = EMOJI.iter().map(|(_, name)| name).collect();
        assert_eq!((pictures.len(), names.len()), (100, 100));
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase()))
        );
        let all: String = (0..100).map(|pair| format!("{pair:02}")).collect();
        assert_eq!(safety_emoji(&all), EMOJI);
        assert_eq!(safety_emoji("00 99 1").len(), 2);
    }
}
