//! The finder of imports and circles that `tests/layers.rs` stands on, on trees that are made for it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::imports::Sources;
use support::imports::graph::Imports;
use support::imports::python::python_imports;
use support::imports::rust::rust_imports;

fn tree(files: &[(&str, &str)]) -> Sources {
    let files = files.iter();
    files
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn rust(files: &[(&str, &str)]) -> Imports {
    rust_imports(&tree(files))
}

fn python(files: &[(&str, &str)]) -> Imports {
    python_imports("boat", &tree(files))
}

/// Each import as `from > to: names`.
fn edges(imports: &Imports) -> Vec<String> {
    let edges = imports.edges();
    edges
        .map(|(from, to, names)| {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            format!("{from} > {to}: {}", names.join(" "))
        })
        .collect()
}

#[test]
fn a_circle_is_shown_file_by_file() {
    let found = rust(&[
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::{a::A, d}; pub struct C(d::D);"),
        // In the circles, but not in the shortest.
        ("d.rs", "use crate::e::E; pub struct D;"),
        ("e.rs", "use crate::{b::B, c::C}; pub struct E;"),
    ]);
    assert_eq!(
        found.circles(),
        [
            "  a.rs imports b.rs (B)\n  b.rs imports c.rs (C)\n  c.rs imports a.rs (A)\n  \
          and in circles with them: d.rs, e.rs\n"
        ]
    );
}

#[test]
fn circles_apart_from_each_other_are_two() {
    let found = rust(&[
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::A; use crate::c::C;"),
        ("c.rs", "fn c() { crate::d::d() }"),
        ("d.rs", "fn d() { super::c::c() }"),
    ]);
    assert_eq!(found.circles().len(), 2);
}

#[test]
fn a_tree_without_a_circle_has_none() {
    let found = rust(&[
        ("a.rs", "use crate::b::B; use crate::c::C;"),
        ("b.rs", "use crate::d::D;"),
        ("c.rs", "use crate::d::D;"),
        ("d.rs", "pub struct D;"),
    ]);
    assert_eq!(found.edges().count(), 4);
    assert!(found.circles().is_empty());
}

#[test]
fn re_exports_are_followed_to_the_definition() {
    let found = rust(&[
        ("lib.rs", "mod hull; pub use hull::Keel;"),
        (
            "hull/mod.rs",
            "mod keel; mod ribs; pub use keel::{Keel as Spine, Keel}; pub(crate) use ribs::Rib;",
        ),
        ("hull/keel.rs", "pub struct Keel;"),
        ("hull/ribs.rs", "use super::Spine; pub struct Rib;"),
        ("sail.rs", "use crate::hull::Rib; use crate::Keel;"),
        ("mast.rs", "use crate::hull; fn step(on: hull::Keel) {}"),
    ]);
    let expected = [
        "hull/ribs.rs > hull/keel.rs: Keel",
        "mast.rs > hull/keel.rs: Keel",
        "sail.rs > hull/keel.rs: Keel",
        "sail.rs > hull/ribs.rs: Rib",
    ];
    assert_eq!(edges(&found), expected);
}

#[test]
fn code_in_a_mod_file_makes_a_circle_with_a_child_that_uses_it() {
    let declares = "mod keel; pub use keel::Keel;";
    let child = ("hull/keel.rs", "use super::Wood; pub struct Keel(Wood);");
    let circles = |code: &str| {
        let parent = format!("{declares} {code}");
        rust(&[("hull/mod.rs", &parent), child]).circles().len()
    };
    assert_eq!(circles("pub struct Wood;"), 0);
    assert_eq!(circles("pub struct Wood; fn lay() -> Keel { todo!() }"), 1);
    assert_eq!(circles("pub struct Wood; fn lay() { keel::lay() }"), 1);
}

#[test]
fn every_form_of_a_path_counts_and_nothing_that_is_no_code() {
    let text = r##"
        use crate::{a::{self, A as First}, b};
        use std::fmt;
        //! crate::no::comment
        /* crate::no::comment /* crate::no::more */ crate::no::comment */
        fn f<'a>(x: &'a First) -> impl Sized + use<'a> {
            let _ = ("crate::no::text \" crate::no::text", r#"crate::no::" crate::no::text"#, '"', '\'');
            let y = a::make::<super::super::c::C>(x.crate_name);
            b::show!(y);
            self::inner::deep();
            fmt::d::Display
        }
        #[cfg(test)]
        use crate::no::for_tests;
        #[cfg(test)]
        #[allow(unused)]
        mod tests { use crate::no::for_tests; fn f() { crate::no::for_tests() } }
        fn last() -> crate::d::D {}
    "##;
    let found = rust(&[
        ("lib.rs", ""),
        ("a.rs", ""),
        ("b.rs", ""),
        ("c.rs", ""),
        ("d.rs", ""),
        ("no.rs", ""),
        ("x/mod.rs", ""),
        ("x/y.rs", text),
        ("x/y/inner.rs", ""),
        ("x/tests.rs", "use crate::no::for_tests;"),
    ]);
    let expected = [
        "x/y.rs > a.rs: A make",
        "x/y.rs > b.rs: show",
        "x/y.rs > c.rs: C",
        "x/y.rs > d.rs: D",
        "x/y.rs > x/y/inner.rs: deep",
    ];
    assert_eq!(edges(&found), expected);
}

#[test]
fn every_import_of_python_counts() {
    let text = "\"\"\"from boat import no\"\"\"\n\
        from typing import TYPE_CHECKING\n\
        import boat.a, os\n\
        from boat import b as other  # from boat import no\n\
        from . import c\n\
        if TYPE_CHECKING:\n    from .d import (\n        D,\n        E as F,\n    )\n\
        def late():\n    from ..e import x\n    text = 'from boat import no'\n";
    let found = python(&[
        ("__init__.py", ""),
        ("a.py", ""),
        ("b/__init__.py", "def lead(): pass\n"),
        ("e.py", ""),
        ("no.py", ""),
        ("deck/__init__.py", ""),
        ("deck/c.py", ""),
        ("deck/d.py", ""),
        ("deck/log.py", text),
    ]);
    let expected = [
        "deck/log.py > a.py: the module",
        "deck/log.py > b/__init__.py: b",
        "deck/log.py > deck/c.py: c",
        "deck/log.py > deck/d.py: D E",
        "deck/log.py > e.py: x",
    ];
    assert_eq!(edges(&found), expected);
}

#[test]
fn a_python_package_that_re_exports_is_in_no_circle_and_one_that_defines_is() {
    let circles = |init: &str| {
        let files = [
            ("__init__.py", init),
            ("errors.py", "class Leak(Exception):\n    pass\n"),
            ("hull.py", "from boat import Leak, depth\n"),
            ("depth.py", ""),
        ];
        python(&files).circles()
    };
    let declares = "from boat import hull as hull\nfrom boat.hull import Hull\n";
    let named = format!("{declares}from boat.errors import Leak\n");
    let starred = format!("{declares}from boat.errors import *\n");
    assert!(circles(&named).is_empty());
    assert!(circles(&starred).is_empty());
    let defined = format!("{declares}class Leak(Exception): ...\n");
    assert_eq!(
        circles(&defined),
        ["  __init__.py imports hull.py (Hull, hull)\n  hull.py imports __init__.py (Leak)\n"]
    );
}
