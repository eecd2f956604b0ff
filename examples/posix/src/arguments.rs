//! The command line.

use std::net::Ipv6Addr;

use clap::Parser;
use coracle::engine::profile::{Profile as Sizes, Table};
use coracle::{InvalidUri, Uri};
use coracle_demo_app::Profile;

use crate::credentials;
use crate::device::Settings;

/// A Lightweight M2M device on this host.
///
/// Without --server it starts a small server of its own on loopback, lets it manage the device, shows both sides, and ends.
/// With --server it is a real device for that server until it gets SIGINT or SIGTERM: objects 3 (Device), 3303 (Temperature)
/// and 3311 (Light Control) with values that change.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "URI", help = "The server to register with: coap://host[:port] or coaps://host[:port]", value_parser = server_uri)]
    pub(crate) server: Option<String>,

    /// The endpoint client name, under which the server knows the device
    #[arg(long, value_name = "NAME", default_value = "urn:dev:ops:32473-coracle-demo", value_parser = endpoint)]
    pub(crate) endpoint: String,

    /// How long the server keeps the registration without an update, in seconds; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) lifetime: u32,

    /// The local UDP port; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) local_port: u16,

    /// Without --server: plain CoAP to the built-in server, not DTLS
    #[arg(long, conflicts_with_all = ["server", "kind"])]
    pub(crate) plain: bool,

    #[command(flatten)]
    credentials: credentials::Options,
}

impl Arguments {
    /// What a device for `server` needs.
    ///
    /// # Errors
    /// Server and keys do not fit together, or a file can't be used: in words.
    pub(crate) fn settings(&self, server: &str) -> Result<Settings, String> {
        let keys = self.credentials.keys()?;
        let secure = Uri::parse(server).map_err(|error| error.to_string())?.secure;
        if secure && !keys.is_secure() {
            return Err(format!("{server} needs keys: {}", Self::key_options()));
        }
        if !secure && keys.is_secure() {
            return Err(format!(
                "{server} is plain CoAP, which has no keys: write coaps://, or leave the keys out"
            ));
        }
        Ok(Settings {
            server: server.into(),
            endpoint: self.endpoint.clone(),
            lifetime: self.lifetime,
            local_port: self.local_port,
            keys,
        })
    }

    fn key_options() -> &'static str {
        "--psk-identity with --psk-key, --rpk-key with --server-rpk, or --cert with --key and --ca"
    }
}

pub(crate) fn server_uri(text: &str) -> Result<String, String> {
    let host = Uri::parse(text).map_err(|error| error.to_string())?.host;
    // A device may have no room for the rules of addresses; nobody looks up what is none.
    if host.contains(':') && host.parse::<Ipv6Addr>().is_err() {
        return Err(InvalidUri::Host.to_string());
    }
    Ok(text.into())
}

fn endpoint(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the endpoint client name must not be empty".into());
    }
    let longest = <Profile as Sizes>::EndpointName::CAPACITY;
    if text.len() > longest {
        return Err(format!(
            "the endpoint client name has {} bytes, but at most {longest} fit: see client.endpoint_length in config.toml",
            text.len()
        ));
    }
    Ok(text.into())
}

fn seconds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("a lifetime is a whole number of seconds, from 0 to {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn faults_are_explained() {
        for (argument, part) in [
            ("--server=host", "starts with coap://"),
            ("--server=coap://host:0", "port"),
            ("--server=coap://host/rd", "leave out path"),
            ("--server=coap://[::1::2]", "malformed"),
            ("--server=coap://[1.2.3.4:]", "malformed"),
            ("--endpoint=", "must not be empty"),
            ("--lifetime=soon", "a whole number of seconds"),
            ("--lifetime=-1", "a whole number of seconds"),
        ] {
            let error = Arguments::try_parse_from(["device", argument]).unwrap_err().to_string();
            assert!(error.contains(part), "{argument}: {error}");
        }
    }

    #[test]
    fn server_and_keys_have_to_fit() {
        let settings = |arguments: &[&str]| {
            let arguments =
                Arguments::try_parse_from([&["device"], arguments].concat()).map_err(|e| e.to_string())?;
            arguments.settings(arguments.server.as_deref().unwrap_or_default())
        };
        let psk = ["--psk-identity=me", "--psk-key=00112233"];
        assert!(
            settings(&["--server=coaps://host", psk[0], psk[1]])
                .is_ok_and(|settings| settings.keys.is_secure())
        );
        assert!(settings(&["--server=coap://host"]).is_ok());
        for (arguments, part) in [
            (&["--server=coaps://host"][..], "needs keys: --psk-identity"),
            (&["--server=coap://host", psk[0], psk[1]], "write coaps://"),
            (&["--server=coaps://host", psk[0]], "--psk-key"),
            (&["--server=coaps://host", psk[0], "--psk-key=0"], "even number"),
            (
                &["--server=coaps://host", psk[0], psk[1], "--rpk-key=a", "--server-rpk=b"],
                "cannot be used with",
            ),
            (&["--server=coaps://host", "--rpk-key=/absent", "--server-rpk=b"], "/absent: No such file"),
            (&["--server=coaps://host", "--cert=a", "--key=b"], "--ca"),
        ] {
            let error = settings(arguments).err().unwrap_or_default();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }
}
