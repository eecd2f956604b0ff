//! The deepest path through the calls of an image.
//!
//! A call through a pointer is followed to all that its line of the source can mean: `object.instance(id)` to every
//! function of that name in a table of methods; a closure to those of its kind that the nearest caller has lent, as
//! closures here live in the frame of one who waits for the call to return.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::image::{Function, Image};

/// Closures of one kind.
struct Closures {
    /// The names under which lines of the source call them, and the end of the files in which they do.
    callers: &'static [(&'static str, &'static str)],
    /// Parts of their own names, the ends of those with a closing brace; and of those that are none of them.
    names: &'static [&'static str],
    except: &'static [&'static str],
}

const LOOKUP: &str = "write::check::<coracle_cortex_m4::profile::Profile>::{closure#1}";

const CLOSURES: &[Closures] = &[
    Closures {
        callers: &[("visit", "walk.rs")],
        names: &["feed::{closure#0}", "measure::{closure#0}", "count::{closure#0}"],
        except: &[],
    },
    Closures {
        callers: &[("sink", ".rs")],
        names: &[
            "feed::{closure#0}::{closure#0}",
            "measure::{closure#0}::{closure#0}",
            "number_at::{closure#0}",
            "Proposal>::get",
        ],
        except: &[],
    },
    Closures {
        callers: &[("found", ".rs")],
        names: &["operation::write::", "operation::create::", "named_instance::"],
        except: &[LOOKUP, "tlv::"],
    },
    Closures { callers: &[("each", "tlv.rs")], names: &["tlv::"], except: &["tlv::measure"] },
    Closures {
        callers: &[("body", "content.rs"), ("write", "store.rs")],
        names: &["notify::write_value", "handle_reading", "write_stored", "store_notification"],
        except: &[],
    },
    Closures {
        callers: &[("work", "credentials.rs")],
        names: &["::with::", "::check::"],
        except: &["write::check"],
    },
    Closures { callers: &[("work", "session.rs")], names: &["session::Sessions"], except: &["::with::"] },
    Closures { callers: &[("lookup", "object.rs"), ("lookup", "write.rs")], names: &[LOOKUP], except: &[] },
    Closures {
        callers: &[
            ("piece", ".rs"),
            ("visit", "value.rs"),
            ("each", "value.rs"),
            ("each", "base64.rs"),
            ("each", "json.rs"),
        ],
        names: &["output::Output>", "account::buffer", "model::value", "senml::Record", "model::resource"],
        except: &[],
    },
];

/// Where a method's name is that of several traits: the call, and which is meant.
const METHODS: &[(&str, &str)] =
    &[("encoded.value(", "Encoded>::value"), ("encoder.value(", "Encoder>::value")];

/// Methods that may do nothing in all traits' implementations: folded into one function, they have the name of another.
const EMPTY: &[&str] = &["leave"];

/// Which closures can be called at present: for each kind those that were lent last.
type Lent = Vec<BTreeSet<u32>>;

/// A path of calls, from the root on, with the frame of each.
#[derive(Clone, Default)]
pub(super) struct Path {
    pub(super) frames: Vec<(String, u64)>,
}

impl Path {
    pub(super) fn bytes(&self) -> u64 {
        self.frames.iter().map(|(_, bytes)| bytes).sum()
    }
}

pub(super) struct Graph {
    image: Image,
    known: RefCell<BTreeMap<(u32, Lent), Path>>,
    unknown: RefCell<BTreeSet<String>>,
}

impl Graph {
    pub(super) fn new(image: Image) -> Self {
        Self { image, known: RefCell::default(), unknown: RefCell::default() }
    }

    /// The deepest path that begins in this function of the device.
    pub(super) fn deepest(&self, root: &str) -> Result<Path, String> {
        let name = format!("coracle_cortex_m4::{root}");
        let root = self.image.functions.iter().find(|(_, function)| function.name == name);
        let (address, _) = root.ok_or_else(|| format!("the image has no function {name}"))?;
        Ok(self.below(*address, &vec![BTreeSet::new(); CLOSURES.len()], &mut Vec::new()))
    }

    /// Calls whose target is not known, and what calls itself.
    pub(super) fn unknown(&self) -> BTreeSet<String> {
        self.unknown.borrow().clone()
    }

    fn below(&self, address: u32, lent: &Lent, path: &mut Vec<(u32, Lent)>) -> Path {
        let Some(function) = self.image.functions.get(&address) else { return Path::default() };
        let lent = self.lend(function, lent);
        let state = (address, lent);
        if let Some(known) = self.known.borrow().get(&state) {
            return known.clone();
        }
        if path.contains(&state) {
            // Not in one go: what the names of methods seem to allow.
            return Path::default();
        }
        path.push(state.clone());
        let mut targets = function.calls.clone();
        for place in &function.indirect {
            targets.extend(self.targets(function, place, &state.1));
        }
        let deepest = targets.iter().map(|target| self.below(*target, &state.1, path));
        let deepest = deepest.max_by_key(Path::bytes).unwrap_or_default();
        path.pop();
        let mut frames = vec![(function.name.clone(), function.frame)];
        frames.extend(deepest.frames);
        let result = Path { frames };
        self.known.borrow_mut().insert(state, result.clone());
        result
    }

    /// Closures that a function lends take the place of those of the same kind.
    fn lend(&self, function: &Function, lent: &Lent) -> Lent {
        let mut lent = lent.clone();
        for (kind, closures) in lent.iter_mut().zip(CLOSURES) {
            let of_kind = |address: &&u32| {
                let name = self.image.functions.get(address).map_or("", |function| &function.name);
                // `call_once` of a closure that is lent is never called.
                let is_closure = name.contains("{closure") && !name.contains("FnOnce<");
                let matches = |parts: &[&str]| parts.iter().any(|part| is_part(name, part));
                is_closure && matches(closures.names) && !matches(closures.except)
            };
            let lends: BTreeSet<u32> = function.lends.iter().filter(of_kind).copied().collect();
            if !lends.is_empty() {
                *kind = lends;
            }
        }
        lent
    }

    /// What a call through a pointer, in this line of the source, can lead to.
    fn targets(&self, function: &Function, place: &str, lent: &Lent) -> BTreeSet<u32> {
        let mut targets = BTreeSet::new();
        let line = source(place);
        let file = place.rsplit_once(':').map_or("", |(file, _)| file);
        for word in called(&line) {
            for (closures, lent) in CLOSURES.iter().zip(lent) {
                if closures.callers.iter().any(|(caller, end)| *caller == word && file.ends_with(end)) {
                    targets.extend(lent);
                }
            }
            // `visit(step)` calls a closure, `text.visit(each)` a method.
            if ![format!(".{word}("), format!("::{word}")].iter().any(|call| line.contains(call)) {
                continue;
            }
            let suffix = format!(">::{word}");
            let meant = METHODS.iter().find(|(call, _)| line.contains(call) && call.contains(&word));
            let suffix = meant.map_or(suffix.as_str(), |(_, suffix)| suffix);
            let methods = self.image.functions.iter().filter(|(address, method)| {
                let name = &method.name;
                self.image.in_tables.contains(address) && name.contains(" as ") && name.ends_with(suffix)
            });
            targets.extend(methods.map(|(address, _)| *address));
        }
        // What a derive macro has written has the line of the struct.
        if targets.is_empty() && function.name.ends_with("Instance>::read") {
            targets.extend(lent.get(1).into_iter().flatten());
        }
        if targets.is_empty() && !called(&line).iter().any(|word| EMPTY.contains(&word.as_str())) {
            self.unknown.borrow_mut().insert(format!("{place} in {}", function.name));
        }
        targets
    }
}

/// `feed::{closure#0}` is the end of a name, so that closures inside are another kind; others can be anywhere.
fn is_part(name: &str, part: &str) -> bool {
    if part.ends_with('}') { name.ends_with(part) } else { name.contains(part) }
}

fn source(place: &str) -> String {
    let Some((file, line)) = place.rsplit_once(':') else { return String::new() };
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = line.parse().unwrap_or(0usize);
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned()
}

/// The names that are followed by an opening bracket, and those of functions that are passed on: `map(Instance::changes)`.
fn called(line: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let (mut word, mut before) = (String::new(), ' ');
    for character in line.replace("(self.lookup)(", "lookup(").chars() {
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        if !word.is_empty() && (character == '(' || character == ')' && before == ':') {
            words.insert(word.clone());
        }
        (word, before) = (String::new(), character);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn calls_are_found_in_a_line() {
        let words = called("object.instance_mut(id).map(Instance::changes).and_then(|x| (self.lookup)(x))");
        for word in ["instance_mut", "map", "changes", "and_then", "lookup"] {
            assert!(words.contains(word), "{word}");
        }
        assert!(!words.contains("id") && !words.contains("x"));
    }
}
