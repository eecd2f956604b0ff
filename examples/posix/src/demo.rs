//! The built-in server manages the device: every operation once, with both sides shown.

use std::error::Error;
use std::time::Duration;

use coracle::platform::Entropy;
use coracle_demo_server::{
    Config, Device, Event, Events, Format, Mode, PreSharedKeys, Request, Server, tree,
};
use coracle_posix::OsEntropy;

use crate::arguments::Arguments;
use crate::credentials::Keys;
use crate::{device, log};

/// Longer than anything on loopback takes, on a busy machine too.
const SOON: Duration = Duration::from_secs(30);
/// How many notifications are shown.
const NOTIFICATIONS: usize = 4;

/// Runs the demo; an error when anything does not go as it should.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (server, keys) = start(arguments)?;
    let events = server.subscribe();
    log::server(format_args!("listens on {}", server.uri()));
    let (stop, thread) = device::spawn(device::Settings {
        server: server.uri(),
        endpoint: arguments.endpoint.clone(),
        lifetime: arguments.lifetime,
        local_port: arguments.local_port,
        keys,
    })?;
    let managed = manage(&server, &events, &arguments.endpoint);
    stop.request();
    let managed = managed.and_then(|()| deregistered(&events, &arguments.endpoint));
    // First the device: what is wrong with it is why the server waits in vain.
    thread.join().map_err(|_| "the device panicked")??;
    managed?;
    log::line("demo", "done: registered, discovered, read, wrote, executed, observed, de-registered");
    Ok(())
}

/// The server, and the device's keys for it: made up for this run.
fn start(arguments: &Arguments) -> Result<(Server, Keys), Box<dyn Error>> {
    if arguments.plain {
        return Ok((Server::start(Config::default())?, Keys::default()));
    }
    let mut key = [0; 16];
    OsEntropy.fill(&mut key)?;
    let devices = PreSharedKeys::default().with(arguments.endpoint.as_str(), key);
    Ok((Server::start_secured(Config::default(), devices)?, Keys::psk(&arguments.endpoint, &key)))
}

fn manage(server: &Server, events: &Events, endpoint: &str) -> Result<(), Box<dyn Error>> {
    let registration = events.registered(endpoint, SOON).ok_or("the device did not register")?;
    let links = registration.links.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    log::server(Event::Registered(registration));
    log::server(format_args!("  {links}"));
    let device = server.device(endpoint);
    discover(&device)?;
    read(&device)?;
    write(&device)?;
    execute(&device)?;
    observe(&device, events)?;
    update(&device, events)
}

/// Sends a request, shows it with its answer, and wants success.
fn ask(request: Request) -> Result<coracle_demo_server::Answer, Box<dyn Error>> {
    let answer = request.send()?;
    log::server(format_args!("{answer:#}"));
    Ok(answer.success()?)
}

fn discover(device: &Device) -> Result<(), Box<dyn Error>> {
    let answer = ask(device.discover("/3303"))?;
    let links: Vec<String> = answer.links()?.iter().map(ToString::to_string).collect();
    log::server(format_args!("  {}", links.join(",")));
    Ok(())
}

fn read(device: &Device) -> Result<(), Box<dyn Error>> {
    let answer = ask(device.read("/3/0", Format::SenmlCbor))?;
    for (path, value) in answer.values()? {
        log::server(format_args!("  {path:<9} {value}"));
    }
    ask(device.read("/3303", Format::Tlv))?;
    ask(device.read("/3303/0/5700", Format::Text))?;
    Ok(())
}

fn write(device: &Device) -> Result<(), Box<dyn Error>> {
    ask(device.write("/3/0/14", "+02:00", Mode::Replace, Format::Text))?;
    ask(device.write(
        "/3311/0",
        tree([("5850", true.into()), ("5851", coracle_demo_server::Value::from(40))]),
        Mode::Update,
        Format::SenmlCbor,
    ))?;
    let light = ask(device.read("/3311/0", Format::SenmlJson))?;
    log::server(format_args!("  {}", String::from_utf8_lossy(&light.payload)));
    let refused = device.write("/3311/0/5851", 101, Mode::Replace, Format::Text).send()?;
    log::server(format_args!("{refused:#}"));
    if refused.code.is_success() {
        return Err("a dimmer of 101 % was accepted".into());
    }
    Ok(())
}

fn execute(device: &Device) -> Result<(), Box<dyn Error>> {
    ask(device.execute("/3303/0/5605", ""))?;
    ask(device.execute("/3/0/12", ""))?;
    Ok(())
}

fn observe(device: &Device, events: &Events) -> Result<(), Box<dyn Error>> {
    const SENSOR: &str = "/3303/0/5700";
    ask(device.write_attributes(SENSOR, "pmin=1&pmax=10"))?;
    ask(device.observe(SENSOR, Format::SenmlCbor))?;
    for _ in 0..NOTIFICATIONS {
        let is_ours = |event: Event| matches!(event, Event::Notification { .. }).then_some(event);
        let event = events.wait(SOON, is_ours).ok_or("no notification came")?;
        log::server(event);
    }
    ask(device.cancel(SENSOR))?;
    Ok(())
}

fn update(device: &Device, events: &Events) -> Result<(), Box<dyn Error>> {
    ask(device.write("/1/0/1", 120, Mode::Replace, Format::Text))?;
    let is_update = |event: Event| matches!(event, Event::Updated { .. }).then_some(event);
    let event = events.wait(SOON, is_update).ok_or("no Update came")?;
    log::server(event);
    Ok(())
}

fn deregistered(events: &Events, endpoint: &str) -> Result<(), Box<dyn Error>> {
    let is_end = |event: Event| {
        matches!(&event, Event::Deregistered { registration, expired: false } if registration.endpoint == endpoint).then_some(event)
    };
    let event = events.wait(SOON, is_end).ok_or("the device did not de-register")?;
    log::server(event);
    Ok(())
}
