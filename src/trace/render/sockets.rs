//! Socket addresses and messages.

use super::*;

/// An address of IPv6, or one of IPv4 in the last four bytes; `*` for any.
pub(super) fn internet(bytes: &[u8]) -> String {
    let mut octets = [0; 16];
    octets.copy_from_slice(&bytes[..16]);
    match octets {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => "*".to_owned(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if a != 0 => {
            std::net::Ipv4Addr::new(a, b, c, d).to_string()
        }
        octets => std::net::Ipv6Addr::from(octets).to_string(),
    }
}

impl Render<'_> {
    /// A socket address by its family.
    pub(super) fn sockaddr(&self, bytes: &[u8]) -> String {
        if bytes.len() < 2 {
            return quote(bytes, STRING_LIMIT);
        }
        if bytes.iter().all(|b| *b == 0) {
            return "{sa_family=AF_UNSPEC}".to_owned();
        }
        let (families, family) = match self.abi.dialect {
            // A byte of length comes first.
            Dialect::FreeBsd => (&crate::os::freebsd::flags::DOMAIN, bytes[1].into()),
            _ => (
                &crate::os::linux::flags::AF,
                read_int(self.abi, Kind::U16, bytes),
            ),
        };
        let name = families
            .name_of(self.abi.dialect, family)
            .map_or_else(|| family.to_string(), str::to_owned);
        let port = |at: usize| {
            bytes
                .get(at..at + 2)
                .map_or(0, |p| u16::from_be_bytes([p[0], p[1]]))
        };
        match (name.as_str(), bytes.len()) {
            ("AF_UNIX", _) => {
                let path = &bytes[2..];
                let shown = match path.first() {
                    None => String::new(),
                    // Abstract: the name is all of it.
                    Some(0) => format!(", sun_path=@{}", quote(&path[1..], 108)),
                    Some(_) => {
                        let end = path.iter().position(|&b| b == 0).unwrap_or(path.len());
                        format!(", sun_path={}", quote(&path[..end], 108))
                    }
                };
                format!("{{sa_family=AF_UNIX{shown}}}")
            }
            ("AF_INET", 8..) => {
                let addr = std::net::Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
                format!(
                    "{{sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr(\"{addr}\")}}",
                    port(2)
                )
            }
            ("AF_INET6", 24..) => {
                let mut octets = [0; 16];
                octets.copy_from_slice(&bytes[8..24]);
                let addr = std::net::Ipv6Addr::from(octets);
                format!(
                    "{{sa_family=AF_INET6, sin6_port=htons({}), sin6_addr=\"{addr}\"}}",
                    port(2)
                )
            }
            ("AF_NETLINK", 12..) => format!(
                "{{sa_family=AF_NETLINK, nl_pid={}, nl_groups={:#x}}}",
                read_int(self.abi, Kind::U32, &bytes[4..]),
                read_int(self.abi, Kind::U32, &bytes[8..])
            ),
            ("AF_LINK", 8..) => {
                let (name_len, address_len) = (usize::from(bytes[5]), usize::from(bytes[6]));
                let data = &bytes[8..];
                let (name, rest) = data.split_at(name_len.min(data.len()));
                let address: Vec<String> = rest
                    .iter()
                    .take(address_len)
                    .map(|b| format!("{b:02x}"))
                    .collect();
                format!(
                    "{{sa_family=AF_LINK, sdl_index={}, sdl_name={}, sdl_address={}}}",
                    read_int(self.abi, Kind::U16, &bytes[2..]),
                    quote(name, STRING_LIMIT),
                    address.join(":")
                )
            }
            _ => format!(
                "{{sa_family={name}, sa_data={}}}",
                quote(&bytes[2..], STRING_LIMIT)
            ),
        }
    }

    /// `struct msghdr`; what it points to counts up to the result.
    pub(super) fn message(&self, addr: u64, dir: Dir, returned: Option<u64>) -> Option<String> {
        use crate::abi::GuestStruct;
        use crate::os::linux::structs::Msghdr;
        let bytes = self.bytes(addr, Msghdr::DESC.size(self.abi))?;
        let m = Msghdr::read(self.abi, &bytes).ok()?;
        let name = match (m.msg_name.0, m.msg_namelen) {
            (0, _) | (_, 0) => "NULL".to_owned(),
            (at, len) => self
                .bytes(at, len.clamp(0, 128) as usize)
                .map_or_else(|| pointer(at), |b| self.sockaddr(&b)),
        };
        let iov = self
            .iovecs(m.msg_iov.0, m.msg_iovlen.0, dir, returned)
            .unwrap_or_else(|| pointer(m.msg_iov.0));
        let mut flags = String::new();
        // Writing to a string cannot fail.
        let _ =
            crate::os::linux::flags::MSG.write(&mut flags, self.abi.dialect, m.msg_flags.into());
        Some(format!(
            "{{msg_name={name}, msg_namelen={}, msg_iov={iov}, msg_iovlen={}, msg_controllen={}, msg_flags={flags}}}",
            m.msg_namelen, m.msg_iovlen.0, m.msg_controllen.0
        ))
    }
}
