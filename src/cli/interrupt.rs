//! Ctrl-C, and a polite kill: the first ends a run with what it covered, the second ends it at once.

use lightsout::check::Error;
use lightsout::interrupt::Interrupt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From here on the first signal only asks. The exit code of the second is that of shells: 128 and the signal.
pub(super) fn listen() -> Result<Interrupt, Error> {
    // A second time the first signal would end it.
    static LISTENS: AtomicBool = AtomicBool::new(false);
    if LISTENS.swap(true, Ordering::Relaxed) {
        return Ok(Interrupt::by(&ASKED));
    }
    for signal in [SIGINT, SIGTERM] {
        // In this order, or the first would see itself.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&ASKED))
            .and_then(|_| flag::register(signal, Arc::clone(&ASKED)))
            .map_err(|source| Error::Io {
                doing: "listen to",
                path: PathBuf::from(format!("signal {signal}")),
                source,
            })?;
    }
    Ok(Interrupt::by(&ASKED))
}
