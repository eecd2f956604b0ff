//! Peers that are built when a test needs them: Mbed TLS (from the sources in a crate, with the system's C compiler)
//! and pion (from the Go module proxy). Both know the connection IDs of RFC 9146, this pre-shared key and this identity.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::go;
use crate::process::{Peer, folder, free_port, missing};

/// The pre-shared key that both know.
pub const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Its identity.
pub const IDENTITY: &str = "Client_identity";

fn sources(peer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(peer)
}

/// Builds what has to be built, before a test waits for it.
///
/// # Errors
/// What is missing, for all of them.
pub fn prepare() -> Result<(), String> {
    let failures: Vec<String> = [build_mbedtls(), build_pion()].into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn build_mbedtls() -> Result<PathBuf, String> {
    let target = folder().join("mbedtls-peer");
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo.args(["build", "--locked", "--target-dir"]).arg(&target).current_dir(sources("mbedtls"));
    run(&mut cargo)
        .map_err(|error| format!("the Mbed TLS peer needs a C compiler (Debian: gcc): {error}"))?;
    Ok(target.join("debug/mbedtls-peer"))
}

fn build_pion() -> Result<PathBuf, String> {
    let program = folder().join("pion-peer");
    let mut go = go::command(&folder())?;
    go.args(["build", "-buildvcs=false", "-o"]).arg(&program).arg(".").current_dir(sources("pion"));
    // The proxy may be there again after a while; nothing is fetched twice.
    let built = run(&mut go).or_else(|_| {
        std::thread::sleep(Duration::from_secs(5));
        run(&mut go)
    });
    built.map_err(|error| format!("the pion peer needs the Go module proxy: {error}"))?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}\n{errors}", output.status)) }
}

/// The program; reported as missing when it could not be built.
fn built(
    program: &OnceLock<Result<PathBuf, String>>,
    build: fn() -> Result<PathBuf, String>,
) -> Option<Command> {
    match program.get_or_init(build) {
        Ok(program) => Some(Command::new(program)),
        Err(error) => {
            missing(error);
            None
        }
    }
}

/// Whether a server asks for a cookie before it keeps anything of a client, as the programs take it.
const COOKIES: [&str; 2] = ["no-cookies", "cookies"];

/// An echo server on Mbed TLS; `cid` is its connection ID in hexadecimal, `-` for an empty one, `none` for none.
pub fn mbedtls(suite: &str, cid: &str) -> Option<Peer> {
    start_mbedtls(suite, cid, true)
}

/// The same, which answers the first hello.
pub fn mbedtls_without_cookies(suite: &str, cid: &str) -> Option<Peer> {
    start_mbedtls(suite, cid, false)
}

fn start_mbedtls(suite: &str, cid: &str, cookies: bool) -> Option<Peer> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let mut command = built(&PROGRAM, build_mbedtls)?;
    let port = free_port();
    command.args([&port.to_string(), suite, cid, COOKIES[usize::from(cookies)]]);
    Some(Peer::start(&mut command, port, "READY"))
}

/// An echo server on pion, for the suite with this number of the IANA registry; its connection ID has this length.
pub fn pion(suite: u16, cid_length: u8) -> Option<Peer> {
    start_pion(suite, cid_length, true)
}

/// The same, which answers the first hello.
pub fn pion_without_cookies(suite: u16, cid_length: u8) -> Option<Peer> {
    start_pion(suite, cid_length, false)
}

fn start_pion(suite: u16, cid_length: u8, cookies: bool) -> Option<Peer> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let mut command = built(&PROGRAM, build_pion)?;
    let (port, cookies) = (free_port(), COOKIES[usize::from(cookies)]);
    command.args([&port.to_string(), &format!("{suite:04x}"), &cid_length.to_string(), cookies]);
    Some(Peer::start(&mut command, port, "READY"))
}
