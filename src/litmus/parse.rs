//! From the text of a litmus file to a test, or one sentence that says where it went wrong.

use super::operation::{Operation, refusal, sync};
use super::{Ask, Crash, Error, Inexpressible, Row, State, Test, Verdict};
use models::disk::Disk;
use models::profile::{NAMES, Profile, SWITCHES};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpec {
    name: String,
    question: String,
    #[serde(default = "sector")]
    sector: Spanned<usize>,
    #[serde(default = "block")]
    block: Spanned<usize>,
    #[serde(default)]
    setup: Vec<Spanned<String>>,
    #[serde(default)]
    program: Vec<Spanned<String>>,
    #[serde(default)]
    observe: Vec<Spanned<String>>,
    #[serde(default)]
    crash: Crash,
    #[serde(default)]
    source: String,
    #[serde(default)]
    ask: Vec<Spanned<AskSpec>>,
    #[serde(default)]
    inexpressible: Vec<Inexpressible>,
}

/// What an ask leaves out is as the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskSpec {
    #[serde(default)]
    name: String,
    setup: Option<Vec<Spanned<String>>>,
    program: Option<Vec<Spanned<String>>>,
    observe: Option<Vec<Spanned<String>>>,
    crash: Option<Crash>,
    #[serde(default)]
    state: Vec<Spanned<String>>,
    source: Option<String>,
    rows: Option<Vec<RowSpec>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowSpec {
    profiles: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    with: BTreeMap<String, Spanned<String>>,
    expect: Option<Spanned<Verdict>>,
    outcomes: Option<usize>,
    source: Option<String>,
    #[serde(default)]
    covers: Vec<String>,
    #[serde(default)]
    note: String,
}

fn sector() -> Spanned<usize> {
    Spanned::new(0..0, 512)
}

fn block() -> Spanned<usize> {
    Spanned::new(0..0, 4096)
}

/// Reads a test.
pub(super) fn test(path: &Path, text: &str) -> Result<Test, Error> {
    Parser { path, text }.test()
}

struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Parser<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> Error {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Error::Spec {
            path: self.path.into(),
            line: before.matches('\n').count() + 1,
            message: message.into(),
        }
    }

    fn test(&self) -> Result<Test, Error> {
        let spec: FileSpec = toml::from_str(self.text).map_err(|error| {
            let message = error.message().replace('\n', " ");
            self.error(error.span().unwrap_or(0..0), message)
        })?;
        let (sector, block) = (*spec.sector.get_ref(), *spec.block.get_ref());
        if sector == 0 || block == 0 || !block.is_multiple_of(sector) {
            let at = spec.block.span().start.max(spec.sector.span().start);
            let message = "a block must be a whole number of sectors, and neither may be zero";
            return Err(self.error(at..at, message));
        }
        if spec.ask.is_empty() && spec.inexpressible.is_empty() {
            return Err(self.error(0..0, "nothing is asked: add `[[ask]]` with a `state`"));
        }
        let asks = spec.ask.iter();
        let asks = asks
            .map(|ask| self.ask(&spec, ask))
            .collect::<Result<_, _>>()?;
        Ok(Test {
            path: self.path.into(),
            name: spec.name,
            question: spec.question,
            asks,
            inexpressible: spec.inexpressible,
        })
    }

    fn ask(&self, file: &FileSpec, spanned: &Spanned<AskSpec>) -> Result<Ask, Error> {
        let spec = spanned.get_ref();
        let setup_text = spec.setup.as_ref().unwrap_or(&file.setup);
        let program_text = spec.program.as_ref().unwrap_or(&file.program);
        let setup = self.operations(setup_text)?;
        let program = self.operations(program_text)?;
        if program.is_empty() {
            return Err(self.error(
                spanned.span(),
                "no `program`, here or at the top of the file",
            ));
        }
        self.rehearse(&setup, &program, setup_text, program_text)?;

        let named: BTreeSet<&str> = setup
            .iter()
            .chain(&program)
            .flat_map(Operation::paths)
            .collect();
        let known = |path: &str, span: Range<usize>| {
            let message = || format!("no operation names `{path}`: check the spelling");
            named
                .contains(path)
                .then_some(())
                .ok_or_else(|| self.error(span, message()))
        };
        let mut state = State::default();
        for line in &spec.state {
            let wrong = |message: String| self.error(line.span(), message);
            state.and(line.get_ref()).map_err(wrong)?;
            state
                .paths()
                .try_for_each(|path| known(path, line.span()))?;
        }
        let observe = spec.observe.as_ref().unwrap_or(&file.observe);
        for path in observe {
            known(path.get_ref(), path.span())?;
        }
        let sizes = (*file.sector.get_ref(), *file.block.get_ref());
        let source = spec.source.as_ref().unwrap_or(&file.source);
        let all = [RowSpec::default()];
        let mut rows = Vec::new();
        for row in spec.rows.as_deref().unwrap_or(&all) {
            self.rows(row, &state, source, sizes, &mut rows)?;
        }
        Ok(Ask {
            name: spec.name.clone(),
            sizes,
            setup,
            program,
            crash: spec.crash.unwrap_or(file.crash),
            state,
            observe: observe.iter().map(|path| path.get_ref().clone()).collect(),
            rows,
        })
    }

    fn operations(&self, texts: &[Spanned<String>]) -> Result<Vec<Operation>, Error> {
        let parse = |text: &Spanned<String>| {
            Operation::parse(text.get_ref()).map_err(|message| self.error(text.span(), message))
        };
        texts.iter().map(parse).collect()
    }

    /// Runs the operations once, so that one that cannot be is met here.
    fn rehearse(
        &self,
        setup: &[Operation],
        program: &[Operation],
        setup_text: &[Spanned<String>],
        program_text: &[Spanned<String>],
    ) -> Result<(), Error> {
        // What a program sees does not depend on the profile, and large sectors are few.
        let posix = Profile::posix().with_sizes(1 << 20, 1 << 20);
        let mut disk = Disk::default();
        let spans = setup_text.iter().chain(program_text).map(Spanned::span);
        for (i, (operation, span)) in setup.iter().chain(program).zip(spans).enumerate() {
            let refused = |why| {
                let why = refusal(why);
                self.error(
                    span.clone(),
                    format!("`{operation}` fails, {why}: make it possible first"),
                )
            };
            if i == setup.len() {
                sync(&mut disk, &posix).map_err(refused)?;
            }
            operation.apply(&mut disk, &posix).map_err(refused)?;
        }
        Ok(())
    }

    /// One row for each profile named.
    fn rows(
        &self,
        spec: &RowSpec,
        state: &State,
        source: &str,
        (sector, block): (usize, usize),
        rows: &mut Vec<Row>,
    ) -> Result<(), Error> {
        if let Some(expect) = spec.expect.as_ref().filter(|_| state.is_empty()) {
            let message = "a verdict is expected, but no `state` is asked for: add one";
            return Err(self.error(expect.span(), message));
        }
        let all = || {
            NAMES
                .map(|name| Spanned::new(0..0, name.to_string()))
                .to_vec()
        };
        for name in spec.profiles.clone().unwrap_or_else(all) {
            let mut profile = Profile::named(name.get_ref()).ok_or_else(|| {
                let names = NAMES.join(", ");
                let message = format!("no profile `{}`: name one of {names}", name.get_ref());
                self.error(name.span(), message)
            })?;
            for (switch, value) in &spec.with {
                profile = profile
                    .with(switch, value.get_ref())
                    .ok_or_else(|| self.error(value.span(), no_switch(switch, value.get_ref())))?;
            }
            rows.push(Row {
                profile: profile.with_sizes(sector, block),
                verdict: spec.expect.as_ref().map(|expect| *expect.get_ref()),
                outcomes: spec.outcomes,
                source: spec.source.as_deref().unwrap_or(source).into(),
                covers: spec.covers.clone(),
                note: spec.note.clone(),
            });
        }
        Ok(())
    }
}

fn no_switch(switch: &str, value: &str) -> String {
    match SWITCHES.iter().find(|(name, _)| *name == switch) {
        Some((_, values)) => {
            format!(
                "{switch} cannot be `{value}`: write one of {}",
                values.join(", ")
            )
        }
        None => {
            let names = SWITCHES.map(|(name, _)| name).join(", ");
            format!("no switch `{switch}`: name one of {names}")
        }
    }
}
