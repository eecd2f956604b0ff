//! The station side of wifi. Everything else is `embassy-net` over `esp_radio::wifi::Interface::station()`.

use embassy_time::{Duration, Timer, with_timeout};
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{AuthenticationMethodConfig, Config, WifiController, WifiError};

use crate::Backoff;

/// How often the state of the connection is looked at, beside events.
const LOOK: Duration = Duration::from_secs(10);

/// What a station needs to know of its access point. WPA2 with a password, an open network without.
///
/// # Errors
/// SSID or password is too long: 32 and 64 bytes are the limits.
pub fn station(ssid: &str, password: &str) -> Result<Config, WifiError> {
    let authentication = if password.is_empty() {
        AuthenticationMethodConfig::Open
    } else {
        AuthenticationMethodConfig::Wpa2Personal(password.try_into()?)
    };
    let config = StationConfig::default().with_ssid(ssid.try_into()?).with_authentication(authentication);
    Ok(Config::Station(config))
}

/// Connects to the access point and stays connected, for ever. `on_change` hears when the connection comes and goes.
///
/// # Cancellation Safety
/// The future can be dropped at any time and another one run instead.
pub async fn keep_connected(controller: &mut WifiController<'_>, mut on_change: impl FnMut(bool)) -> ! {
    let mut backoff = Backoff::new();
    loop {
        if controller.is_connected() || controller.connect_async().await.is_ok() {
            backoff.reset();
            on_change(true);
            // The event can slip through right before the wait: so now and then the state is looked at.
            while controller.is_connected() {
                let _ = with_timeout(LOOK, controller.wait_for_disconnect_async()).await;
            }
            on_change(false);
        }
        let wait = backoff.wait();
        Timer::after_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)).await;
    }
}
