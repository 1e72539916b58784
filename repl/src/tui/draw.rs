//! The picture: panes for code, registers, stack and output.

use super::View;
use crate::session::Cx;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{Clear, ClearType};
use emu_stub::RegisterType;

/// The smallest screen that has room for the panes.
const LEAST: (u16, u16) = (40, 12);

/// A line of a pane; `true` stands out.
type Row = (String, bool);

/// What the upper panes show; made while the program is stopped.
#[derive(Clone, Default)]
pub struct Picture {
    title: String,
    code: Vec<Row>,
    /// The line of `code` to keep in sight.
    focus: usize,
    registers: Vec<Row>,
    stack: Vec<Row>,
}

impl Cx<'_> {
    /// Looks at the stopped program for the panes.
    pub fn picture(&mut self, disassembly: bool, height: usize) -> Picture {
        let mut picture = Picture::default();
        let name = self
            .inf
            .exec_file()
            .map(|p| {
                p.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .unwrap_or_default();
        let Ok(frame) = self.selected_frame() else {
            picture.title = format!("{name}: the program is not running");
            return picture;
        };
        let depth = self.s.frame;
        picture.title = format!("{name}: {}", self.frame_text(&frame, depth, true, true));
        let line = self.frame_line(&frame);
        let source = line.as_ref().and_then(|l| self.source(&l.file));
        match (&line, source) {
            (Some(l), Some(text)) if !disassembly => {
                for (i, t) in text.iter().enumerate() {
                    let here = i + 1 == l.line as usize;
                    picture.code.push((
                        format!("{}{:>5} {t}", if here { '>' } else { ' ' }, i + 1),
                        here,
                    ));
                }
                picture.focus = l.line as usize - 1;
            }
            _ => self.picture_code(&mut picture, frame.pc, height),
        }
        let _ = self.picture_registers(&mut picture);
        self.picture_stack(&mut picture, height);
        picture
    }

    fn picture_code(&mut self, picture: &mut Picture, pc: u64, height: usize) {
        let symbols = self.symbols();
        let start = symbols
            .function_start(pc)
            .filter(|s| pc - s < 4096)
            .unwrap_or(pc);
        let count = (pc - start) as usize / 4 + height;
        for i in self.inf.disassemble(start, count).unwrap_or_default() {
            let here = i.addr == pc;
            let label = symbols.label(i.addr);
            if let Some((name, 0)) = symbols.symbol_at(i.addr) {
                picture.code.push((format!("{name}:"), false));
            }
            let offset = label.split_once('+').map_or(String::new(), |(_, n)| {
                format!("+{}", n.trim_end_matches('>'))
            });
            let text = format!(
                "{}{:#x} {offset:<6} {}",
                if here { '>' } else { ' ' },
                i.addr,
                self.code_text(&i)
            );
            if here {
                picture.focus = picture.code.len();
            }
            picture.code.push((text, here));
        }
    }

    fn picture_registers(&mut self, picture: &mut Picture) -> emu_stub::Result<()> {
        let target = self.target();
        let tid = self.tid()?;
        let depth = self.s.frame;
        for (n, info) in target.registers.iter().enumerate() {
            if matches!(info.kind, RegisterType::Vector | RegisterType::Float)
                || matches!(info.group, "system" | "float" | "vector")
            {
                continue;
            }
            let name = if info.alt_name.is_empty() {
                info.name
            } else {
                info.alt_name
            };
            let Ok(value) = self.register_value(n, depth) else {
                continue;
            };
            let changed = depth == 0 && self.register_changed(tid, n, &value.bytes);
            let raw = target.read_integer(&value.bytes);
            picture
                .registers
                .push((format!("{name:<5}{raw:#x}"), changed));
        }
        Ok(())
    }

    fn picture_stack(&mut self, picture: &mut Picture, height: usize) {
        for n in 0..height {
            let Ok(Some(frame)) = self.frame_at(n) else {
                break;
            };
            let selected = n == self.s.frame;
            let text = self.frame_text(&frame, n, true, true);
            picture.stack.push((text, selected));
        }
    }
}

/// Text for one line of the screen: no control characters, tabs spread, cut at `width`.
fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut n = 0;
    for c in text.chars() {
        if n >= width {
            break;
        }
        if c == '\t' {
            let step = (8 - n % 8).min(width - n);
            out.extend(std::iter::repeat_n(' ', step));
            n += step;
        } else {
            out.push(if c.is_control() { '?' } else { c });
            n += 1;
        }
    }
    out.extend(std::iter::repeat_n(' ', width - n));
    out
}

/// Registers in as many columns as there is room for.
fn columns(rows: &[Row], width: usize, height: usize) -> Vec<Vec<Row>> {
    let widest = rows.iter().map(|r| r.0.len() + 1).max().unwrap_or(1);
    let across = (width / widest).max(1);
    let deep = rows.len().div_ceil(across).min(height);
    (0..deep)
        .map(|y| {
            (0..across)
                .filter_map(|x| rows.get(x * deep + y))
                .map(|(t, on)| (format!("{t:<widest$}"), *on))
                .collect()
        })
        .collect()
}

impl View {
    /// Draws everything.
    pub fn draw(&mut self) {
        let (width, height) = self.size;
        let mut out: Vec<u8> = Vec::new();
        // Writing to memory cannot fail.
        let _ = self.compose(&mut out, width, height);
        self.show(&out);
    }

    fn compose(&self, out: &mut Vec<u8>, width: u16, height: u16) -> std::io::Result<()> {
        queue!(out, Hide)?;
        if width < LEAST.0 || height < LEAST.1 {
            queue!(
                out,
                Clear(ClearType::All),
                MoveTo(0, 0),
                Print(fit("too small", width.into()))
            )?;
            return Ok(());
        }
        let (w, h) = (usize::from(width), usize::from(height));
        let output = (h / 4).max(3);
        let upper = h - output - 3;
        let left = w * 3 / 5;
        let right = w - left - 1;
        let line = |out: &mut Vec<u8>,
                    x: usize,
                    y: usize,
                    text: &str,
                    width: usize,
                    on: bool|
         -> std::io::Result<()> {
            queue!(out, MoveTo(x as u16, y as u16))?;
            if on {
                queue!(out, SetAttribute(Attribute::Bold))?;
            }
            queue!(out, Print(fit(text, width)))?;
            if on {
                queue!(out, SetAttribute(Attribute::Reset))?;
            }
            Ok(())
        };
        let bar = |out: &mut Vec<u8>, y: usize, text: &str| -> std::io::Result<()> {
            queue!(
                out,
                MoveTo(0, y as u16),
                SetAttribute(Attribute::Reverse),
                Print(fit(text, w)),
                SetAttribute(Attribute::Reset)
            )
        };
        bar(out, 0, &format!(" {}", self.picture.title))?;
        // The place in the middle of the pane.
        let p = &self.picture;
        let top = p
            .focus
            .saturating_sub(upper / 2)
            .min(p.code.len().saturating_sub(upper));
        for y in 0..upper {
            let (text, on) = p.code.get(top + y).cloned().unwrap_or_default();
            line(out, 0, y + 1, &text, left, on)?;
            queue!(out, MoveTo(left as u16, y as u16 + 1), Print('\u{2502}'))?;
            line(out, left + 1, y + 1, "", right, false)?;
        }
        let stack = (upper / 3).min(p.stack.len() + 1);
        let rows = columns(&p.registers, right, upper - stack);
        for (y, row) in rows.iter().enumerate() {
            let mut x = left + 1;
            for (text, on) in row {
                let room = (w - x).min(text.len());
                line(out, x, y + 1, text, room, *on)?;
                x += room;
            }
        }
        if stack > 0 {
            let first = upper - stack;
            queue!(
                out,
                MoveTo(left as u16, first as u16 + 1),
                Print("\u{251c}"),
                Print("\u{2500}".repeat(right))
            )?;
            for (y, (text, on)) in p.stack.iter().take(stack - 1).enumerate() {
                line(out, left + 1, first + y + 2, text, right, *on)?;
            }
        }
        bar(
            out,
            upper + 1,
            if self.running {
                " output (the program runs; keys are its own, Ctrl-C stops it)"
            } else {
                " output"
            },
        )?;
        let shown: Vec<&str> = self.log.tail(output).collect();
        for y in 0..output {
            line(
                out,
                0,
                upper + 2 + y,
                shown.get(y).copied().unwrap_or(""),
                w,
                false,
            )?;
        }
        let last = match &self.typed {
            Some(text) => format!(":{text}"),
            None if self.running => String::new(),
            None => "s step  n next  i stepi  c cont  f finish  b break  u/d frame  Tab code  : command  ? help  q quit".into(),
        };
        line(out, 0, h - 1, &last, w, false)?;
        if let Some(text) = &self.typed {
            let x = (text.chars().count() + 1).min(w - 1);
            queue!(out, MoveTo(x as u16, h as u16 - 1), Show)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_screen() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 3), "abc");
        assert_eq!(fit("\tx", 10), "        x ");
        assert_eq!(fit("a\x1b[2J", 5), "a?[2J");
        assert_eq!(fit("\t", 3), "   ");
        let rows: Vec<Row> = (0..5).map(|i| (format!("r{i}"), false)).collect();
        assert_eq!(columns(&rows, 6, 10).len(), 3);
        assert!(columns(&[], 6, 10).is_empty());
    }
}
