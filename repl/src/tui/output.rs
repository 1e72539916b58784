//! What the program and the commands write, as lines of plain text.

use std::collections::VecDeque;

/// Lines that are kept for the pane.
const LINES: usize = 2000;
/// Characters of a line that are kept.
const COLUMNS: usize = 4000;
/// Bytes that are kept for the terminal, once the view is left.
const RAW: usize = 1 << 20;

/// Where an escape sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Control,
    String,
}

/// Output by lines.
pub struct Log {
    lines: VecDeque<String>,
    /// Column at which the next character of the last line goes.
    column: usize,
    escape: Escape,
    /// Bytes of a character that is not whole yet.
    partial: Vec<u8>,
    raw: VecDeque<u8>,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            lines: VecDeque::from([String::new()]),
            column: 0,
            escape: Escape::None,
            partial: Vec::new(),
            raw: VecDeque::new(),
        }
    }
}

impl Log {
    /// Takes what the program has written.
    pub fn program(&mut self, bytes: &[u8]) {
        self.raw.extend(bytes);
        let excess = self.raw.len().saturating_sub(RAW);
        self.raw.drain(..excess);
        for b in bytes {
            self.byte(*b);
        }
    }

    /// Takes a command's answer, on lines of its own.
    pub fn say(&mut self, text: &str) {
        if self.lines.back().is_some_and(|l| !l.is_empty()) {
            self.new_line();
        }
        for b in text.trim_end().bytes() {
            self.byte(b);
        }
        if !text.trim_end().is_empty() {
            self.new_line();
        }
    }

    /// What the program has written since this was asked last.
    pub fn take_raw(&mut self) -> Vec<u8> {
        self.raw.drain(..).collect()
    }

    /// The last `n` lines.
    pub fn tail(&self, n: usize) -> impl Iterator<Item = &str> {
        // An empty line that has only begun does not count.
        let open = usize::from(self.lines.back().is_some_and(String::is_empty));
        let end = self.lines.len() - open;
        self.lines
            .range(end.saturating_sub(n)..end)
            .map(String::as_str)
    }

    fn new_line(&mut self) {
        self.lines.push_back(String::new());
        self.column = 0;
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    fn byte(&mut self, b: u8) {
        match (self.escape, b) {
            (Escape::None, 0x1b) => self.escape = Escape::Begun,
            (Escape::Begun, b'[') => self.escape = Escape::Control,
            (Escape::Begun, b']' | b'P' | b'_' | b'^') => self.escape = Escape::String,
            // Sequences of two characters, or of three that begin so.
            (Escape::Begun, b'(' | b')' | b'#') => {}
            (Escape::Begun, _) => self.escape = Escape::None,
            (Escape::Control, 0x40..=0x7e) => self.escape = Escape::None,
            (Escape::Control, _) => {}
            (Escape::String, 7) => self.escape = Escape::None,
            (Escape::String, 0x1b) => self.escape = Escape::Begun,
            (Escape::String, _) => {}
            (Escape::None, b'\n') => self.new_line(),
            (Escape::None, b'\r') => self.column = 0,
            (Escape::None, 8) => self.column = self.column.saturating_sub(1),
            (Escape::None, b'\t') => {
                for _ in 0..8 - self.column % 8 {
                    self.put(' ');
                }
            }
            (Escape::None, 0..0x20 | 0x7f) => {}
            (Escape::None, _) => {
                self.partial.push(b);
                match std::str::from_utf8(&self.partial) {
                    Ok(text) => {
                        let c = text.chars().next().unwrap_or('?');
                        self.partial.clear();
                        self.put(c);
                    }
                    Err(e) if e.error_len().is_some() || self.partial.len() >= 4 => {
                        self.partial.clear();
                        self.put('\u{fffd}');
                    }
                    Err(_) => {}
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        let Some(line) = self.lines.back_mut() else {
            return;
        };
        let count = line.chars().count();
        if count >= COLUMNS {
            return;
        }
        if self.column >= count {
            line.push(c);
        } else {
            *line = line
                .chars()
                .enumerate()
                .map(|(i, old)| if i == self.column { c } else { old })
                .collect();
        }
        self.column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut log = Log::default();
        log.program(bytes);
        log.tail(100).map(str::to_owned).collect()
    }

    #[test]
    fn output_becomes_plain_lines() {
        assert_eq!(lines(b"a\r\nb\r\n"), ["a", "b"]);
        assert_eq!(lines(b"50%\r60%"), ["60%"]);
        assert_eq!(lines(b"\x1b[31mred\x1b[0m \x1b]0;title\x07x"), ["red x"]);
        assert_eq!(lines(b"a\tb"), ["a       b"]);
        assert_eq!(lines("é\u{1f600}".as_bytes()), ["é\u{1f600}"]);
        assert_eq!(lines(b"\xff\xfe"), ["\u{fffd}\u{fffd}"]);
    }

    #[test]
    fn answers_stand_on_lines_of_their_own() {
        let mut log = Log::default();
        log.program(b"prompt> ");
        log.say("answer\n");
        log.program(b"more");
        assert_eq!(
            log.tail(9).collect::<Vec<_>>(),
            ["prompt> ", "answer", "more"]
        );
        assert_eq!(log.take_raw(), b"prompt> more");
    }
}
