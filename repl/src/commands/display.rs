//! Expressions that are shown at each stop.

use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, Result};

/// All of them.
#[derive(Default)]
pub struct Displays {
    /// By number.
    list: Vec<Display>,
    last: usize,
}

/// An expression that is shown at each stop.
#[derive(Clone, Debug)]
pub struct Display {
    /// Its number.
    pub number: usize,
    /// The expression.
    pub expr: String,
    /// What follows the slash, without it; "" for `print`'s way.
    pub format: String,
    /// Whether it is shown.
    pub enabled: bool,
}

pub fn display(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return show_displays(cx);
    }
    let (format, expr) = match cx.args.strip_prefix('/') {
        Some(rest) => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        None => ("", cx.args),
    };
    let expr = expr.trim();
    cx.parse(expr)?;
    // What names nothing here would never be shown.
    if let Err(e) = cx.eval(expr)
        && is_elsewhere(&e)
    {
        return Err(e);
    }
    cx.s.displays.last += 1;
    let number = cx.s.displays.last;
    let display = Display {
        number,
        expr: expr.to_owned(),
        format: format.to_owned(),
        enabled: true,
    };
    cx.s.displays.list.push(display.clone());
    if cx.alive() {
        show_display(cx, &display);
    }
    Ok(())
}

fn show_display(cx: &mut Cx<'_>, d: &Display) {
    let memory = d.format.contains(['i', 's']) || d.format.contains(|c: char| c.is_ascii_digit());
    let slash = if d.format.is_empty() {
        String::new()
    } else {
        format!("/{}", d.format)
    };
    if memory {
        say!(cx, "{}: x{slash} {}", d.number, d.expr);
        let args = format!("{slash} {}", d.expr);
        let mut text = String::new();
        let kept = cx.s.examine.clone();
        let result = super::data::examine(&mut cx.with(&args, &mut text));
        cx.s.examine = kept;
        let _ = cx.out.write_str(&text);
        if let Err(e) = result {
            say!(cx, "{e}");
        }
        return;
    }
    let format = d
        .format
        .chars()
        .next()
        .map_or(crate::expr::Format::Natural, crate::expr::Format::Letter);
    let text = cx.eval(&d.expr).and_then(|v| cx.show(&v, format, true));
    match text {
        Ok(text) => say!(
            cx,
            "{}: {slash}{}{} = {text}",
            d.number,
            if slash.is_empty() { "" } else { " " },
            d.expr
        ),
        // It is about another function.
        Err(e) if is_elsewhere(&e) => {}
        Err(e) => {
            let space = if slash.is_empty() { "" } else { " " };
            say!(cx, "{}: {slash}{space}{} = <error: {e}>", d.number, d.expr)
        }
    };
}

/// Whether an expression failed because what it names is not in scope.
fn is_elsewhere(e: &Error) -> bool {
    matches!(e, Error::Failed(why) if why.starts_with("No symbol ") && why.ends_with("in current context."))
}

/// `enable display`, `disable display`
pub fn enable(cx: &mut Cx<'_>, on: bool) -> Result<()> {
    let mut list = Vec::new();
    for word in cx.args.split_whitespace() {
        match word.parse::<usize>() {
            Ok(n) if cx.s.displays.list.iter().any(|d| d.number == n) => list.push(n),
            _ => return fail(format!("No display number {word}.")),
        }
    }
    for d in &mut cx.s.displays.list {
        if list.is_empty() || list.contains(&d.number) {
            d.enabled = on;
        }
    }
    Ok(())
}

/// Shows what is to be shown at each stop.
pub fn show_displays(cx: &mut Cx<'_>) -> Result<()> {
    let displays = cx.s.displays.list.clone();
    for d in displays.iter().filter(|d| d.enabled) {
        show_display(cx, d);
    }
    Ok(())
}

pub fn undisplay(cx: &mut Cx<'_>) -> Result<()> {
    let mut list = Vec::new();
    for word in cx.args.split_whitespace() {
        match word.parse::<usize>() {
            Ok(n) if cx.s.displays.list.iter().any(|d| d.number == n) => list.push(n),
            _ => return fail(format!("No display number {word}.")),
        }
    }
    cx.s.displays
        .list
        .retain(|d| !list.is_empty() && !list.contains(&d.number));
    Ok(())
}

pub fn info_display(cx: &mut Cx<'_>) -> Result<()> {
    if cx.s.displays.list.is_empty() {
        say!(cx, "There are no auto-display expressions now.");
        return Ok(());
    }
    say!(
        cx,
        "Auto-display expressions now in effect:\nNum Enb Expression"
    );
    for d in cx.s.displays.list.clone() {
        let slash = if d.format.is_empty() {
            String::new()
        } else {
            format!("/{} ", d.format)
        };
        say!(
            cx,
            "{:<3} {:<3} {slash}{}",
            d.number,
            if d.enabled { "y" } else { "n" },
            d.expr
        );
    }
    Ok(())
}
