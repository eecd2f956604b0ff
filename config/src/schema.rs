//! Every key of `config.toml`: meaning, unit, range, default, and what it costs. Checks and documentation come from here.

/// What a key's value can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number of `min` to `max`.
    Integer {
        /// The smallest value.
        min: u32,
        /// The largest value.
        max: u32,
        /// The value when the key is left out.
        default: u32,
    },
    /// One of these numbers.
    OneOf {
        /// The values.
        values: &'static [u32],
        /// The value when the key is left out.
        default: u32,
    },
    /// One of these words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// The word when the key is left out.
        default: &'static str,
    },
    /// A list of these words, each at most once, in order of preference.
    Words {
        /// The words.
        words: &'static [&'static str],
        /// The list when the key is left out.
        default: &'static [&'static str],
        /// The least length of the list.
        least: usize,
    },
    /// True or false.
    Switch {
        /// The value when the key is left out.
        default: bool,
    },
    /// Free text.
    Text {
        /// The text when the key is left out.
        default: &'static str,
    },
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written in the file.
    pub name: &'static str,
    /// What its value can be.
    pub kind: Kind,
    /// The unit of a number; empty for counts, words and switches.
    pub unit: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// What it costs.
    pub cost: &'static str,
}

/// A table of the file. The one without a name is the top of the file.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// As it is written in the file, without brackets.
    pub name: &'static str,
    /// What its keys are about.
    pub meaning: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// The content formats, as the file names them.
pub(crate) const FORMATS: &[&str] = &["text", "opaque", "cbor", "senml-json", "senml-cbor", "tlv"];

pub(crate) const fn integer(min: u32, max: u32, default: u32) -> Kind {
    Kind::Integer { min, max, default }
}

pub(crate) const fn key(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    meaning: &'static str,
    cost: &'static str,
) -> Key {
    Key { name, kind, unit, meaning, cost }
}

const GROUPS: &[Group] = &[
    Group {
        name: "",
        meaning: "",
        keys: &[
            key(
                "name",
                Kind::Text { default: "default" },
                "",
                "The name of this profile, for logs and size reports.",
                "nothing",
            ),
            key(
                "content_formats",
                Kind::Words { words: FORMATS, default: FORMATS, least: 1 },
                "",
                "The formats that are linked, the preferred one first: it answers when a server names none. \
                 LwM2M 1.0 servers need tlv, 1.1 servers senml-cbor or senml-json.",
                "flash: 3.7 KB for text, 0.4 for opaque, 0.5 for cbor, 6.6 for senml-json, 5.1 for senml-cbor, 2.9 for tlv",
            ),
        ],
    },
    Group {
        name: "client",
        meaning: "The device.",
        keys: &[key(
            "endpoint_length",
            integer(1, 252, 64),
            "bytes",
            "The longest endpoint client name.",
            "its value in RAM",
        )],
    },
    Group {
        name: "servers",
        meaning: "LwM2M servers, each with an instance of objects 0 and 1.",
        keys: &[
            key(
                "count",
                integer(1, 32, 1),
                "",
                "How many servers the device registers with at the same time.",
                "the lengths here and in [security] plus about 110 bytes of RAM each, and 500 more with DTLS; 0.1 KB of flash for more than one",
            ),
            key(
                "uri_length",
                integer(16, 255, 128),
                "bytes",
                "The longest server URI.",
                "its value in RAM for each server",
            ),
            key(
                "location_length",
                integer(4, 255, 32),
                "bytes",
                "The longest location, the path that a server answers to Register with. Leshan needs 13.",
                "its value in RAM for each server",
            ),
        ],
    },
    Group {
        name: "security",
        meaning: "Keys of object 0, and what is offered with them. All lengths can be 0 for plain CoAP. P-256 keys need 91 (public, DER), 65 (public, point), 138 (private, DER) or 32 (private, scalar).",
        keys: &[
            key(
                "identity_length",
                integer(0, 2048, 128),
                "bytes",
                "The longest PSK identity, own public key or own certificate.",
                "its value in RAM for each server",
            ),
            key(
                "server_key_length",
                integer(0, 2048, 128),
                "bytes",
                "The longest public key or certificate of a server.",
                "its value in RAM for each server",
            ),
            key(
                "secret_key_length",
                integer(0, 512, 64),
                "bytes",
                "The longest pre-shared or private key.",
                "its value in RAM for each server",
            ),
            key(
                "server_name_length",
                integer(0, 255, 0),
                "bytes",
                "The longest name that a server is told in place of its URI's host (SNI), and that its certificate is compared with (resource 14). 0 leaves the resource out.",
                "its value in RAM for each server",
            ),
            key(
                "suite_count",
                integer(0, 16, 0),
                "",
                "How many cipher suites of dtls.suites an account may choose for its server (resource 16). 0 leaves the resource out.",
                "2 bytes of RAM each for each server",
            ),
        ],
    },
    crate::dtls::GROUP,
    Group {
        name: "datagram",
        meaning: "Buffers of the driver.",
        keys: &[
            key(
                "receive",
                integer(64, 65507, 1280),
                "bytes",
                "The largest datagram that is received. Longer ones are dropped.",
                "its value in RAM",
            ),
            key(
                "transmit",
                integer(64, 65507, 1280),
                "bytes",
                "The largest datagram that is sent. Longer answers go out in blocks.",
                "its value in RAM",
            ),
            key(
                "block_size",
                Kind::OneOf { values: &[16, 32, 64, 128, 256, 512, 1024], default: 1024 },
                "bytes",
                "The largest block of a block-wise transfer (RFC 7959).",
                "nothing",
            ),
        ],
    },
    Group {
        name: "coap",
        meaning: "Message layer (RFC 7252).",
        keys: &[
            key(
                "exchanges",
                integer(2, 64, 4),
                "",
                "Confirmable messages of the device that wait for an answer: one for each server, the rest for notifications.",
                "32 bytes of RAM each",
            ),
            key(
                "duplicates",
                integer(1, 255, 16),
                "",
                "Requests that are remembered for 247 s, so that a retransmission is not executed again. When all are Executes or Creates, another one is refused with 5.03.",
                "16 bytes of RAM each",
            ),
            key(
                "ack_timeout_ms",
                integer(100, 60_000, 2_000),
                "ms",
                "The first wait for an acknowledgement; half of it is jitter on top, and it doubles with each retransmission (ACK_TIMEOUT).",
                "nothing",
            ),
            key(
                "max_retransmit",
                integer(0, 10, 4),
                "",
                "How often a confirmable message is sent again (MAX_RETRANSMIT).",
                "nothing",
            ),
        ],
    },
    Group {
        name: "registration",
        meaning: "Registration interface.",
        keys: &[
            key(
                "version",
                Kind::Word { words: &["1.0", "1.1", "1.2"], default: "1.1" },
                "",
                "The protocol version that Register tells.",
                "nothing",
            ),
            key(
                "retry_min_s",
                integer(1, 3_600, 5),
                "s",
                "The wait after the first failure to register; it doubles with each further one.",
                "nothing",
            ),
            key(
                "retry_max_s",
                integer(1, 86_400, 600),
                "s",
                "The longest wait between two attempts. Half of a wait is jitter on top.",
                "nothing",
            ),
        ],
    },
    Group {
        name: "observe",
        meaning: "Information reporting interface.",
        keys: &[
            key(
                "observations",
                integer(0, 255, 16),
                "",
                "Observations over all servers. One more is refused with 5.03.",
                "72 bytes of RAM each; the first 7.7 KB of flash",
            ),
            key(
                "attribute_sets",
                integer(0, 255, 16),
                "",
                "Paths with attributes of their own, over all servers. One more is refused with 5.03.",
                "56 bytes of RAM each; the first 2.3 KB of flash",
            ),
            key(
                "stored_bytes",
                integer(0, 65_535, 512),
                "bytes",
                "Payloads of confirmable notifications that wait for their turn, or for a server that is away. When it is full the newest value replaces those that were to follow, and an event tells.",
                "its value in RAM",
            ),
            key(
                "confirmable",
                Kind::Switch { default: false },
                "",
                "Notifications are confirmable: no value is lost, at the price of an answer to each.",
                "nothing",
            ),
        ],
    },
    Group {
        name: "events",
        meaning: "What the application is told.",
        keys: &[key(
            "count",
            integer(1, 255, 16),
            "",
            "Events that wait to be polled. Those that find no room are counted.",
            "10 bytes of RAM each",
        )],
    },
    Group {
        name: "budget",
        meaning: "Limits that the build checks.",
        keys: &[key(
            "ram",
            integer(512, 1 << 30, 16_384),
            "bytes",
            "The client's static RAM: tables, buffers and itself, without the application's objects. More does not compile.",
            "nothing",
        )],
    },
];

/// All tables but `[object.N]`, with their keys.
pub const fn groups() -> &'static [Group] {
    GROUPS
}

/// What may stand in a table `[object.N]`.
pub(crate) const OBJECT_KEYS: &[&str] =
    &["instances", "resources", "created_by_servers", "text_length", "opaque_length"];

impl Kind {
    /// The allowed values, in words.
    pub(crate) fn allowed(&self) -> String {
        match self {
            Self::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            Self::OneOf { values, .. } => {
                format!("one of {}", values.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::Word { words, .. } => format!("one of {}", quoted(words)),
            Self::Words { words, least: 0, .. } => {
                format!("a list, which may be empty, of {}", quoted(words))
            }
            Self::Words { words, .. } => format!("a list of {}", quoted(words)),
            Self::Switch { .. } => "true or false".into(),
            Self::Text { .. } => "text in quotes, which is not empty".into(),
        }
    }
}

/// The words in quotes, as the file has them.
pub(crate) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}
