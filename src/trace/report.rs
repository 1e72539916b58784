//! Records of what was not implemented: as text, as lines of JSON, and summed up over many programs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What one process asked for and did not get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Path of the program.
    pub program: String,
    /// Id of the process.
    pub pid: i32,
    /// What it is a case of: `syscall`, `ioctl`, another call's name, `instruction`.
    pub kind: String,
    /// Which one.
    pub what: String,
    /// How often.
    pub count: u64,
    /// Bytes that it hands in or wants, if that is known.
    pub size: Option<u64>,
    /// What the guest got: the name of an error, of a signal, or a value.
    pub result: String,
    /// Where it was asked for first: `symbol+0x2c`, `file+0x1234` or an address.
    pub at: String,
    /// Where the function was called from that asked, or "".
    pub caller: String,
    /// The first place as an address.
    pub pc: u64,
    /// The same as a mapped file and the offset in it.
    pub file: Option<(String, u64)>,
    /// The first bytes that were handed in.
    pub input: Vec<u8>,
}

impl Record {
    /// As an object of JSON, on one line.
    pub fn to_json(&self) -> String {
        let input: String = self.input.iter().map(|b| format!("{b:02x}")).collect();
        json!({
            "program": self.program,
            "pid": self.pid,
            "kind": self.kind,
            "what": self.what,
            "count": self.count,
            "size": self.size,
            "result": self.result,
            "at": self.at,
            "caller": self.caller,
            "pc": self.pc,
            "file": self.file.as_ref().map(|f| &f.0),
            "offset": self.file.as_ref().map(|f| f.1),
            "input": input,
        })
        .to_string()
    }

    /// From an object of JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Record, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let text = |name: &str| match &value[name] {
            Value::String(s) => Ok(s.clone()),
            _ => Err(format!("no text '{name}'")),
        };
        let number = |name: &str| value[name].as_u64().ok_or(format!("no number '{name}'"));
        let input = text("input")?;
        Ok(Record {
            program: text("program")?,
            pid: i32::try_from(number("pid")?).map_err(|e| e.to_string())?,
            kind: text("kind")?,
            what: text("what")?,
            count: number("count")?,
            size: value["size"].as_u64(),
            result: text("result")?,
            at: text("at")?,
            caller: text("caller")?,
            pc: number("pc")?,
            file: text("file").ok().zip(number("offset").ok()),
            input: (0..input.len() / 2)
                .filter_map(|i| u8::from_str_radix(input.get(2 * i..2 * i + 2)?, 16).ok())
                .collect(),
        })
    }

    /// Its line in a list.
    fn line(&self) -> String {
        let size = self.size.map_or("-".to_owned(), |n| n.to_string());
        let mut line = format!(
            "{:>8} {size:>6}  {:<12} {} {}, at {}",
            self.count, self.result, self.kind, self.what, self.at
        );
        if !self.caller.is_empty() {
            line += &format!(" from {}", self.caller);
        }
        if !self.input.is_empty() {
            let each: Vec<String> = self.input.iter().map(|b| format!("{b:02x}")).collect();
            line += &format!(" [{}]", each.join(" "));
        }
        line + "\n"
    }
}

const HEAD: &str = "   count  bytes  result       what\n";

/// What one process asked for, as a list.
pub fn text(records: &[Record]) -> String {
    let Some(first) = records.first() else {
        return String::new();
    };
    let program = first.program.rsplit('/').next().unwrap_or_default();
    let mut text = format!(
        "emu: not implemented for {program} ({}):\n{HEAD}",
        first.pid
    );
    for record in records {
        text += &record.line();
    }
    text
}

/// Sums up records by program and by thing. `files` are names and contents of files that `--report` wrote.
///
/// # Errors
/// The file and line that is no record.
pub fn merge(files: &[(String, String)]) -> Result<String, String> {
    // By program: its processes, and its things with the first case of each.
    let mut programs: BTreeMap<String, (BTreeSet<i32>, Vec<Record>)> = BTreeMap::new();
    let mut total: Vec<Record> = Vec::new();
    for (name, content) in files {
        for (n, line) in content.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let record = Record::from_json(line).map_err(|why| {
                format!(
                    "{name}:{}: {why}; it takes files that --report wrote",
                    n + 1
                )
            })?;
            let (pids, things) = programs.entry(record.program.clone()).or_default();
            pids.insert(record.pid);
            add(things, &record);
            add(&mut total, &record);
        }
    }
    if programs.is_empty() {
        return Ok("nothing that was asked for is not implemented\n".to_owned());
    }
    let mut text = String::new();
    for (program, (pids, mut things)) in programs {
        let processes = match pids.len() {
            1 => "1 process".to_owned(),
            n => format!("{n} processes"),
        };
        text += &format!("{program} ({processes})\n{HEAD}");
        things.sort_by_key(|r| std::cmp::Reverse(r.count));
        text.extend(things.iter().map(Record::line));
        text.push('\n');
    }
    text += &format!("all programs\n{HEAD}");
    total.sort_by_key(|r| std::cmp::Reverse(r.count));
    text.extend(total.iter().map(Record::line));
    Ok(text)
}

/// Counts a case with the others of its thing and result, or as the first.
fn add(things: &mut Vec<Record>, record: &Record) {
    let same = |t: &&mut Record| {
        (&t.kind, &t.what, &t.result) == (&record.kind, &record.what, &record.result)
    };
    match things.iter_mut().find(same) {
        Some(thing) => thing.count += record.count,
        None => things.push(record.clone()),
    }
}
