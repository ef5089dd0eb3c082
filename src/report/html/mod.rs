//! A counterexample as a page: one file that asks nothing of any network, and says everything without scripts and
//! on paper, too.
//!
//! - [`index`]: a whole run on one page, with links to those of its counterexamples
//! - `view`: what the page of a counterexample says, in words
//! - `data`: what its script steps through
//! - `page.html`, `*.css`, `*.js`: how it looks, and how it moves

mod data;
mod run;
mod view;

pub use run::{Finding, Kind, Row, Run, index};

use crate::counterexample::Counterexample;
use askama::Template;

/// The page of a counterexample: a whole HTML document.
pub fn page(found: &Counterexample) -> String {
    let page = view::Page::of(found);
    // A template of texts and numbers: nothing in it fails.
    page.render().unwrap_or_else(|error| error.to_string())
}
