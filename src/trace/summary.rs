//! Counts of calls, as a table at the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is counted of the calls of one name.
#[derive(Clone, Copy, Default)]
struct Count {
    calls: u64,
    errors: u64,
    time: Duration,
}

/// Counts of calls by name.
#[derive(Default)]
pub struct Summary(Mutex<BTreeMap<String, Count>>);

impl Summary {
    /// Counts a call that took this long.
    pub fn count(&self, name: &str, took: Duration, failed: bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.contains_key(name) {
            counts.insert(name.to_owned(), Count::default());
        }
        if let Some(count) = counts.get_mut(name) {
            count.calls += 1;
            count.errors += u64::from(failed);
            count.time += took;
        }
    }

    /// The table, by time, and starts over.
    pub fn take(&self) -> String {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut rows: Vec<(String, Count)> = counts.into_iter().collect();
        rows.sort_by_key(|(_, c)| std::cmp::Reverse(c.time));
        let total = rows.iter().fold(Count::default(), |t, (_, c)| Count {
            calls: t.calls + c.calls,
            errors: t.errors + c.errors,
            time: t.time + c.time,
        });
        if total.calls == 0 {
            return String::new();
        }
        let all = total.time.as_secs_f64().max(f64::MIN_POSITIVE);
        let rule = "------ ----------- ----------- --------- --------- ----------------\n";
        let mut text = String::from("% time     seconds  usecs/call     calls    errors syscall\n");
        text += rule;
        let line = |name: &str, c: &Count, each: bool| {
            let seconds = c.time.as_secs_f64();
            let per_call = if each {
                format!("{:.0}", seconds * 1e6 / c.calls as f64)
            } else {
                String::new()
            };
            let errors = if c.errors == 0 {
                String::new()
            } else {
                c.errors.to_string()
            };
            format!(
                "{:6.2} {seconds:11.6} {per_call:>11} {:9} {errors:>9} {name}\n",
                100.0 * seconds / all,
                c.calls
            )
        };
        for (name, count) in &rows {
            text += &line(name, count, true);
        }
        text + rule + &line("total", &total, false)
    }
}
