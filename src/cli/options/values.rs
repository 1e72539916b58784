//! Arguments of options as values.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// A path that stays right when the guest changes its directory.
pub(super) fn absolute(path: &OsStr) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|e| format!("{}: {e}", path.display()))
}

pub(super) fn text(v: &OsStr) -> Result<String, String> {
    v.to_str()
        .map(String::from)
        .ok_or_else(|| "takes text in UTF-8 only".into())
}

/// A number as C writes it.
pub(super) fn number(v: &OsStr) -> Result<u64, String> {
    let s = v.to_str().unwrap_or("");
    let parsed = match s.strip_prefix("0x").or_else(|| s.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => s.parse(),
    };
    parsed.map_err(|_| format!("takes a number, not '{}'", v.display()))
}

/// A number of bytes with an optional unit.
pub(super) fn size(v: &OsStr) -> Result<u64, String> {
    let s = v.to_str().unwrap_or("");
    let (digits, shift) = match s.as_bytes().last() {
        Some(b'k' | b'K') => (&s[..s.len() - 1], 10),
        Some(b'm' | b'M') => (&s[..s.len() - 1], 20),
        Some(b'g' | b'G') => (&s[..s.len() - 1], 30),
        _ => (s, 0),
    };
    number(OsStr::new(digits))
        .ok()
        .and_then(|n| n.checked_mul(1 << shift))
        .filter(|&n| n > 0)
        .ok_or_else(|| {
            format!(
                "takes a size such as 65536, 64k or 8M, not '{}'",
                v.display()
            )
        })
}

/// Splits `A=1,B=2`. A comma separates only what starts with a name and `=`, so that values may have commas.
pub(super) fn assignments(v: &OsStr) -> Result<Vec<OsString>, String> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for piece in v.as_bytes().split(|&b| b == b',') {
        let name_end = piece.iter().position(|&b| b == b'=');
        let is_name =
            |n: &[u8]| !n.is_empty() && n.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
        match (name_end, all.last_mut()) {
            (Some(end), _) if is_name(&piece[..end]) => all.push(piece.to_vec()),
            (Some(end), None) if end > 0 => all.push(piece.to_vec()),
            (_, Some(last)) => {
                last.push(b',');
                last.extend(piece);
            }
            _ => return Err(format!("takes NAME=VALUE, not '{}'", v.display())),
        }
    }
    Ok(all.into_iter().map(OsString::from_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (s, n) in [
            ("65536", 65536),
            ("64k", 65536),
            ("8M", 8 << 20),
            ("0x1000", 4096),
        ] {
            assert_eq!(size(OsStr::new(s)), Ok(n));
        }
        assert!(size(OsStr::new("99999999999999999G")).is_err());
        assert!(size(OsStr::new("0")).is_err());
    }
}
