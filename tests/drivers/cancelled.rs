//! The asynchronous driver, dropped at any of its awaits and run again.

use core::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use coracle::driver::asynchronous::Shared;
use coracle::platform::PredictableEntropy;
use coracle::{Buffers, Client, Credentials, Event, Memory, RegistrationState, ServerIndex, ServerSettings};
use coracle_simulation::profiles::Confirmable;
use coracle_simulation::{Ask, Outcome, Rng, Script, Things};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;

use crate::clock;
use crate::stack::Stack;

type Device<'m> = Shared<'m, NoopRawMutex, Confirmable, Things>;

const SERVER: ServerIndex = ServerIndex(0);

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Flag {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// Everything around the driver.
struct Rig<'s, 'm> {
    device: &'s Device<'m>,
    stack: Stack,
    script: Script,
    /// How often the driver was polled.
    polls: u64,
    /// The poll after which the driver is dropped.
    cancel: Option<u64>,
    events: Vec<Event>,
}

impl Rig<'_, '_> {
    /// Drives until `goal` holds or the time has come; whether it holds. The driver is dropped, and run again, where
    /// `cancel` says.
    fn run(
        &mut self,
        buffers: &mut Buffers<Confirmable>,
        until: u64,
        mut goal: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let local: SocketAddr = "0.0.0.0:0".parse().expect("an address");
        loop {
            let stack = self.stack.clone();
            let future = pin!(self.device.run(&stack, local, buffers));
            if let Some(result) = self.poll(future, until, &mut goal) {
                return result;
            }
        }
    }

    /// `None` when the driver is to be dropped.
    fn poll(
        &mut self,
        mut future: Pin<&mut impl Future>,
        until: u64,
        goal: &mut impl FnMut(&mut Self) -> bool,
    ) -> Option<bool> {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        let mut context = Context::from_waker(&waker);
        let mut quiet = 0;
        loop {
            while flag.take() {
                self.polls += 1;
                quiet += 1;
                assert!(quiet < 1_000, "the driver never waits");
                assert!(future.as_mut().poll(&mut context).is_pending());
                if self.cancel == Some(self.polls) {
                    return None;
                }
            }
            self.exchange();
            if goal(self) {
                return Some(true);
            }
            if !flag.0.load(Ordering::Acquire) {
                let next = clock::next().into_iter().chain(self.script.deadline()).min().unwrap_or(until);
                if next >= until {
                    clock::advance(until);
                    return Some(goal(self));
                }
                quiet = 0;
                clock::advance(next.max(clock::now()));
            }
        }
    }

    /// Datagrams take no time here.
    fn exchange(&mut self) {
        let now = clock::now();
        self.script.handle_timeout(now);
        while let Some((port, datagram)) = self.stack.take_sent() {
            self.script.handle(now, port.into(), &datagram);
        }
        while let Some((port, datagram)) = self.script.poll_transmit(now) {
            self.stack.deliver(port as u16, datagram);
        }
        let waker = Waker::noop();
        while let Poll::Ready(event) = pin!(self.device.next_event()).poll(&mut Context::from_waker(waker)) {
            self.events.push(event);
        }
    }

    /// What the device has told last. Using the client would wake the driver.
    fn state(&self) -> Option<RegistrationState> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Registration { state, .. } => Some(*state),
            _ => None,
        })
    }

    fn is_registered(&mut self) -> bool {
        self.state() == Some(RegistrationState::Registered) && self.script.registered.is_some()
    }
}

fn with_rig(
    uri: &str,
    cancel: Option<u64>,
    scenario: impl FnOnce(&mut Rig<'_, '_>, &mut Buffers<Confirmable>),
) {
    let mut memory = Box::new(Memory::<Confirmable>::EMPTY);
    let Memory { client, buffers } = &mut *memory;
    let mut client = Client::new(client, "device", Things::new(), &mut PredictableEntropy::from_seed(5))
        .expect("a client");
    let settings = ServerSettings {
        uri,
        short_server_id: 1,
        lifetime_s: 86_400,
        store_notifications: true,
        credentials: Credentials::NONE,
    };
    client.add_server(&settings).expect("a good server");
    let device = Device::new(client);
    device.register(SERVER);
    let (stack, script) = (Stack::default(), Script::new(3));
    let mut rig = Rig { device: &device, stack, script, polls: 0, cancel, events: Vec::new() };
    scenario(&mut rig, buffers);
}

const NAME: &str = "coap://server.example";
const ADDRESS: &str = "coap://192.0.2.1";
const MINUTE: u64 = 60_000;

fn observe() -> Ask {
    Ask { method: "GET", path: "/33010/0/0".into(), observe: Some(0), token: Some(vec![7]), ..Ask::default() }
}

fn execute(argument: usize) -> Ask {
    let payload = Some(format!("0='{argument}'"));
    Ask { method: "POST", path: "/33010/0/2".into(), payload, ..Ask::default() }
}

/// Registers, answers, notifies: what is asked for again until it is answered, as the application of a server does it.
#[derive(Default)]
struct Story {
    /// Values that were set so far.
    count: i32,
    request: Option<usize>,
    asked: usize,
}

impl Story {
    /// Moves on if what was asked for has come; true at the end.
    fn advance(&mut self, rig: &mut Rig<'_, '_>, cancel_at: &mut dyn FnMut(&mut Rig<'_, '_>)) -> bool {
        if !rig.is_registered() {
            return false;
        }
        let outcome = self.request.and_then(|request| rig.script.outcomes[request].clone());
        let done = matches!(&outcome, Some(Outcome::Answered(answer)) if answer.code.starts_with("2."));
        let last = rig.script.observed.values().next().and_then(|observed| observed.values.last().copied());
        if done && last == Some(i64::from(self.count)) {
            if self.count == 5 {
                return true;
            }
            cancel_at(rig);
            self.count = rig.device.update(|things| things.meter.count_up());
            self.request = None;
        }
        if self.request.is_none() || outcome == Some(Outcome::Unanswered) {
            self.asked += 1;
            let ask = if self.count == 0 { observe() } else { execute(self.asked) };
            self.request = rig.script.ask(clock::now(), ask);
        }
        false
    }
}

fn story(
    rig: &mut Rig<'_, '_>,
    buffers: &mut Buffers<Confirmable>,
    cancel_at: &mut dyn FnMut(&mut Rig<'_, '_>),
) {
    let mut story = Story::default();
    let end = clock::now() + 60 * MINUTE;
    let ended = rig.run(buffers, end, |rig| story.advance(rig, cancel_at));
    assert!(ended, "value {} after {} requests: {:?}", story.count, story.asked, rig.events);
    let observed = rig.script.observed.values().next().expect("one");
    assert_eq!(observed.values, [0, 1, 2, 3, 4, 5], "all values, in order");
    let mut runs = rig.device.with(|client| client.objects().meter.runs().to_vec());
    let all = runs.len();
    assert!(all >= 5, "{runs:?}");
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), all, "nothing is executed twice");
    // A Register that was on its way comes again from another port, and is another one for the server.
    let registering = Event::Registration { server: SERVER, state: RegistrationState::Registering };
    let count = rig.events.iter().filter(|event| **event == registering).count();
    assert_eq!(count, 1, "the device registers once");
}

#[test]
fn a_driver_that_runs_on_registers_answers_and_notifies() {
    with_rig(NAME, None, |rig, buffers| {
        story(rig, buffers, &mut |_| {});
        let started = rig.events.iter().filter(|event| matches!(event, Event::ObservationStarted { .. }));
        assert_eq!((started.count(), rig.stack.look_ups(), rig.script.outcomes.len()), (1, 1, 6));
        rig.device.deregister(SERVER);
        let idle = |rig: &mut Rig<'_, '_>| rig.state() == Some(RegistrationState::Idle);
        assert!(rig.run(buffers, clock::now() + MINUTE, idle));
        assert_eq!(rig.script.deregisters.len(), 1);
    });
}

/// The driver is dropped once, after each of its polls in turn: at every await that it ever comes to.
#[test]
fn a_driver_that_is_dropped_at_any_await_and_run_again_loses_nothing() {
    for uri in [NAME, ADDRESS] {
        let mut polls = 0;
        with_rig(uri, None, |rig, buffers| {
            story(rig, buffers, &mut |_| {});
            polls = rig.polls;
        });
        assert!(polls > 20, "{polls} awaits to drop it at");
        for cancel in 1..=polls {
            clock::advance(0);
            with_rig(uri, Some(cancel), |rig, buffers| story(rig, buffers, &mut |_| {}));
        }
    }
}

/// And again and again, at random.
#[test]
fn a_driver_that_is_dropped_often_loses_nothing_either() {
    coracle_simulation::seeds("a_driver_that_is_dropped_often", 200, |seed| {
        clock::advance(0);
        let mut rng = Rng::new(seed);
        let first = rng.between(1, 12);
        with_rig(NAME, Some(first), |rig, buffers| {
            story(rig, buffers, &mut |rig| rig.cancel = Some(rig.polls + rng.between(1, 12)));
        });
    });
}

/// Whoever waits for events may be dropped as well.
#[test]
fn an_event_that_nobody_took_is_there_for_the_next() {
    with_rig(ADDRESS, None, |rig, buffers| {
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(flag.clone());
        // The first event (Connecting) is there; it is dropped before it is asked for.
        drop(rig.device.next_event());
        let mut context = Context::from_waker(&waker);
        let first = pin!(rig.device.next_event()).poll(&mut context);
        let connecting = Event::Registration { server: SERVER, state: RegistrationState::Connecting };
        assert_eq!(first, Poll::Ready(connecting));
        {
            let mut waiting = pin!(rig.device.next_event());
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        assert!(rig.run(buffers, MINUTE, Rig::is_registered));
        let states: Vec<Event> = rig.events.clone();
        assert_eq!(states.len(), 2, "Registering, Registered: {states:?}");
    });
}

/// A minute, an hour, a day of an idle registration: the driver sleeps until it has something to say.
#[test]
fn an_idle_registration_is_never_polled() {
    with_rig(ADDRESS, None, |rig, buffers| {
        let mut registered = None;
        // The lifetime is a day: the Update comes 93 s before it is over.
        let mut before_update = 0;
        rig.run(buffers, 24 * 60 * MINUTE, |rig| {
            if rig.is_registered() {
                registered.get_or_insert(rig.polls);
            }
            if rig.script.updates.is_empty() {
                before_update = rig.polls;
            }
            false
        });
        let registered = registered.expect("it was registered");
        let polls = before_update - registered;
        assert!(polls <= 2, "{polls} polls in a day");
        assert_eq!(rig.script.updates.len(), 1);
        assert!(rig.polls - before_update <= 10, "{} polls for an Update", rig.polls - before_update);
    });
}
