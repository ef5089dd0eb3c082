//! How much memory the process had at most, as the operating system counts it.

use lightsout::check::search::Gauge;
use std::fs;

/// Where the system says it; none on another.
pub(super) fn gauge() -> Option<Gauge> {
    peak_bytes()?;
    Some(Gauge {
        // Resets the peak to what the process has now. Where that is refused, the peak is that of the whole run.
        reset: || drop(fs::write("/proc/self/clear_refs", "5")),
        peak: || peak_bytes().unwrap_or(0),
    })
}

/// The peak of the resident set.
fn peak_bytes() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_allocated_shows() {
        let gauge = gauge().expect("Linux says it");
        (gauge.reset)();
        let before = (gauge.peak)();
        let bytes = 64 << 20;
        drop(std::hint::black_box(vec![1_u8; bytes]));
        assert!((gauge.peak)() >= before + bytes / 2);
    }
}
