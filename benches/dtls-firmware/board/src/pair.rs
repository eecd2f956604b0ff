//! Both ends of a session, in static memory.

use crate::measure::{Cost, Meter};
use coracle_crypto::profiles::Everything;
use coracle_crypto::server::{self, Config, Cookies, Verdict};
use coracle_crypto::{Connection, Instant, Options, Profile, Rng, RngError, Security};

struct Numbers(u32);

impl Rng for Numbers {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.0 >> 24) as u8;
        }
        Ok(())
    }
}

const NOW: Instant = Instant::from_millis(1_000);

pub struct Pair<'a, P: Profile> {
    client: Connection<P>,
    server: server::Connection<Everything>,
    security: Security<'a>,
    config: Config<'a>,
    cookies: Cookies,
    numbers: Numbers,
}

impl<'a, P: Profile> Pair<'a, P> {
    pub fn new(security: Security<'a>, config: Config<'a>) -> Option<Self> {
        let mut numbers = Numbers(1);
        let cookies = Cookies::new(&mut numbers).ok()?;
        let (client, server) = (Connection::new(), server::Connection::new());
        Some(Self { client, server, security, config, cookies, numbers })
    }

    pub fn handshake(&mut self, meter: &mut Meter) -> Option<Cost> {
        self.server = server::Connection::new();
        let (client, security) = (&mut self.client, &self.security);
        let mut cost = meter.run(|| client.connect(NOW, security, &Options::DEFAULT).is_ok());
        let mut out = [0; 1200];
        for _ in 0..20 {
            let mut length = None;
            let (client, security, numbers) = (&mut self.client, &self.security, &mut self.numbers);
            cost = cost.and(meter.run(|| {
                let result = client.poll_transmit(NOW, security, numbers, &mut out);
                length = result.ok().flatten();
                result.is_ok()
            }));
            if let Some(length) = length {
                cost = cost.and(self.arrive_at_server(meter, out.get_mut(..length)?)?);
            }
            while let Some(length) =
                self.server.poll_transmit(NOW, &self.config, &mut self.numbers, &mut out).ok()?
            {
                cost = cost.and(receive(&mut self.client, &self.security, meter, out.get_mut(..length)?));
            }
        }
        while self.client.poll_event().is_some() {}
        (self.client.is_connected() && self.server.is_connected()).then_some(cost)
    }

    fn arrive_at_server(&mut self, meter: &mut Meter, datagram: &mut [u8]) -> Option<Cost> {
        let mut answer = [0; 64];
        if !self.server.is_free() {
            self.server.handle_datagram(NOW, &self.config, datagram, &mut |_| {});
            return Some(Cost::default());
        }
        match self.cookies.check(b"the client", datagram, &mut answer) {
            Verdict::Answer(length) => {
                Some(receive(&mut self.client, &self.security, meter, answer.get_mut(..length)?))
            }
            Verdict::Accept => {
                self.server.accept(&Options::DEFAULT);
                self.server.handle_datagram(NOW, &self.config, datagram, &mut |_| {});
                Some(Cost::default())
            }
            Verdict::Ignore => None,
        }
    }

    pub fn seal(&mut self, meter: &mut Meter, buffer: &mut [u8], length: usize) -> Option<Cost> {
        Some(meter.run(|| self.client.seal(buffer, length).is_ok()))
    }

    pub fn open(&mut self, meter: &mut Meter, buffer: &mut [u8], length: usize) -> Option<Cost> {
        let range = self.server.seal(buffer, length).ok()?;
        Some(receive(&mut self.client, &self.security, meter, buffer.get_mut(range)?))
    }
}

fn receive<P: Profile>(
    client: &mut Connection<P>,
    security: &Security<'_>,
    meter: &mut Meter,
    datagram: &mut [u8],
) -> Cost {
    meter.run(|| {
        let mut records = client.handle_datagram(NOW, security, datagram);
        while records.next().is_some() {}
        true
    })
}
