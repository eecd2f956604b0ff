//! The objects of the simulated device.

use coracle::model::{Arguments, Changes, Instances, Text};

/// What a server observes, writes and executes.
#[derive(Debug, coracle::Object)]
#[lwm2m(id = 33010, execute(2 = run))]
pub struct Meter {
    /// Counts up: an observer sees at once whether one is missing, or out of order.
    #[lwm2m(id = 0, ops = "R")]
    count: i32,
    #[lwm2m(id = 1, ops = "RW")]
    label: Text<16>,
    #[lwm2m(id = 3, ops = "R")]
    other: i32,
    runs: Vec<String>,
    changes: Changes,
}

impl Meter {
    fn new() -> Self {
        Self { count: 0, label: Text::new(), other: 0, runs: Vec::new(), changes: Changes::NONE }
    }

    fn run(&mut self, arguments: Arguments<'_>) {
        self.runs.push(arguments.as_str().into());
    }

    /// The arguments of each Execute so far.
    pub fn runs(&self) -> &[String] {
        &self.runs
    }

    /// Counts the first resource.
    pub fn count_up(&mut self) -> i32 {
        self.set_count(self.count() + 1);
        self.count()
    }

    /// Counts the other one.
    pub fn count_other_up(&mut self) -> i32 {
        self.set_other(self.other() + 1);
        self.other()
    }
}

/// Servers create and delete these.
#[derive(Debug, Default, coracle::Object)]
#[lwm2m(id = 33011)]
pub struct Rule {
    #[lwm2m(id = 0, ops = "RW")]
    weight: Option<i32>,
    changes: Changes,
}

/// All of them.
#[derive(Debug, coracle::Objects)]
#[allow(missing_docs)]
pub struct Things {
    pub meter: Meter,
    pub rules: Instances<Rule, 32>,
}

impl Things {
    /// As the device is switched on.
    pub fn new() -> Self {
        Self { meter: Meter::new(), rules: Instances::new() }
    }
}

impl Default for Things {
    fn default() -> Self {
        Self::new()
    }
}
