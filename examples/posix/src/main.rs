//! The demo device on a posix host: against its own little server, or against yours.

mod arguments;
mod credentials;
mod demo;
mod device;
mod log;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.server {
        Some(server) => {
            arguments.settings(server).map_err(Into::into).and_then(|settings| device::serve(&settings))
        }
        None => demo::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
