//! IP addresses as lwIP has them in memory.

use core::net::IpAddr;

use crate::ffi::{Config, IpAddress};

/// `IPADDR_TYPE_V6`; that of IPv4 is 0.
const TYPE_V6: u8 = 6;

impl IpAddress {
    /// `address` as this configuration of lwIP has it; `None` when it does not know the family.
    pub(crate) fn encode(address: IpAddr, config: &Config) -> Option<Self> {
        let mut bytes = [0; 24];
        match address {
            IpAddr::V4(address) if config.ipv4 != 0 => bytes[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) if config.ipv6 != 0 => {
                bytes[..16].copy_from_slice(&address.octets());
                // A single family has no type.
                if let Some(kind) = bytes.get_mut(usize::from(config.address_type)) {
                    *kind = TYPE_V6;
                }
            }
            _ => return None,
        }
        Some(Self(bytes))
    }

    /// What lwIP has written.
    #[cfg(any(test, feature = "dns"))]
    pub(crate) fn decode(&self, config: &Config) -> IpAddr {
        let [a, b, c, d, ..] = self.0;
        let kind = self.0.get(usize::from(config.address_type)).copied();
        if kind.map_or(config.ipv6 != 0, |kind| kind == TYPE_V6) {
            let octets = self.0.first_chunk::<16>().copied().unwrap_or_default();
            IpAddr::from(octets)
        } else {
            IpAddr::from([a, b, c, d])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Config = Config { ipv4: 1, ipv6: 0, address_size: 4, address_type: 255, ..CONFIG };
    const V6: Config = Config { ipv4: 0, ipv6: 1, address_size: 20, address_type: 255, ..CONFIG };
    const BOTH: Config = Config { ipv4: 1, ipv6: 1, address_size: 24, address_type: 20, ..CONFIG };
    const BOTH_WITHOUT_SCOPES: Config =
        Config { ipv4: 1, ipv6: 1, address_size: 20, address_type: 16, ..CONFIG };
    const CONFIG: Config = Config {
        tick_rate_hz: 1000,
        mutex_size: 0,
        task_size: 0,
        address_size: 0,
        address_type: 0,
        ipv4: 0,
        ipv6: 0,
    };

    #[test]
    fn the_first_bytes_are_those_of_the_network() {
        let address = IpAddress::encode("10.0.2.15".parse().unwrap(), &V4).unwrap();
        assert_eq!(address.0[..5], [10, 0, 2, 15, 0]);
        let address = IpAddress::encode("fe80::1".parse().unwrap(), &BOTH).unwrap();
        assert_eq!((address.0[0], address.0[15], address.0[20]), (0xfe, 1, 6));
        let address = IpAddress::encode("fe80::1".parse().unwrap(), &BOTH_WITHOUT_SCOPES).unwrap();
        assert_eq!((address.0[16], address.0[20]), (6, 0));
    }

    #[test]
    fn there_and_back_in_every_configuration() {
        let v4 = "192.0.2.1".parse().unwrap();
        let v6 = "2001:db8::1".parse().unwrap();
        for (config, addresses) in
            [(V4, &[v4][..]), (V6, &[v6]), (BOTH, &[v4, v6]), (BOTH_WITHOUT_SCOPES, &[v4, v6])]
        {
            for address in addresses {
                assert_eq!(IpAddress::encode(*address, &config).unwrap().decode(&config), *address);
            }
        }
    }

    #[test]
    fn a_family_that_the_stack_does_not_have_is_refused() {
        assert_eq!(IpAddress::encode("::1".parse().unwrap(), &V4), None);
        assert_eq!(IpAddress::encode("127.0.0.1".parse().unwrap(), &V6), None);
    }
}
