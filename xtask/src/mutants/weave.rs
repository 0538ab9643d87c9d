//! A file with all of its changes in it, each asleep until its number is called: `a < b` becomes
//! `(if crate::mutation::is(7) {a <= b} else {a < b})`. What is changed is the text as it was written, so that changes within changes do not multiply.

use std::cmp::Reverse;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::list::{Change, Genre, Point, Span};

/// The switch, as the code that is woven asks it.
const IS: &str = "crate::mutation::is";

/// A file with its changes.
pub struct Woven {
    pub text: String,
    /// Where each change stands in `text`: first what is its own, then what it shares with others.
    pub places: Vec<Place>,
    /// Pieces of the file as it was: where they are in `text`, and where they were.
    pieces: Vec<(Range<usize>, usize)>,
}

/// A part of the text that is there because of a change.
pub struct Place {
    pub range: Range<usize>,
    pub change: usize,
    /// Whether it is the change itself, and not only around what was there before.
    pub own: bool,
}

impl Woven {
    /// Where a byte of the text was before.
    pub fn original(&self, at: usize) -> usize {
        let before = self.pieces.iter().rev().find(|(range, _)| range.start <= at);
        before.map_or(0, |(range, was)| was + at.min(range.end) - range.start)
    }
}

/// What one expression may be instead, each with its change.
type Choices = Vec<(usize, String)>;

/// Something that is put into the file.
struct Insertion {
    at: usize,
    /// What is closed comes before what begins, the inner before the outer; what begins, the outer first.
    order: (bool, Reverse<usize>),
    text: String,
    /// Parts of `text`, each with its change.
    own: Vec<(Range<usize>, usize)>,
    /// The insertion that ends what begins here.
    around: Option<Range<usize>>,
}

/// Weaves these changes, with their numbers, into a file; those that have no place in it are given back.
pub fn weave(source: &str, changes: &[(usize, &Change)]) -> Result<(Woven, Vec<usize>)> {
    let parsed = syn::parse_file(source).context("it is not Rust")?;
    let mut found = Sites::default();
    found.visit_file(&parsed);
    let lines = Lines::of(source);
    let (mut insertions, mut without) = (Vec::<Insertion>::new(), Vec::new());
    let mut wrapped: Vec<(Range<usize>, Choices)> = Vec::new();
    for &(number, change) in changes {
        let span = lines.range(change.span)?;
        match site(&found, source, change, &span) {
            Some(Site::Insert(at, text)) => {
                let text = text.replace('#', &number.to_string());
                let own = vec![(0..text.len(), number)];
                let order = (true, Reverse(usize::MAX));
                insertions.push(Insertion { at, order, text, own, around: None });
            }
            Some(Site::Wrap(range, text)) => {
                match wrapped.iter_mut().find(|(at, _)| *at == range) {
                    Some((_, choices)) => choices.push((number, text)),
                    None => wrapped.push((range, vec![(number, text)])),
                }
            }
            None => without.push(number),
        }
    }
    insertions.extend(wrapped.into_iter().flat_map(|(range, choices)| wrap(range, choices)));
    insertions.sort_by_key(|insertion| (insertion.at, insertion.order));
    Ok((put_in(source, &insertions)?, without))
}

/// Where a change goes.
enum Site {
    /// Text at a place, `#` for the number.
    Insert(usize, String),
    /// Another text in the place of an expression.
    Wrap(Range<usize>, String),
}

fn site(found: &Sites, source: &str, change: &Change, span: &Range<usize>) -> Option<Site> {
    let instead = |whole: &Range<usize>| {
        let (before, after) =
            (source.get(whole.start..span.start)?, source.get(span.end..whole.end)?);
        Some(Site::Wrap(whole.clone(), format!("{before}{}{after}", change.replacement)))
    };
    match change.genre {
        Genre::FnValue => {
            let text = format!("if {IS}(#) {{ return {}; }} ", change.replacement);
            Some(Site::Insert(span.start, text))
        }
        Genre::BinaryOperator | Genre::UnaryOperator => {
            let (whole, _) = found.operators.iter().find(|(_, operator)| operator == span)?;
            instead(whole)
        }
        Genre::StructField => {
            let around = |whole: &&Range<usize>| whole.start <= span.start && span.end <= whole.end;
            instead(found.structs.iter().filter(around).min_by_key(|whole| whole.len())?)
        }
        Genre::MatchArmGuard => instead(found.guards.iter().find(|guard| *guard == span)?),
        Genre::MatchArm => {
            let (_, pattern, guard) = found.arms.iter().find(|(start, ..)| *start == span.start)?;
            Some(match guard {
                None => Site::Insert(*pattern, format!(" if !{IS}(#)")),
                Some(guard) => Site::Wrap(guard.clone(), "false".into()),
            })
        }
    }
}

/// The two ends of what is put around an expression that has several changes.
fn wrap(range: Range<usize>, choices: Choices) -> [Insertion; 2] {
    let (mut text, mut own) = ("(".to_owned(), Vec::new());
    for (number, instead) in choices {
        let start = text.len();
        text += &format!("if {IS}({number}) {{{instead}}} else ");
        own.push((start..text.len(), number));
    }
    text.push('{');
    let (at, size) = (range.start, range.len());
    let end = Insertion {
        at: range.end,
        order: (false, Reverse(usize::MAX - size)),
        text: "})".into(),
        own: Vec::new(),
        around: None,
    };
    let order = (true, Reverse(size));
    [Insertion { at, order, text, own, around: Some(range) }, end]
}

fn put_in(source: &str, insertions: &[Insertion]) -> Result<Woven> {
    let mut woven = Woven { text: String::new(), places: Vec::new(), pieces: Vec::new() };
    let mut open: Vec<(usize, Range<usize>, Vec<usize>)> = Vec::new();
    let mut at = 0;
    let mut copy = |woven: &mut Woven, to: usize| -> Result<()> {
        let piece = source.get(at..to).context("an insertion within a character")?;
        let start = woven.text.len();
        woven.text += piece;
        woven.pieces.push((start..woven.text.len(), at));
        at = to;
        Ok(())
    };
    for insertion in insertions {
        copy(&mut woven, insertion.at)?;
        let start = woven.text.len();
        woven.text += &insertion.text;
        for (range, change) in &insertion.own {
            let range = start + range.start..start + range.end;
            woven.places.push(Place { range, change: *change, own: true });
        }
        if let Some(range) = &insertion.around {
            let changes = insertion.own.iter().map(|(_, change)| *change).collect();
            open.push((start, range.clone(), changes));
        } else if insertion.own.is_empty() {
            let (start, range, changes) = open.pop().context("an end without a beginning")?;
            if range.end != insertion.at {
                bail!("expressions that overlap");
            }
            let range = start..woven.text.len();
            let around = |change| Place { range: range.clone(), change, own: false };
            woven.places.extend(changes.into_iter().map(around));
        }
    }
    copy(&mut woven, source.len())?;
    Ok(woven)
}

/// The parts of a file that can be changed.
#[derive(Default)]
struct Sites {
    /// Expressions of one operator, and where that is.
    operators: Vec<(Range<usize>, Range<usize>)>,
    structs: Vec<Range<usize>>,
    guards: Vec<Range<usize>>,
    /// The beginning of an arm, the end of its pattern, its guard.
    arms: Vec<(usize, usize, Option<Range<usize>>)>,
}

impl<'ast> Visit<'ast> for Sites {
    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        // A chain of `let` is no expression.
        if !has_let(&binary.left) && !has_let(&binary.right) {
            self.operators.push((bytes(binary), bytes(&binary.op)));
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        self.operators.push((bytes(unary), bytes(&unary.op)));
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        self.structs.push(bytes(expression));
        visit::visit_expr_struct(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let guard = arm.guard.as_ref().map(|(_, guard)| bytes(guard));
        self.guards.extend(guard.clone());
        self.arms.push((bytes(arm).start, bytes(&arm.pat).end, guard));
        visit::visit_arm(self, arm);
    }
}

fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn bytes(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

/// Where the lines of a file begin.
pub struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn of(source: &'a str) -> Self {
        let after = source.match_indices('\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The bytes of a span.
    pub fn range(&self, span: Span) -> Result<Range<usize>> {
        Ok(self.byte(span.start)?..self.byte(span.end)?)
    }

    fn byte(&self, point: Point) -> Result<usize> {
        let start = *self.starts.get(point.line - 1).context("a line after the last")?;
        let line = self.source.get(start..).context("a line within a character")?;
        let mut columns = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        Ok(start + columns.nth(point.column - 1).context("a column after the last")?)
    }
}
