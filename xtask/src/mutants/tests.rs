//! Weaving: a file with its changes asleep is Rust, and says what it said before.

use super::list::{Change, Genre, Point, Span};
use super::weave::weave;

/// A change of the first place where `old` stands behind `after`.
fn change(source: &str, genre: Genre, after: &str, old: &str, replacement: &str) -> Change {
    let behind = source.find(after).unwrap() + after.len();
    let start = behind + source[behind..].find(old).unwrap();
    let point = |at: usize| {
        let line = source[..at].matches('\n').count() + 1;
        let column = source[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        Point { line, column }
    };
    let span = Span { start: point(start), end: point(start + old.len()) };
    let file = "src/chat/group/fold.rs".to_owned();
    let name = format!("{old} is {replacement}");
    Change { file, genre, name, replacement: replacement.into(), span, function: None }
}

fn woven(source: &str, changes: &[Change]) -> String {
    let numbered: Vec<(usize, &Change)> = changes.iter().enumerate().collect();
    let (woven, without) = weave(source, &numbered).unwrap();
    assert!(without.is_empty());
    for place in woven.places.iter().filter(|place| place.own) {
        let text = &woven.text[place.range.clone()];
        assert!(text.contains(&format!("({})", place.change)), "{text}");
    }
    syn::parse_file(&woven.text).unwrap();
    woven.text
}

#[test]
fn an_operator_has_each_other_beside_it_and_what_is_around_it_its_own() {
    let source = "fn f(a: u8, é: u8) -> bool { a < é && !g(a + 1) }";
    let changes = [
        change(source, Genre::BinaryOperator, "a ", "<", "=="),
        change(source, Genre::BinaryOperator, "a ", "<", ">"),
        change(source, Genre::BinaryOperator, "é ", "&&", "||"),
        change(source, Genre::UnaryOperator, "&& ", "!", ""),
        change(source, Genre::BinaryOperator, "g(a ", "+", "-"),
    ];
    assert_eq!(
        woven(source, &changes),
        "fn f(a: u8, é: u8) -> bool { (if crate::mutation::is(2) {a < é || !g(a + 1)} else {\
         (if crate::mutation::is(0) {a == é} else if crate::mutation::is(1) {a > é} else {a < é}) && \
         (if crate::mutation::is(3) {g(a + 1)} else {!g((if crate::mutation::is(4) {a - 1} else {a + 1}))})}) }"
    );
}

#[test]
fn a_function_an_arm_a_guard_and_a_field_have_their_ways() {
    let source = "fn f(a: Option<u8>) -> R {\n    match a {\n        Some(1) => g(),\n        Some(n) if n == 2 => h(),\n        _ => R { a: 1, ..R::new() },\n    }\n}";
    let changes = [
        change(source, Genre::FnValue, "R {\n    ", "match", "R::new()"),
        change(source, Genre::MatchArm, "{\n        ", "Some(1) => g(),", ""),
        change(source, Genre::MatchArm, "g(),\n        ", "Some(n) if n == 2 => h(),", ""),
        change(source, Genre::MatchArmGuard, "if ", "n == 2", "true"),
        change(source, Genre::BinaryOperator, "if n ", "==", "!="),
        change(source, Genre::StructField, "_ => R { ", "a: 1,", ""),
    ];
    assert_eq!(
        woven(source, &changes),
        "fn f(a: Option<u8>) -> R {\n    if crate::mutation::is(0) { return R::new(); } match a {\n        \
         Some(1) if !crate::mutation::is(1) => g(),\n        \
         Some(n) if (if crate::mutation::is(2) {false} else if crate::mutation::is(3) {true} else \
         if crate::mutation::is(4) {n != 2} else {n == 2}) => h(),\n        \
         _ => (if crate::mutation::is(5) {R {  ..R::new() }} else {R { a: 1, ..R::new() }}),\n    }\n}"
    );
}

#[test]
fn what_is_no_expression_is_left_out_and_an_error_is_found_in_what_was_written() {
    let source =
        "fn f(a: Option<u8>) -> bool { if let Some(b) = a && b > 1 { true } else { false } }";
    let chain = change(source, Genre::BinaryOperator, "= a ", "&&", "||");
    let other = change(source, Genre::BinaryOperator, "b ", ">", "<");
    let (woven, without) = weave(source, &[(7, &chain), (8, &other)]).unwrap();
    assert_eq!(without, [7]);
    let of = |text: &str, piece: &str| text.find(piece).unwrap();
    let end = "{ true }";
    assert_eq!(woven.original(of(&woven.text, end)), of(source, end));
    assert_eq!(woven.original(of(&woven.text, "Some")), of(source, "Some"));
    assert_eq!(other.layer(), "chat/group");
}

#[test]
fn each_layer_that_is_changed_exists() {
    for layer in super::LAYERS {
        let folder = layer.trim_end_matches("/**");
        let path = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
        assert!(std::path::Path::new(&path).is_dir(), "{layer}");
    }
}
