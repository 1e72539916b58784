//! Numbers and bytes in the protocol's hex.

/// Digits as they are sent.
pub const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Both digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut t = [[0; 2]; 256];
    let mut i = 0;
    while i < 256 {
        t[i] = [DIGITS[i >> 4], DIGITS[i & 15]];
        i += 1;
    }
    t
};

/// Appends two digits for each byte.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    let at = out.len();
    out.resize(at + bytes.len() * 2, 0);
    for (pair, b) in out[at..].chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[*b as usize]);
    }
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// The byte of two digits.
pub fn byte(high: u8, low: u8) -> Option<u8> {
    Some(digit(high)? << 4 | digit(low)?)
}

/// The bytes of pairs of digits; `None` for an odd number of digits or anything else.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2).map(|p| byte(p[0], p[1])).collect()
}

/// A number of 1 to 16 significant digits.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |n, c| {
        let d = digit(*c)?;
        (n >> 60 == 0).then_some(n << 4 | u64::from(d))
    })
}

/// `a,b` as two numbers.
pub fn pair(text: &[u8]) -> Option<(u64, u64)> {
    let (a, b) = split(text, b',')?;
    Some((number(a)?, number(b)?))
}

/// The parts before and after the first `at`.
pub fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let i = text.iter().position(|b| *b == at)?;
    Some((&text[..i], &text[i + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_strict() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"00ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(number(b"10000000000000000"), None);
        assert_eq!(number(b""), None);
        assert_eq!(number(b"xx"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(pair(b"10,f"), Some((16, 15)));
        assert_eq!(decode(b"0aF"), None);
        assert_eq!(decode(b"0aFf"), Some(vec![10, 255]));
    }
}
