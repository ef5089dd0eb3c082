//! Who else kept the processors busy: a sync then waits for a processor, longer than for the disk, and all rows
//! look alike. Seen on Linux only.

use std::fs::read_to_string;

/// What the processors were given to so far, in ticks.
pub(crate) struct Ticks {
    all: u64,
    others: u64,
}

impl Ticks {
    /// Since the machine started.
    pub(crate) fn now() -> Option<Ticks> {
        // `proc(5)`: user, nice, system, idle, iowait, irq, softirq, steal.
        let all = read_to_string("/proc/stat").ok()?;
        let all = all.lines().next()?.split_whitespace().skip(1).take(8);
        let all: Vec<u64> = all.filter_map(|ticks| ticks.parse().ok()).collect();
        let &[user, nice, .., steal] = &all[..] else {
            return None;
        };
        // The 14th field is `utime`, the third is the first behind the name.
        let own = read_to_string("/proc/self/stat").ok()?;
        let (_, own) = own.rsplit_once(") ")?;
        let own: u64 = own.split_whitespace().nth(14 - 3)?.parse().ok()?;
        Some(Ticks {
            all: all.iter().sum(),
            others: (user + nice + steal).saturating_sub(own),
        })
    }

    /// The part of the processors that programs of others have had since then.
    pub(crate) fn share_since(&self, before: &Ticks) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.others.saturating_sub(before.others) as f64 / all as f64
    }
}
