//! The options of a request, checked, and the operation that they ask for (LwM2M Core section 6.3 and 8).

use crate::coap::{Block, Code, Message, Options, is_critical, number};
use crate::model::{ContentFormat, Level, Path, Status, parse_id};

/// A request with its options taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
    pub(crate) path: Path,
    pub(crate) content_format: Option<u16>,
    pub(crate) accept: Option<u16>,
    pub(crate) block2: Option<Block>,
    pub(crate) payload: &'a [u8],
    options: Options<'a>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Discover,
    Observe,
    CancelObservation,
    Write,
    WriteAttributes,
    PartialWriteOrExecute,
    Create,
    Delete,
}

impl<'a> Request<'a> {
    /// Checks the options of a request.
    ///
    /// # Errors
    /// [`Status::BadOption`] for critical options that are unknown, malformed or repeated (RFC 7252 section 5.4),
    /// [`Status::BadRequest`] for the reserved size of a block (RFC 7959 section 2.2),
    /// [`Status::RequestEntityIncomplete`] for a block that is not the first (RFC 7959 section 2.9.2),
    /// [`Status::NotFound`] for a path that is not a path of LwM2M, [`Status::MethodNotAllowed`] for other methods.
    pub(crate) fn parse(message: &Message<'a>) -> Result<Self, Status> {
        let mut digest = Digest::default();
        let mut path = Some(Path::ROOT);
        for option in message.options() {
            if option.number == number::URI_PATH {
                path = path.zip(parse_id(option.value)).and_then(|(path, id)| path.child(id));
            } else {
                digest.take(option.number, option.value.len(), option.uint(4))?;
            }
        }
        let path = path.ok_or(Status::NotFound)?;
        let operation = operation(message, &digest, path)?;
        Ok(Self {
            operation,
            path,
            content_format: digest.content_format,
            accept: digest.accept,
            block2: digest.block2,
            payload: message.payload(),
            options: message.options(),
        })
    }

    /// The Uri-Query options.
    pub(crate) fn queries(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.options.clone().filter(|option| option.number == number::URI_QUERY).map(|option| option.value)
    }
}

/// The options that may come once: of elective ones the first counts (RFC 7252 section 5.4.5).
#[derive(Default)]
struct Digest {
    content_format: Option<u16>,
    accept: Option<u16>,
    observe: Option<u32>,
    block2: Option<Block>,
    query: bool,
}

impl Digest {
    fn take(&mut self, number: u16, length: usize, uint: Option<u32>) -> Result<(), Status> {
        let short = |max| uint.filter(|_| length <= max);
        match number {
            number::URI_QUERY => self.query = true,
            number::URI_HOST | number::URI_PORT => {}
            number::PROXY_URI | number::PROXY_SCHEME => return Err(Status::ProxyingNotSupported),
            number::CONTENT_FORMAT => {
                self.content_format = self.content_format.or(short(2).map(|value| value as u16));
            }
            number::OBSERVE => self.observe = self.observe.or(short(3)),
            number::ACCEPT if self.accept.is_none() => {
                self.accept = Some(short(2).ok_or(Status::BadOption)? as u16);
            }
            number::BLOCK2 if self.block2.is_none() => {
                let value = short(3).ok_or(Status::BadOption)?;
                self.block2 = Some(Block::from_uint(value).ok_or(Status::BadRequest)?);
            }
            number::BLOCK1 if short(3).is_some_and(|value| value & 7 == 7) => return Err(Status::BadRequest),
            // A body in one block needs no reassembly (RFC 7959 section 2.2); more is not supported yet.
            number::BLOCK1 if short(3).is_some_and(|value| value >> 3 == 0) => {}
            // The blocks before it were refused, or never sent (RFC 7959 section 2.9.2).
            number::BLOCK1 if short(3).is_some_and(|value| value >> 4 != 0) => {
                return Err(Status::RequestEntityIncomplete);
            }
            critical if is_critical(critical) => return Err(Status::BadOption),
            _ => {}
        }
        Ok(())
    }
}

fn operation(message: &Message<'_>, digest: &Digest, path: Path) -> Result<Operation, Status> {
    let operation = match message.code() {
        Code::GET if digest.accept == Some(ContentFormat::LinkFormat.number()) => Operation::Discover,
        Code::GET => match digest.observe {
            None => Operation::Read,
            Some(0) => Operation::Observe,
            Some(1) => Operation::CancelObservation,
            Some(_) => return Err(Status::BadRequest),
        },
        Code::PUT if digest.query && message.payload().is_empty() && digest.content_format.is_none() => {
            Operation::WriteAttributes
        }
        Code::PUT => Operation::Write,
        Code::POST => match path.level() {
            Level::Root => return Err(Status::MethodNotAllowed),
            Level::Object => Operation::Create,
            _ => Operation::PartialWriteOrExecute,
        },
        Code::DELETE => Operation::Delete,
        _ => return Err(Status::MethodNotAllowed),
    };
    // Parameters that this version does not know must not be passed over in silence.
    if digest.query && !matches!(operation, Operation::WriteAttributes | Operation::Discover) {
        return Err(Status::BadRequest);
    }
    Ok(operation)
}
