//! Commands about the prompt's surroundings: the shell, the working folder, and `printf` for scripts.

use crate::expr::Value;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, Result};
use serde_json::json;
use std::process::{Command, Stdio};

/// Bytes of a text that `printf` reads.
const MAX_TEXT: usize = 64 * 1024;

/// `shell COMMAND`: of the host; its output is part of the answer, unless there is a terminal for it.
pub fn shell(cx: &mut Cx<'_>) -> Result<()> {
    let program = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
    let mut command = Command::new(program);
    if cx.args.is_empty() {
        if !cx.s.interactive {
            return fail("Argument required (a command of the shell).");
        }
    } else {
        command.arg("-c").arg(cx.args);
    }
    let failed = |e: std::io::Error| Error::Failed(format!("the shell was not started: {e}"));
    let status = if cx.s.interactive && cx.s.view.is_none() {
        command.status().map_err(failed)?
    } else {
        let out = command.stdin(Stdio::null()).output().map_err(failed)?;
        let _ = cx.out.write_str(&String::from_utf8_lossy(&out.stdout));
        let _ = cx.out.write_str(&String::from_utf8_lossy(&out.stderr));
        out.status
    };
    let code = status.code().map(i64::from);
    if let Some(code) = code {
        let value = Value::int(&cx.target(), code);
        cx.s.variables.insert("_shell_exitcode".into(), value);
    }
    cx.s.answer = Some(json!({ "status": code }));
    Ok(())
}

/// `pwd`: the prompt's working folder, which the next `run` is in.
pub fn pwd(cx: &mut Cx<'_>) -> Result<()> {
    let folder = std::env::current_dir().map_err(|e| Error::Failed(e.to_string()))?;
    say!(cx, "Working directory {}.", folder.display());
    cx.s.answer = Some(json!({ "folder": folder }));
    Ok(())
}

/// `cd FOLDER`
pub fn cd(cx: &mut Cx<'_>) -> Result<()> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".into());
    let folder = match cx.args {
        "" | "~" => home,
        args => match args.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None => args.to_owned(),
        },
    };
    std::env::set_current_dir(&folder).map_err(|e| {
        let why = e.to_string();
        Error::Failed(format!(
            "{folder}: {}",
            why.split(" (os error").next().unwrap_or_default()
        ))
    })?;
    pwd(cx)
}

/// Splits at commas that are in no quotes or brackets.
fn arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quote, mut from) = (Vec::new(), 0, None, 0);
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

/// `printf "FORMAT", VALUE...`, as in C.
pub fn printf(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    let parts = arguments(args);
    let format = parts.first().copied().unwrap_or_default();
    let Some(format) = format.strip_prefix('"').and_then(|f| f.strip_suffix('"')) else {
        return fail("Bad format string: it stands in double quotes.");
    };
    let mut values = parts[1..].iter();
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(match rest.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('a') => '\x07',
                Some('e') => '\x1b',
                Some(other) => other,
                None => return fail("Bad format string: it ends in a backslash."),
            }),
            '%' => {
                let spec: String = rest
                    .clone()
                    .take_while(|c| "-+ #0123456789.lhzjtL".contains(*c))
                    .collect();
                let letter = rest.clone().nth(spec.chars().count());
                for _ in 0..=spec.chars().count() {
                    rest.next();
                }
                let Some(letter) = letter else {
                    return fail("Bad format string: it ends in a conversion.");
                };
                if letter == '%' {
                    out.push('%');
                    continue;
                }
                let Some(text) = values.next() else {
                    return fail("Bad format string, missing arguments.");
                };
                let value = cx.eval(text)?;
                out += &converted(cx, &spec, letter, &value)?;
            }
            c => out.push(c),
        }
    }
    if values.next().is_some() {
        return fail("Wrong number of arguments for specified format-string");
    }
    let _ = cx.out.write_str(&out);
    cx.s.answer = Some(json!({ "printed": out }));
    Ok(())
}

/// One value by its conversion.
fn converted(cx: &mut Cx<'_>, spec: &str, letter: char, value: &Value) -> Result<String> {
    let flags: String = spec.chars().take_while(|c| "-+ #0".contains(*c)).collect();
    let digits = spec[flags.len()..].trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (width, precision) = digits.split_once('.').unwrap_or((digits, ""));
    let width = width.parse::<usize>().unwrap_or(0).min(4096);
    let precision = precision.parse::<usize>().ok();
    // Without an l an int is meant.
    let wide = spec.contains(['l', 'z', 'j', 't']);
    let unsigned = |n: i64| if wide { n as u64 } else { u64::from(n as u32) };
    let plus = |n: bool| if n && flags.contains('+') { "+" } else { "" };
    let text = match letter {
        'd' | 'i' => {
            let n = cx.int(value)?;
            let n = if wide { n } else { i64::from(n as i32) };
            format!("{}{n}", plus(n >= 0))
        }
        'u' => unsigned(cx.int(value)?).to_string(),
        'x' if flags.contains('#') => format!("{:#x}", unsigned(cx.int(value)?)),
        'x' => format!("{:x}", unsigned(cx.int(value)?)),
        'X' => format!("{:X}", unsigned(cx.int(value)?)),
        'o' => format!("{:o}", unsigned(cx.int(value)?)),
        'p' => format!("{:#x}", cx.int(value)?),
        'c' => char::from(cx.int(value)? as u8).to_string(),
        's' => {
            let bytes = match cx.int(value) {
                Ok(addr) => {
                    cx.read_string(addr as u64, precision.unwrap_or(MAX_TEXT))?
                        .0
                }
                // A text of the prompt's own.
                Err(_) => value
                    .bytes
                    .split(|b| *b == 0)
                    .next()
                    .unwrap_or_default()
                    .to_vec(),
            };
            String::from_utf8_lossy(&bytes).into_owned()
        }
        'f' | 'g' | 'e' => {
            let number = match cx.symbols().strip(&value.ty).kind {
                crate::dwarf::Kind::Float => value.number(&cx.target()).unwrap_or(f64::NAN),
                _ => cx.int(value)? as f64,
            };
            match letter {
                'f' => format!("{number:.*}", precision.unwrap_or(6).min(100)),
                'e' => format!("{number:.*e}", precision.unwrap_or(6).min(100)),
                _ => format!("{number}"),
            }
        }
        other => return fail(format!("Unrecognized format specifier '{other}' in printf")),
    };
    Ok(if flags.contains('-') {
        format!("{text:<width$}")
    } else if flags.contains('0') && letter != 's' {
        format!("{text:0>width$}")
    } else {
        format!("{text:>width$}")
    })
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn arguments_are_split_where_they_end() {
        assert_eq!(
            arguments("\"a, b\", f(1, 2), x[1]"),
            ["\"a, b\"", "f(1, 2)", "x[1]"]
        );
        assert_eq!(arguments(r#""\"," , 'x'"#), [r#""\",""#, "'x'"]);
    }
}
