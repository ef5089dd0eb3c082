//! `lightsout explorer`.

use super::CheckArgs;
use clap::Args;
use lightsout::check::explorer::{self, which};
use lightsout::check::run::{id, validate};
use lightsout::check::search::Until;
use lightsout::check::spec::{Check, Spec};
use lightsout::check::{Error, catalogue, spec};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

/// As long a shortest way to a broken promise is looked for before the Explorer starts.
const LOOKED_FOR: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
    # the way to a broken promise, step by step
    lightsout explorer lsm/as-found/log-synced
    # the first check of a variant, on another file system, with one crash
    lightsout explorer wal durable --profile strict --bounds crashes=1")]
pub(super) struct ExplorerArgs {
    /// A check, as `lightsout list` names it; or a pattern that matches one; or an engine, before its variant.
    model: String,
    /// A variant of that engine: the first check of it.
    variant: Option<String>,
    /// Where to listen. Port 0 takes one that is free. Whoever reaches another address than 127.0.0.1 can look, too.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    address: String,
    /// On this profile instead of the spec's.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// With these bounds instead of the spec's: `operations=3,crashes=1`.
    #[arg(long, value_name = "NAME=N,..", value_delimiter = ',')]
    bounds: Vec<String>,
}

pub(super) fn run(directory: &Path, args: &ExplorerArgs) -> Result<u8, Error> {
    let specs = spec::read(directory)?;
    validate(&specs)?;
    let overrides = super::check::selection(&CheckArgs {
        profile: args.profile.clone(),
        bounds: args.bounds.clone(),
        ..CheckArgs::default()
    })?;
    let (spec, check) = which::check(&specs, &args.model, args.variant.as_deref(), overrides)?;
    let explorer = explorer::of(spec, &check)?;
    let address = free(&args.address)?;
    let broken = way_to_a_breach(spec, &check, &*explorer);

    let served = std::thread::spawn(move || explorer.serve(address));
    while !served.is_finished() && TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    if !served.is_finished() {
        // Who started it may not read what it says.
        let _ = write!(
            anstream::stderr(),
            "{}",
            how_to(spec, &check, address, broken)
        );
    }
    // It ends only by a panic, which has said why.
    let _ = served.join();
    Err(Error::Usage(format!(
        "the Explorer at {address} came to an end: start it again"
    )))
}

/// The address, if one can listen there.
fn free(text: &str) -> Result<SocketAddr, Error> {
    let mut addresses = text.to_socket_addrs().map_err(|error| {
        Error::Usage(format!(
            "--address `{text}` is not HOST:PORT, as 127.0.0.1:3000 is: {error}"
        ))
    })?;
    let address = addresses.next().ok_or_else(|| {
        Error::Usage(format!(
            "--address `{text}` is no address that this machine knows"
        ))
    })?;
    let listener = TcpListener::bind(address).and_then(|listener| listener.local_addr());
    listener.map_err(|error| {
        Error::Usage(format!(
            "cannot listen at {address}: {error}; give another address, or port 0 for one that is free, with --address"
        ))
    })
}

/// The promise and the choices that lead to its breach, where one is expected and soon found.
fn way_to_a_breach(
    spec: &Spec,
    check: &Check,
    explorer: &dyn explorer::Explorer,
) -> Option<(String, Vec<usize>)> {
    if check.expect == "holds" {
        return None;
    }
    let case = catalogue::case(spec, check).ok()?;
    let until = Until {
        time: Some(LOOKED_FOR),
        ..Until::default()
    };
    let found = case.shortest(until).ok()??;
    let way = explorer.way(found.moves())?;
    Some((found.broken.promise, way))
}

fn how_to(
    spec: &Spec,
    check: &Check,
    address: SocketAddr,
    broken: Option<(String, Vec<usize>)>,
) -> String {
    let mut text = format!(
        "{} on {}: open http://{address}/ in a browser\n",
        id(spec, check),
        check.profile
    );
    if let Some((promise, way)) = broken {
        let way: Vec<String> = way.iter().map(|choice| format!("/{choice}")).collect();
        text.push_str(&format!(
            "  a shortest way to a broken {promise}: http://{address}/#/steps{}\n",
            way.concat()
        ));
    }
    text.push_str(
        "  choose what happens next on the left, read what came of it on the right; Ctrl-C ends it\n",
    );
    if !address.ip().is_loopback() {
        text.push_str("  whoever reaches that address can look, too\n");
    }
    text
}
