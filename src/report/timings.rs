//! What a run took, in a file of its own: these figures differ from machine to machine.

use crate::check::Error;
use crate::check::verdict::Judged;
use crate::explore::Report;
use serde::Serialize;
use std::time::Duration;

/// The version of the schema.
const SCHEMA: u32 = 1;

/// What a run took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timings {
    /// The version of the schema.
    pub schema: u32,
    /// How many ran at a time.
    pub threads: usize,
    /// Seconds, from its start to its end.
    pub seconds: f64,
    /// One entry a verdict, in the order of the results.
    pub entries: Vec<Timing>,
}

/// What one verdict took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// The id of the check or exploration.
    pub id: String,
    /// Seconds.
    pub seconds: f64,
    /// Distinct states that were visited, or recoveries that were run.
    pub visited: usize,
    /// States that were generated, repeated ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<usize>,
    /// Peak bytes of memory, where they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
}

impl Timing {
    /// Of a check.
    pub fn check(judged: &Judged) -> Self {
        Self {
            id: judged.id.clone(),
            seconds: judged.exploration.time.as_secs_f64(),
            visited: judged.exploration.unique,
            generated: Some(judged.exploration.generated),
            bytes: judged.bytes,
        }
    }

    /// Of an exploration of real code.
    pub fn exploration(id: String, report: &Report) -> Self {
        Self {
            id,
            seconds: report.time.as_secs_f64(),
            visited: report.recoveries,
            generated: None,
            bytes: None,
        }
    }
}

impl Timings {
    /// Of a run.
    pub fn of(threads: usize, time: Duration, entries: Vec<Timing>) -> Self {
        Self {
            schema: SCHEMA,
            threads,
            seconds: time.as_secs_f64(),
            entries,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Usage(format!("the timings are no JSON: {error}")))?;
        Ok(text + "\n")
    }
}
