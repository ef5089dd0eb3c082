//! The table of one number of threads, and what is wrong in it.

use crate::lane::Ended;
use std::fmt;

/// A store on one thread is faster than a sync allows where three rounds of four say so, and more than noise.
const NOISE: f64 = 1.10;
/// Where others have more of the processors, the table is worth little.
const QUIET: f64 = 0.10;

/// Its first row is the raw limit.
pub(crate) struct Table {
    threads: usize,
    rows: Vec<(Ended, Ratios)>,
    /// The part of the processors that others had meanwhile.
    others: f64,
}

/// To the raw limit, round against round.
struct Ratios {
    median: f64,
    /// Half of the rounds lie between.
    quarters: [f64; 2],
}

impl Ratios {
    fn of(rates: &[f64], limit: &[f64]) -> Ratios {
        let mut all: Vec<f64> = rates
            .iter()
            .zip(limit)
            .map(|(rate, limit)| rate / limit)
            .collect();
        all.sort_by(f64::total_cmp);
        Ratios {
            median: all[all.len() / 2],
            quarters: [all[all.len() / 4], all[all.len() * 3 / 4]],
        }
    }
}

impl Table {
    pub(crate) fn of(threads: usize, ended: Vec<Ended>, others: f64) -> Table {
        let limit = ended[0].rates.clone();
        let rows = ended.into_iter().map(|ended| {
            let ratios = Ratios::of(&ended.rates, &limit);
            (ended, ratios)
        });
        Table {
            threads,
            rows: rows.collect(),
            others,
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.flags().next().is_none()
    }

    /// What nobody should overlook.
    fn flags(&self) -> impl Iterator<Item = String> {
        self.rows.iter().flat_map(|(row, ratios)| {
            let fast = (self.threads == 1 && ratios.quarters[0] > NOISE).then(|| {
                let ratio = ratios.median;
                format!(
                    "{} is {ratio:.2} times as fast as a sync allows: it does not sync each put",
                    row.name
                )
            });
            let lost = row
                .kept
                .lost()
                .then(|| format!("{} lost what it was given", row.name));
            [fast, lost].into_iter().flatten()
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, rounds) = (self.threads, self.rows[0].0.rates.len());
        let plural = if threads == 1 { "" } else { "s" };
        writeln!(
            f,
            "{threads} thread{plural}, {rounds} rounds: puts of 16 + 100 bytes, durable before they return"
        )?;
        writeln!(
            f,
            "{:<28} {:>8} {:>14} {:>9} {:>8} {:>8}  opened again",
            "", "of limit", "half of rounds", "puts/s", "p50 ms", "p99 ms"
        )?;
        for (row, ratios) in &self.rows {
            let rate = row.rates.iter().sum::<f64>() / rounds as f64;
            let [low, high] = ratios.quarters;
            let at = |quantile| row.latencies.value_at_quantile(quantile) as f64 / 1e6;
            let line = format!(
                "{:<28} {:>8.2} {:>14} {:>9.0} {:>8.3} {:>8.3}  {}",
                row.name,
                ratios.median,
                format!("{low:.2} to {high:.2}"),
                rate,
                at(0.5),
                at(0.99),
                row.kept
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        for flag in self.flags() {
            writeln!(f, "RED FLAG: {flag}.")?;
        }
        if self.others > QUIET {
            let share = self.others * 100.0;
            writeln!(
                f,
                "Others had {share:.0}% of the processors, and syncs waited for them: run it when all is quiet."
            )?;
        }
        writeln!(f)
    }
}
