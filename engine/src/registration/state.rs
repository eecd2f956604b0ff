//! The states of a registration and the moves between them, as a table.

/// Where the registration with a server stands. Every change is an [`Event`](crate::Event).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationState {
    /// The application has not asked for it, or has asked to end it.
    Idle,
    /// After a failure, until the next attempt: with an Update while the registration may hold, with Register afterwards.
    Waiting,
    /// The driver resolves the name and opens the way to the server.
    Connecting,
    /// Register was sent.
    Registering,
    /// The server knows the device.
    Registered,
    /// Update was sent.
    Updating,
    /// The server knows the device, but the way to it has to be opened anew.
    Reconnecting,
    /// De-register was sent.
    Deregistering,
    /// The server asked the device to stay away for a time (1/x/4).
    Disabled,
}

/// What moves a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The application wants the registration.
    Start,
    /// The application knows of it from before a sleep.
    Restored,
    /// The application wants it no more.
    Stop,
    /// The way to the server is open.
    Connected,
    /// It can't be opened.
    ConnectFailed,
    /// The way is gone.
    Disconnected,
    /// The time of the state is over.
    Deadline,
    /// The server answered with success.
    Accepted,
    /// It answered anything else, RST included.
    Refused,
    /// It did not answer.
    TimedOut,
    /// There is something to tell.
    UpdateDue,
    /// The server wants the device to stay away.
    Disable,
}

/// The state that follows; `None` when the input means nothing in this state. [`Registration::apply`] has [`Reconnecting`] in
/// place of [`Connecting`] while the server may know the device.
///
/// [`Registration::apply`]: super::Registration::apply
/// [`Reconnecting`]: RegistrationState::Reconnecting
/// [`Connecting`]: RegistrationState::Connecting
pub(crate) const fn next(state: RegistrationState, input: Input) -> Option<RegistrationState> {
    use Input as I;
    use RegistrationState as S;
    Some(match (state, input) {
        (S::Idle, I::Start) => S::Connecting,
        (S::Idle, I::Restored) => S::Reconnecting,
        (S::Waiting | S::Disabled, I::Start | I::Deadline) => S::Connecting,
        (S::Waiting | S::Connecting | S::Registering | S::Reconnecting | S::Disabled, I::Stop) => S::Idle,
        (S::Connecting, I::Connected) => S::Registering,
        (S::Connecting | S::Reconnecting, I::ConnectFailed | I::Deadline) => S::Waiting,
        (S::Registering, I::Accepted) => S::Registered,
        (S::Registering, I::Refused) => S::Waiting,
        // Not at once: it was just opened.
        (S::Registering | S::Updating, I::Disconnected | I::TimedOut) => S::Waiting,
        (S::Registered, I::Disconnected) => S::Reconnecting,
        (S::Reconnecting, I::Connected) => S::Updating,
        (S::Registered, I::UpdateDue | I::Deadline) => S::Updating,
        (S::Registered | S::Updating, I::Stop | I::Disable) => S::Deregistering,
        (S::Updating, I::Accepted) => S::Registered,
        // The server has forgotten the device (4.04), or has lost its mind: a new Register heals both.
        (S::Updating, I::Refused) => S::Registering,
        (S::Deregistering, I::Accepted | I::Refused | I::TimedOut | I::Disconnected) => S::Idle,
        (S::Deregistering, I::Start) => S::Connecting,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::string::String;

    const STATES: [RegistrationState; 9] = [
        RegistrationState::Idle,
        RegistrationState::Waiting,
        RegistrationState::Connecting,
        RegistrationState::Registering,
        RegistrationState::Registered,
        RegistrationState::Updating,
        RegistrationState::Reconnecting,
        RegistrationState::Deregistering,
        RegistrationState::Disabled,
    ];
    const INPUTS: [Input; 12] = [
        Input::Start,
        Input::Restored,
        Input::Stop,
        Input::Connected,
        Input::ConnectFailed,
        Input::Disconnected,
        Input::Deadline,
        Input::Accepted,
        Input::Refused,
        Input::TimedOut,
        Input::UpdateDue,
        Input::Disable,
    ];

    #[test]
    fn all_moves() {
        let mut table = String::new();
        for state in STATES {
            write!(table, "{state:?}:").unwrap();
            for input in INPUTS {
                if let Some(to) = next(state, input) {
                    write!(table, " {input:?}>{to:?}").unwrap();
                }
            }
            table.push('\n');
        }
        let expected = "\
Idle: Start>Connecting Restored>Reconnecting
Waiting: Start>Connecting Stop>Idle Deadline>Connecting
Connecting: Stop>Idle Connected>Registering ConnectFailed>Waiting Deadline>Waiting
Registering: Stop>Idle Disconnected>Waiting Accepted>Registered Refused>Waiting TimedOut>Waiting
Registered: Stop>Deregistering Disconnected>Reconnecting Deadline>Updating UpdateDue>Updating Disable>Deregistering
Updating: Stop>Deregistering Disconnected>Waiting Accepted>Registered Refused>Registering TimedOut>Waiting Disable>Deregistering
Reconnecting: Stop>Idle Connected>Updating ConnectFailed>Waiting Deadline>Waiting
Deregistering: Start>Connecting Disconnected>Idle Accepted>Idle Refused>Idle TimedOut>Idle
Disabled: Start>Connecting Stop>Idle Deadline>Connecting
";
        assert_eq!(table, expected);
    }

    #[test]
    fn every_state_but_idle_leads_to_registered_and_to_idle() {
        for start in STATES.into_iter().filter(|state| *state != RegistrationState::Idle) {
            for goal in [RegistrationState::Registered, RegistrationState::Idle] {
                let mut reached = std::vec![start];
                for _ in 0..STATES.len() {
                    let more: std::vec::Vec<_> = reached
                        .iter()
                        .flat_map(|state| INPUTS.into_iter().filter_map(move |input| next(*state, input)))
                        .collect();
                    reached.extend(more);
                    reached.sort();
                    reached.dedup();
                }
                assert!(reached.contains(&goal), "{start:?} never leads to {goal:?}");
            }
        }
    }
}
