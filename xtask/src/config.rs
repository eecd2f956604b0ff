//! The documentation of `config.toml`, from the table that checks it.

use crate::Outcome;

#[allow(clippy::unnecessary_wraps)] // the form of every command
pub(crate) fn run(_: &[String]) -> Outcome {
    print!("{}", coracle_config::documented_defaults());
    Ok(())
}
