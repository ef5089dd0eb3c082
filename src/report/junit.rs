//! Results as JUnit XML, for whatever shows test reports: one suite an engine, one case a verdict.

use super::results::{Entry, Results};
use crate::check::Error;
use crate::check::verdict::Exit;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;

/// The suite of what differs from the lock.
const LOCK: &str = "specs/verdicts.lock";

/// As JUnit XML. It has no times: those would differ from run to run.
pub fn junit(results: &Results) -> Result<String, Error> {
    let command = results.kind;
    let mut report = Report::new(format!("lightsout {command}"));
    for (engine, entries) in results.by_engine() {
        let mut suite = TestSuite::new(engine);
        for entry in entries {
            let mut case = TestCase::new(entry.engine().1, status(entry));
            case.set_classname(format!("lightsout.{command}.{engine}"));
            case.set_system_out(said(entry));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    if !results.differences.is_empty() {
        report.add_test_suite(lock(results));
    }
    report
        .to_string()
        .map_err(|error| Error::Usage(format!("the results are no JUnit XML: {error}")))
}

fn status(entry: &Entry) -> TestCaseStatus {
    let kind = match entry.exit() {
        Exit::Expected => return TestCaseStatus::success(),
        Exit::Differs => NonSuccessKind::Failure,
        Exit::Inconclusive | Exit::Broken => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    let because = entry.because.iter().map(|why| format!(": {why}"));
    let message: String = [format!("{}, expected {}", entry.verdict, entry.expected)]
        .into_iter()
        .chain(because)
        .collect();
    status.set_type(&*entry.verdict).set_message(message);
    if let Some(explained) = entry.explained() {
        status.set_description(explained);
    }
    status
}

/// The verdict, and what there was to do.
fn said(entry: &Entry) -> String {
    let mut said = entry.verdict.clone();
    if let Some(measure) = entry.measure() {
        said += &format!(", {measure}");
    }
    said
}

/// A failed case for each verdict that differs from the lock.
fn lock(results: &Results) -> TestSuite {
    let mut by_id: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for difference in &results.differences {
        by_id
            .entry(&difference.id)
            .or_default()
            .push(&difference.says);
    }
    let mut suite = TestSuite::new(LOCK);
    for (id, says) in by_id {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type("not as in the lock")
            .set_message(says.join("; "));
        let mut case = TestCase::new(id, status);
        case.set_classname("lightsout.lock");
        suite.add_test_case(case);
    }
    suite
}
