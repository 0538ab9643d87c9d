//! The plot: how many times as long as the first contestant each one took. Its colours show on light and on dark ground.

use std::fmt::Write;

use crate::measure::Work;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 70.0;
const BAR: f64 = 14.0;
const GAP: f64 = 22.0;
const TOP: f64 = 56.0;

/// Powers of two, at the ends of the axis.
const LEAST: f64 = -1.0;
const MOST: f64 = 5.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #59636e; stroke-opacity: .35 }
.ours { fill: #0f7b6c } .peer { fill: #8f7ad1 } .other { fill: #c98a2b }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .faint { fill: #9198a1 } .line { stroke: #9198a1 } .ours { fill: #2bb3a0 } }";

/// The whole picture.
pub fn draw(works: &[Work]) -> String {
    let works: Vec<_> = works.iter().filter(|work| work.part != "processor").collect();
    let bars: usize = works.iter().map(|work| work.results.len().saturating_sub(1)).sum();
    let height = TOP + bars as f64 * (BAR + 3.0) + works.len() as f64 * GAP + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">\n\
         <title>How many times as long as the first column of each table: shorter is faster</title>\n\
         <style>{STYLE}</style>\n\
         <text x=\"12\" y=\"20\" font-weight=\"600\">Times as long as the first column of the tables, shorter is faster</text>\n"
    );
    axis(&mut svg, height);
    let mut y = TOP;
    for work in works {
        let first = work.results.first().map_or("", |result| &result.name);
        let _ = writeln!(
            svg,
            "<text x=\"12\" y=\"{:.0}\" font-weight=\"600\">{} <tspan class=\"faint\" font-weight=\"400\">against {}</tspan></text>",
            y + 12.0,
            escape(&work.name),
            escape(first),
        );
        y += GAP - 4.0;
        for result in work.results.iter().skip(1) {
            bar(&mut svg, y, &result.name, result.times);
            y += BAR + 3.0;
        }
        y += 4.0;
    }
    svg + "</svg>\n"
}

fn axis(svg: &mut String, height: f64) {
    for power in LEAST as i32..=MOST as i32 {
        let x = place(f64::from(power).exp2());
        let label = if power < 0 { "½".to_owned() } else { (1 << power).to_string() };
        let _ = writeln!(
            svg,
            "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"44\" y2=\"{:.0}\" stroke-width=\"{}\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"40\" text-anchor=\"middle\">{label}</text>",
            height - 20.0,
            if power == 0 { 2 } else { 1 },
        );
    }
}

/// From 1, to the left what is faster and to the right what is slower.
fn bar(svg: &mut String, y: f64, name: &str, times: f64) {
    let (one, end) = (place(1.0), place(times));
    let (x, width) = (one.min(end), (end - one).abs().max(1.5));
    let class = match name {
        name if name.starts_with("Windlass") => "ours",
        name if name.starts_with("vodozemac") => "peer",
        _ => "other",
    };
    let _ = writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{times:.2}</text>",
        LEFT - 10.0,
        y + 11.5,
        escape(name),
        one.max(end) + 5.0,
        y + 11.5,
    );
}

fn place(times: f64) -> f64 {
    let at = (times.log2().clamp(LEAST, MOST) - LEAST) / (MOST - LEAST);
    LEFT + at * (WIDTH - LEFT - RIGHT)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
