//! What a device has to know before it starts, as words of a command line.

use coracle::{Credentials, ServerSettings};

/// The longest pre-shared key, in bytes.
const KEY_ROOM: usize = 32;

/// Which server, and as whom.
///
/// Words are separated by spaces: `server=coaps://192.0.2.1 endpoint=my-device lifetime=60 psk-identity=me psk-key=00ff seed=7`.
/// Words that are not of this form are passed over: the first one is the program's name.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The URI of the server.
    pub server: &'a str,
    /// The endpoint client name.
    pub endpoint: &'a str,
    /// Of the registration, in seconds.
    pub lifetime_s: u32,
    /// What the numbers of an emulator follow from, which has no entropy.
    pub seed: u64,
    identity: &'a str,
    key: [u8; KEY_ROOM],
    key_length: usize,
}

impl core::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Settings")
            .field("server", &self.server)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a command line, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSettings<'a> {
    /// The word.
    pub word: &'a str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl core::fmt::Display for InvalidSettings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.word, self.problem)
    }
}

impl<'a> Settings<'a> {
    /// Reads a command line.
    ///
    /// # Errors
    /// The first word that is wrong; or `server` when it is missing.
    pub fn parse(line: &'a str) -> Result<Self, InvalidSettings<'a>> {
        let mut settings = Self {
            server: "",
            endpoint: "coracle-demo",
            lifetime_s: 300,
            seed: 0,
            identity: "",
            key: [0; KEY_ROOM],
            key_length: 0,
        };
        for word in line.split_ascii_whitespace() {
            if let Some((name, value)) = word.split_once('=') {
                settings.set(name, value).map_err(|problem| InvalidSettings { word, problem })?;
            }
        }
        if settings.server.is_empty() {
            return Err(InvalidSettings { word: "server", problem: "is missing: server=coap://192.0.2.1" });
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &'a str) -> Result<(), &'static str> {
        const NUMBER: &str = "is not a number";
        match name {
            "server" => self.server = value,
            "endpoint" => self.endpoint = value,
            "lifetime" => self.lifetime_s = value.parse().map_err(|_| NUMBER)?,
            "seed" => self.seed = value.parse().map_err(|_| NUMBER)?,
            "psk-identity" => self.identity = value,
            "psk-key" => self.set_key(value)?,
            _ => return Err("is not known: server, endpoint, lifetime, seed, psk-identity and psk-key are"),
        }
        Ok(())
    }

    fn set_key(&mut self, digits: &str) -> Result<(), &'static str> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.is_empty() || pairs.len() > KEY_ROOM {
            return Err("is not a key: write 2 to 64 hexadecimal digits, two for each byte");
        }
        for (byte, [high, low]) in self.key.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                return Err("has a character that is no hexadecimal digit");
            };
            *byte = (high << 4 | low) as u8;
        }
        self.key_length = pairs.len();
        Ok(())
    }

    /// For [`Client::add_server`](coracle::Client::add_server).
    pub fn server_settings(&self) -> ServerSettings<'_> {
        let key = self.key.get(..self.key_length).unwrap_or(&[]);
        ServerSettings {
            uri: self.server,
            short_server_id: 1,
            lifetime_s: self.lifetime_s,
            store_notifications: true,
            credentials: match key {
                [] => Credentials::NONE,
                _ => Credentials::psk(self.identity.as_bytes(), key),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line() {
        let line = "firmware server=coaps://10.0.2.2:5684 endpoint=ep lifetime=20 seed=7 psk-identity=me psk-key=00fF";
        let settings = Settings::parse(line).unwrap();
        assert_eq!((settings.endpoint, settings.lifetime_s, settings.seed), ("ep", 20, 7));
        let server = settings.server_settings();
        assert_eq!((server.uri, server.credentials.secret_key), ("coaps://10.0.2.2:5684", &[0, 0xff][..]));
        assert_eq!(server.credentials.public_key_or_identity, b"me");
    }

    #[test]
    fn without_a_key_there_are_no_credentials() {
        let settings = Settings::parse("server=coap://host").unwrap();
        assert_eq!(settings.server_settings().credentials.mode, coracle::SecurityMode::NoSec);
    }

    #[test]
    fn each_fault_is_named() {
        for (line, word) in [
            ("", "server"),
            ("server=coap://a lifetime=x", "lifetime=x"),
            ("server=coap://a psk-key=0", "psk-key=0"),
            ("server=coap://a psk-key=", "psk-key="),
            ("server=coap://a psk-key=zz", "psk-key=zz"),
            ("server=coap://a color=red", "color=red"),
        ] {
            assert_eq!(Settings::parse(line).map(|_| ()).map_err(|error| error.word), Err(word), "{line}");
        }
    }
}
