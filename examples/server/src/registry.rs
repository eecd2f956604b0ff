//! Registrations: Register, Update, De-register and expiry (LwM2M Core section 6.2). Time comes in as an argument.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::code::Code;
use crate::format::Format;
use crate::format::link::{self, Link};
use crate::message::Refusal;
use crate::transport::PeerId;
use crate::value::ids;

/// Seconds a registration lasts when the device does not say (LwM2M Core, table 6.2.1-1).
const DEFAULT_LIFETIME: u32 = 86_400;

/// A registered device.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Endpoint client name.
    pub endpoint: String,
    /// Seconds until the registration expires without an Update; 0: never.
    pub lifetime: u32,
    /// LwM2M version, `1.0` if the device does not say.
    pub version: String,
    /// Binding mode, `U` if the device does not say.
    pub binding: String,
    /// The device sleeps: parameter `Q`, or a `Q` in the binding of LwM2M 1.0.
    pub queue: bool,
    /// SMS number.
    pub sms: Option<String>,
    /// Objects and object instances, without the root link and the alternate path.
    pub links: Vec<Link>,
    /// The link with `rt="oma.lwm2m"`: its path is the alternate path, its `ct` lists formats.
    pub root: Option<Link>,
    /// Other parameters, `name=value`.
    pub extra: Vec<String>,
    /// Where the registration lies: `/rd/<id>`.
    pub location: String,
    /// Present address of the device.
    pub address: SocketAddr,
    /// The device's identity on the transport.
    pub peer: PeerId,
    /// A registration of the same endpoint was there already, and is gone.
    pub replaced: bool,
}

impl Registration {
    /// The path all objects lie under; empty unless the device has an alternate path.
    pub(crate) fn prefix(&self) -> &str {
        prefix(self.root.as_ref())
    }

    fn expiry(&self, now: Instant) -> Option<Instant> {
        (self.lifetime > 0).then(|| now + Duration::from_secs(self.lifetime.into()))
    }
}

fn prefix(root: Option<&Link>) -> &str {
    root.map_or("", |link| link.path.trim_end_matches('/'))
}

/// What an Update changed. None of it: the lifetime only begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Another lifetime.
    pub lifetime: bool,
    /// Another binding or SMS number.
    pub binding: bool,
    /// Links were sent and differ.
    pub links: bool,
    /// The device has another address.
    pub address: bool,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) peer: PeerId,
    pub(crate) address: SocketAddr,
}

/// The body of Register and Update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) queries: &'a [String],
    pub(crate) format: Option<Format>,
    pub(crate) payload: &'a [u8],
}

/// All registrations.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    list: Vec<(Registration, Option<Instant>)>,
}

impl Registry {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Registration> {
        self.list.iter().map(|(registration, _)| registration)
    }

    pub(crate) fn by_endpoint(&self, endpoint: &str) -> Option<&Registration> {
        self.all().find(|registration| registration.endpoint == endpoint)
    }

    /// The newest registration from a peer.
    pub(crate) fn by_peer(&self, peer: PeerId) -> Option<&Registration> {
        self.all().filter(|registration| registration.peer == peer).last()
    }

    /// Takes a Register; `id` names the new location.
    pub(crate) fn register(
        &mut self,
        now: Instant,
        origin: Origin,
        body: Body<'_>,
        id: &str,
    ) -> Result<&Registration, Refusal> {
        let parameters = Parameters::parse(body.queries)?;
        let endpoint = parameters.endpoint.ok_or_else(|| bad("no endpoint name (ep)"))?;
        let version = parameters.version.unwrap_or_else(|| "1.0".into());
        if !matches!(version.as_str(), "1.0" | "1.1" | "1.2") {
            let reason = format!("LwM2M version {version} is not 1.0, 1.1 or 1.2");
            return Err(Refusal::new(Code::PRECONDITION_FAILED, reason));
        }
        let binding = parameters.binding.unwrap_or_else(|| "U".into());
        let lifetime = parameters.lifetime.unwrap_or(DEFAULT_LIFETIME);
        check_lifetime(lifetime, &version)?;
        check_binding(&binding, &version)?;
        if parameters.queue && version == "1.0" {
            return Err(bad("parameter Q is of LwM2M 1.1; 1.0 has the binding UQ"));
        }
        let (root, links) = objects(body)?.ok_or_else(|| bad("no object links"))?;
        let replaced = self.remove_endpoint(&endpoint);
        let registration = Registration {
            queue: parameters.queue || binding.contains('Q'),
            endpoint,
            lifetime,
            version,
            binding,
            sms: parameters.sms,
            links,
            root,
            extra: parameters.extra,
            location: format!("/rd/{id}"),
            address: origin.address,
            peer: origin.peer,
            replaced,
        };
        let expiry = registration.expiry(now);
        let (registration, _) = self.list.push_mut((registration, expiry));
        Ok(registration)
    }

    /// Takes an Update. A refused one changes nothing.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        origin: Origin,
        body: Body<'_>,
        id: &str,
    ) -> Result<(&Registration, Changes), Refusal> {
        let (registration, expiry) = self
            .list
            .iter_mut()
            .find(|(registration, _)| location_is(registration, id))
            .ok_or_else(|| unknown(id))?;
        let parameters = Parameters::parse(body.queries)?;
        if parameters.endpoint.is_some() || parameters.version.is_some() {
            return Err(bad("an Update cannot change ep or lwm2m"));
        }
        parameters.lifetime.map_or(Ok(()), |lifetime| check_lifetime(lifetime, &registration.version))?;
        parameters
            .binding
            .as_ref()
            .map_or(Ok(()), |binding| check_binding(binding, &registration.version))?;
        let objects = objects(body)?;
        let before = registration.clone();

        registration.lifetime = parameters.lifetime.unwrap_or(registration.lifetime);
        if let Some(binding) = parameters.binding {
            registration.queue = parameters.queue || binding.contains('Q');
            registration.binding = binding;
        }
        registration.queue |= parameters.queue;
        registration.sms = parameters.sms.or(registration.sms.take());
        if let Some((root, links)) = objects {
            registration.root = root.or(registration.root.take());
            registration.links = links;
        }
        (registration.peer, registration.address) = (origin.peer, origin.address);
        *expiry = registration.expiry(now);
        let changes = Changes {
            lifetime: before.lifetime != registration.lifetime,
            binding: (&before.binding, before.queue, &before.sms)
                != (&registration.binding, registration.queue, &registration.sms),
            links: (&before.links, &before.root) != (&registration.links, &registration.root),
            address: (before.peer, before.address) != (registration.peer, registration.address),
        };
        Ok((registration, changes))
    }

    /// Takes a De-register.
    pub(crate) fn deregister(&mut self, id: &str) -> Result<Registration, Refusal> {
        let index = self.list.iter().position(|(registration, _)| location_is(registration, id));
        Ok(self.list.remove(index.ok_or_else(|| unknown(id))?).0)
    }

    /// Removes and returns one registration whose lifetime is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Registration> {
        let index = self.list.iter().position(|(_, expiry)| expiry.is_some_and(|expiry| expiry <= now))?;
        Some(self.list.remove(index).0)
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.list.iter().filter_map(|(_, expiry)| *expiry).min()
    }

    /// Forgets everything, without a word to anybody.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    fn remove_endpoint(&mut self, endpoint: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|(registration, _)| registration.endpoint != endpoint);
        self.list.len() < before
    }
}

fn location_is(registration: &Registration, id: &str) -> bool {
    registration.location.strip_prefix("/rd/") == Some(id)
}

fn unknown(id: &str) -> Refusal {
    Refusal::new(Code::NOT_FOUND, format!("no registration /rd/{id}"))
}

fn bad(reason: impl Into<String>) -> Refusal {
    Refusal::new(Code::BAD_REQUEST, reason)
}

fn check_lifetime(lifetime: u32, version: &str) -> Result<(), Refusal> {
    // Object 1 of LwM2M 1.1 and later: a lifetime of 0 never ends.
    if lifetime == 0 && version == "1.0" {
        Err(bad("a lifetime (lt) of 0 is not of LwM2M 1.0"))
    } else {
        Ok(())
    }
}

/// 1.0 has the modes of its table 5.3.1.1-1, with Q for queues; later versions list transports only.
fn check_binding(binding: &str, version: &str) -> Result<(), Refusal> {
    let good = if version == "1.0" {
        matches!(binding, "U" | "UQ" | "S" | "SQ" | "US" | "UQS" | "UQSQ")
    } else {
        let mut letters: Vec<char> = binding.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        letters.len() == binding.len() && !binding.is_empty() && binding.chars().all(|c| "UMHTSN".contains(c))
    };
    if good { Ok(()) } else { Err(bad(format!("{binding:?} is no binding (b) of LwM2M {version}"))) }
}

/// Root link and object links of a body; `None` without payload.
type Objects = Option<(Option<Link>, Vec<Link>)>;

fn objects(body: Body<'_>) -> Result<Objects, Refusal> {
    match body.format {
        Some(Format::Link) => {}
        Some(other) => {
            let reason = format!("object links come in link format, not in {other}");
            return Err(Refusal::new(Code::UNSUPPORTED_CONTENT_FORMAT, reason));
        }
        None if body.payload.is_empty() => return Ok(None),
        None => return Err(bad("a payload without Content-Format")),
    }
    let all = link::parse(body.payload).map_err(bad)?;
    let (mut roots, mut links): (Vec<Link>, Vec<Link>) =
        all.into_iter().partition(|link| link.path == "/" || link.get("rt") == Some("oma.lwm2m"));
    if roots.len() > 1 {
        return Err(bad("two links are the root"));
    }
    let root = roots.pop();
    for link in &mut links {
        let path = link.path.strip_prefix(prefix(root.as_ref())).and_then(ids);
        let path = path.filter(|path| matches!(path.len(), 1 | 2) && !path.contains(&u16::MAX));
        match path.as_deref() {
            None => return Err(bad(format!("{} is neither an object nor an object instance", link.path))),
            Some([object @ (0 | 21), ..]) => return Err(bad(format!("/{object} must not be registered"))),
            Some(path) => link.path = crate::value::path_of(path),
        }
    }
    let mut paths: Vec<&str> = links.iter().map(|link| link.path.as_str()).collect();
    paths.sort_unstable();
    match paths.windows(2).find_map(|pair| if pair.first() == pair.last() { pair.first() } else { None }) {
        Some(path) => Err(bad(format!("{path} twice"))),
        None => Ok(Some((root, links))),
    }
}

/// The query parameters of Register and Update.
#[derive(Debug, Default)]
struct Parameters {
    endpoint: Option<String>,
    lifetime: Option<u32>,
    version: Option<String>,
    binding: Option<String>,
    queue: bool,
    sms: Option<String>,
    extra: Vec<String>,
}

impl Parameters {
    fn parse(queries: &[String]) -> Result<Self, Refusal> {
        let mut parameters = Parameters::default();
        let mut seen: Vec<&str> = Vec::new();
        for query in queries {
            let (name, value) = match query.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (query.as_str(), None),
            };
            if seen.contains(&name) {
                return Err(bad(format!("parameter {name} twice")));
            }
            seen.push(name);
            let text = || match value {
                Some(value) if !value.is_empty() => Ok(Some(value.to_owned())),
                _ => Err(bad(format!("parameter {name} without value"))),
            };
            match name {
                "ep" => parameters.endpoint = text()?,
                "lwm2m" => parameters.version = text()?,
                "b" => parameters.binding = text()?,
                "sms" => parameters.sms = text()?,
                "lt" => {
                    let digits = value.filter(|value| value.bytes().all(|b| b.is_ascii_digit()));
                    let number = digits.and_then(|value| value.parse().ok());
                    let shown = value.unwrap_or_default();
                    let wrong = || bad(format!("{shown:?} is no lifetime (lt) in seconds"));
                    parameters.lifetime = Some(number.ok_or_else(wrong)?);
                }
                "Q" if value.is_none() => parameters.queue = true,
                "Q" => return Err(bad("parameter Q has no value")),
                _ => parameters.extra.push(query.clone()),
            }
        }
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests;
