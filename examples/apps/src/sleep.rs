//! A device that sleeps most of the time and loses its RAM meanwhile: what it does when it wakes, and before it sleeps. The board
//! gives memory that stays on.

use coracle::{Client, Instant, RestoreError, SaveError, ServerIndex};
use coracle_storage::Retained;

use crate::{Profile, Things};

const SERVER: ServerIndex = ServerIndex(0);
/// Datagrams that may be sent before the session is saved again: more than a wake needs.
const RESERVE: u32 = 200;

/// Bytes of memory that a sleeping device needs.
pub const RETAINED_LEN: usize = Retained::space(Client::<'static, Profile, Things>::SAVED_LEN);

/// Goes on with the registration of before the sleep. If there is none, or it can't be used, registers; and says why.
///
/// # Errors
/// Why it registers: `None` when nothing was saved, as after a loss of power.
pub fn wake(
    client: &mut Client<'_, Profile, Things>,
    now: Instant,
    retained: &mut Retained<'_>,
) -> Result<(), Option<RestoreError>> {
    let restored = match retained.load() {
        Some(saved) => client.restore(now, SERVER, saved).map_err(Some),
        None => Err(None),
    };
    if restored.is_err() {
        retained.clear();
        client.register(now, SERVER);
    } else {
        // What is in the memory must not be restored once more after something was sent: it is replaced first. Should that
        // fail, nothing is sent in the old session.
        let _ = save(client, now, retained, RESERVE);
    }
    restored
}

/// Saves what the next wake needs. Nothing may be sent afterwards.
///
/// # Errors
/// [`SaveError`], as long as an answer is owed, or before the device is registered: there is nothing to wake with then.
pub fn before_sleep(
    client: &mut Client<'_, Profile, Things>,
    now: Instant,
    retained: &mut Retained<'_>,
) -> Result<(), SaveError> {
    save(client, now, retained, 0)
}

fn save(
    client: &mut Client<'_, Profile, Things>,
    now: Instant,
    retained: &mut Retained<'_>,
    reserve: u32,
) -> Result<(), SaveError> {
    let full = SaveError::Registration(coracle::engine::SaveError::TooSmall);
    retained.store_with(full, |room| client.save(now, SERVER, reserve, room))
}
