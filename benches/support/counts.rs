//! What a benchmark is asked to measure.

/// The numbers that it is given, to be taken one after the other; `usual` if there are none.
pub fn asked(usual: &[usize]) -> Vec<usize> {
    let asked: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if asked.is_empty() {
        usual.to_vec()
    } else {
        asked
    }
}
