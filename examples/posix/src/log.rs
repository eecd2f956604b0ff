//! Lines for people: time, who, what.

use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Instant;

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Prints one line. Nobody may be there to read it any more (`| head`): a device goes on all the same.
pub(crate) fn line(who: &str, what: impl Display) {
    let seconds = STARTED.get_or_init(Instant::now).elapsed().as_secs_f32();
    let _ = writeln!(std::io::stdout(), "{seconds:9.3}  {who:<7} {what}");
}

/// Prints a line of what the device does.
pub(crate) fn device(what: impl Display) {
    line("device", what);
}

/// Prints a line of what the server does.
pub(crate) fn server(what: impl Display) {
    line("server", what);
}
