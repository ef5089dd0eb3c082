//! A counterexample as a picture: a timeline of its steps. To be replaced by the one of the page.

use crate::counterexample::Counterexample;
use std::fmt::Write;

/// One labelled box for each step, from top to bottom.
pub fn timeline(found: &Counterexample) -> String {
    let height = 24 * found.steps.len() + 8;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"{height}\" role=\"img\" \
         font-family=\"monospace\" font-size=\"12\"><title>{}</title>",
        escaped(&found.name)
    );
    for (number, step) in found.steps.iter().enumerate() {
        let y = 4 + 24 * number;
        let _ = write!(
            svg,
            "<rect x=\"4\" y=\"{y}\" width=\"712\" height=\"20\" fill=\"#fff\" stroke=\"#888\"/>\
             <text x=\"10\" y=\"{}\" fill=\"#000\">{number} {}</text>",
            y + 14,
            escaped(&step.in_words())
        );
    }
    svg + "</svg>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
