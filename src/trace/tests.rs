use super::render::quote;

#[test]
fn strings_are_escaped_and_cut() {
    assert_eq!(quote(b"a\"\\\n\0", 32), "\"a\\\"\\\\\\n\\0\"");
    // A digit after an octal escape needs the escape in full.
    assert_eq!(quote(b"\x011", 32), "\"\\0011\"");
    assert_eq!(quote(b"abcdef", 3), "\"abc\"...");
}
