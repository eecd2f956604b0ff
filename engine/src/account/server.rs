//! Object 1: how a server wants the device to behave (LwM2M Core appendix E.2).

use coracle_objects_derive::Object;

use crate::engine::{Reader, save_optional};
use crate::model::{Arguments, Changes, Scalar, Sink, Status, Type, Value};
use crate::output::Output;

/// An instance of object 1.
#[derive(Debug, Object)]
#[lwm2m(id = 1, version = "1.1", crate = crate)]
#[lwm2m(execute(4 = disable, 8 = trigger_update))]
pub struct Server {
    #[lwm2m(id = 0, ops = "R")]
    short_server_id: u16,
    /// Seconds; 0 means for ever (LwM2M Core section 6.2.1).
    #[lwm2m(id = 1, ops = "RW")]
    lifetime: u32,
    /// Seconds.
    #[lwm2m(id = 2, ops = "RW")]
    default_minimum_period: Option<u32>,
    /// Seconds.
    #[lwm2m(id = 3, ops = "RW")]
    default_maximum_period: Option<u32>,
    /// Seconds that the device stays away after a Disable.
    #[lwm2m(id = 5, ops = "RW")]
    disable_timeout: Option<u32>,
    #[lwm2m(id = 6, ops = "RW")]
    notification_storing: bool,
    #[lwm2m(id = 7, ops = "RW")]
    binding: Binding,
    /// The last alert, sent or received, that ended a session (RFC 5246 section 7.2).
    #[lwm2m(id = 11, ops = "R")]
    tls_dtls_alert_code: Option<u8>,
    disable_requested: bool,
    update_requested: bool,
    changes: Changes,
}

impl Server {
    /// The time away after a Disable when resource 5 is not set (LwM2M Core appendix E.2): a day.
    const DEFAULT_DISABLE_TIMEOUT_S: u32 = 86_400;

    pub(crate) const EMPTY: Self = Self {
        short_server_id: 0,
        lifetime: 0,
        default_minimum_period: None,
        default_maximum_period: None,
        disable_timeout: None,
        notification_storing: false,
        binding: Binding::NONE,
        tls_dtls_alert_code: None,
        disable_requested: false,
        update_requested: false,
        changes: Changes::NONE,
    };

    pub(crate) fn fill(&mut self, settings: &super::ServerSettings<'_>) {
        self.short_server_id = settings.short_server_id;
        self.lifetime = settings.lifetime_s;
        self.notification_storing = settings.store_notifications;
        self.binding = Binding::U;
    }

    /// For a sleep: what a server may have written.
    pub(crate) fn save(&self, output: &mut Output<'_>) {
        output.push(&self.lifetime.to_be_bytes());
        for value in [self.default_minimum_period, self.default_maximum_period, self.disable_timeout] {
            save_optional(value, output);
        }
        output.byte(self.notification_storing.into());
    }

    /// What [`Server::save`] wrote; it is only looked at unless `take`.
    pub(crate) fn load(&mut self, reader: &mut Reader<'_>, take: bool) -> Option<()> {
        let lifetime = u32::from_be_bytes(reader.array()?);
        let (mut minimum, mut maximum, mut disable) = (None, None, None);
        for value in [&mut minimum, &mut maximum, &mut disable] {
            reader.optional(value)?;
        }
        let storing = reader.byte()? != 0;
        if take {
            (self.lifetime, self.notification_storing) = (lifetime, storing);
            (self.default_minimum_period, self.default_maximum_period) = (minimum, maximum);
            self.disable_timeout = disable;
        }
        Some(())
    }

    const fn disable(&mut self, _: Arguments<'_>) {
        self.disable_requested = true;
    }

    const fn trigger_update(&mut self, _: Arguments<'_>) {
        self.update_requested = true;
    }

    pub(crate) const fn take_update_requested(&mut self) -> bool {
        core::mem::replace(&mut self.update_requested, false)
    }

    /// For how many seconds the server wants the device to stay away.
    pub(crate) fn take_disable_requested(&mut self) -> Option<u32> {
        let requested = core::mem::replace(&mut self.disable_requested, false);
        requested.then(|| self.disable_timeout.unwrap_or(Self::DEFAULT_DISABLE_TIMEOUT_S))
    }
}

/// Transports that a device can be reached over, as letters (LwM2M Core section 6.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding(u8);

impl Binding {
    /// Nothing yet.
    pub(crate) const NONE: Self = Self(0);
    /// UDP.
    pub const U: Self = Self(1);

    /// The letters.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "U",
            _ => "",
        }
    }
}

impl Scalar for Binding {
    const TYPE: Type = Type::String;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::text(self.as_str()));
    }

    /// UDP is all that this client has: every other transport is refused with 4.00.
    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        match value {
            Value::String(text) if text.is("U") => Ok(Self::U),
            _ => Err(Status::BadRequest),
        }
    }
}
