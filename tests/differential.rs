//! Differential test: seeded random instruction streams on the engines and on a reference emulator, where one is installed.
//!
//! The driver builds a guest program that loads a random state, runs a few random instructions and stores the state, case after
//! case, and compares what the program prints on each. `EMU_SEED` and `EMU_INSNS` choose the stream and its length, `EMU_ROW`
//! limits it to rows whose name contains a text:
//!
//!     EMU_INSNS=1000000 cargo test --release --test differential -- --ignored --nocapture

#[path = "differential/aarch64.rs"]
mod aarch64;
#[path = "differential/engines.rs"]
mod engines;
#[path = "differential/guest.rs"]
mod guest;
#[path = "differential/mips.rs"]
mod mips;
#[path = "differential/program.rs"]
mod program;
#[path = "differential/values.rs"]
mod values;
#[path = "vectors/mod.rs"]
mod vectors;

use emu::cpu::Exit;
use engines::Kind;
use fastrand::Rng;
use guest::{AddressUse, Guest};
use program::{Case, Image, Outcome, Plan, Use};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use vectors::{Vector, WINDOW};

/// Instructions of one case.
const LENGTH: usize = 6;
/// Cases of one program.
const BATCH: usize = 1000;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

/// A case of up to `length` instructions made from `rows`.
fn generate(
    plan: &Plan,
    guest: &dyn Guest,
    rows: &[(usize, &'static str)],
    n: usize,
    length: usize,
    rng: &mut Rng,
) -> Case {
    let layout = guest.layout();
    let mut case = Case {
        rows: Vec::new(),
        words: Vec::new(),
        registers: layout
            .iter()
            .map(|f| guest.random_value(f.register, rng))
            .collect(),
        memory: std::iter::repeat_with(|| rng.u8(..)).take(WINDOW).collect(),
    };
    let mut uses = vec![Use::Free; layout.len()];
    for _ in 0..10 * length {
        let (row, name) = rows[rng.usize(..rows.len())];
        let Some(words) = guest.random(row, rng) else {
            continue;
        };
        if case.words.len() + words.len() > length {
            break;
        }
        let (mut attempt, mut attempt_uses) = (case.clone(), uses.clone());
        let mut ok = true;
        for word in words {
            ok &= plan.is_allocated(word);
            let k = attempt.words.len();
            attempt.words.push(word);
            attempt.rows.push(name);
            ok = ok && plan.aim(&mut attempt, n, k, &mut attempt_uses, rng);
            for register in guest.writes(word) {
                if let Some(at) = layout.iter().position(|f| f.register == register) {
                    attempt_uses[at] = Use::Written;
                }
            }
        }
        if ok {
            (case, uses) = (attempt, attempt_uses);
        }
    }
    case
}

/// Runs the program on the reference emulator; `None` when it is not installed.
fn ask_oracle(guest: &dyn Guest, image: &Image) -> Option<Vec<u8>> {
    let (program, args) = guest.oracle();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("emu-differential-{}-{run}", std::process::id()));
    std::fs::write(&path, image.elf(guest)).unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o700);
    std::fs::set_permissions(&path, permissions).unwrap();
    let output = Command::new(program)
        .args(args)
        .arg(&path)
        .stderr(Stdio::inherit())
        .output();
    std::fs::remove_file(&path).unwrap();
    output.ok().map(|o| o.stdout)
}

/// Runs cases on an engine; the error says where and how the program ended before its end.
fn run(
    plan: &Plan,
    guest: &dyn Guest,
    kind: Kind,
    cases: &[Case],
) -> Result<Vec<Outcome>, (u64, Exit)> {
    let printed = plan.build(cases).run(kind, guest.isa())?;
    Ok(plan.outcomes(&printed))
}

/// Runs cases on the reference emulator.
fn run_oracle(plan: &Plan, guest: &dyn Guest, cases: &[Case]) -> Vec<Outcome> {
    let printed =
        ask_oracle(guest, &plan.build(cases)).expect("the reference emulator is not installed");
    plan.outcomes(&printed)
}

/// The first case with which the program does not end.
fn find_failing<'a>(
    plan: &Plan,
    guest: &dyn Guest,
    kind: Kind,
    cases: &'a [Case],
) -> Option<&'a Case> {
    let fails = |n: usize| run(plan, guest, kind, &cases[..n]).is_err();
    let (mut good, mut bad) = (0, cases.len());
    while good + 1 < bad {
        let middle = (good + bad) / 2;
        if fails(middle) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    cases.get(bad - 1)
}

/// Names of registers (or "memory") that differ. Those with an explanation are counted in `explained` instead.
fn differences(
    guest: &dyn Guest,
    words: &[u32],
    ours: &Outcome,
    theirs: &Outcome,
    explained: &mut BTreeMap<&'static str, u64>,
) -> Vec<&'static str> {
    let table = guest.isa().registers().registers;
    let mut different = Vec::new();
    for (n, field) in guest.layout().iter().enumerate() {
        let name = table[field.register].name;
        if ours.registers[n] == theirs.registers[n] {
            continue;
        }
        different.push(name);
    }
    if ours.memory != theirs.memory {
        different.push("memory");
    }
    let mut names = Vec::new();
    for name in different {
        match guest.explain(words, name) {
            Some(why) => *explained.entry(why).or_default() += 1,
            None => names.push(name),
        }
    }
    names
}

/// The shortest start of a failing case that still fails, as text.
fn report(guest: &dyn Guest, kind: Kind, case: &Case, n: usize) -> (&'static str, String) {
    // The case keeps its number, for its addresses to stay.
    let plan = Plan::new(guest, LENGTH);
    let mut batch = vec![case.clone(); n + 1];
    for length in 1..=case.words.len() {
        for case in &mut batch {
            case.words.truncate(0);
        }
        batch[n].words = case.words[..length].to_vec();
        let Ok(ours) = run(&plan, guest, kind, &batch) else {
            continue;
        };
        let theirs = run_oracle(&plan, guest, &batch);
        let (Some(ours), Some(theirs)) = (ours.get(n), theirs.get(n)) else {
            return (
                case.rows[length - 1],
                format!("{:08x?}: no outcome", &case.words[..length]),
            );
        };
        let names = differences(
            guest,
            &case.words[..length],
            ours,
            theirs,
            &mut BTreeMap::new(),
        );
        if names.is_empty() {
            continue;
        }
        let mut text = format!(
            "{} {:08x} after {:08x?}\n",
            case.rows[length - 1],
            case.words[length - 1],
            &case.words[..length - 1]
        );
        let table = guest.isa().registers().registers;
        for (k, field) in guest.layout().iter().enumerate() {
            let name = table[field.register].name;
            let touched = guest.writes(case.words[length - 1]);
            let shown = names.contains(&name)
                || touched
                    .iter()
                    .any(|t| *t == field.register || *t + 34 == field.register)
                || matches!(name, "cpsr" | "fpcr" | "fpsr");
            if shown {
                text += &format!(
                    "  {name:5} {:x} -> ours {:x}, theirs {:x}\n",
                    case.registers[k], ours.registers[k], theirs.registers[k]
                );
            }
        }
        if names.contains(&"memory") {
            text += &format!(
                "  memory {:02x?}\n  ours   {:02x?}\n  theirs {:02x?}\n",
                case.memory, ours.memory, theirs.memory
            );
        }
        return (case.rows[length - 1], text);
    }
    ("?", format!("not reproducible alone: {:08x?}", case.words))
}

/// Vectors of each row.
const VECTORS: usize = 3;

/// A case of one row with few registers that are not zero; `None` when the row has none that can be run.
fn sparse_case(
    plan: &Plan,
    guest: &dyn Guest,
    row: (usize, &'static str),
    n: usize,
    rng: &mut Rng,
) -> Option<Case> {
    let layout = guest.layout();
    // More than one word only where `random` gives several that belong together.
    let mut case = (0..200)
        .map(|attempt| generate(plan, guest, &[row], n, 1 + attempt / 40, rng))
        .find(|case| !case.words.is_empty())?;
    case.memory = (0..WINDOW).map(vectors::fill).collect();
    let used: Vec<usize> = case.words.iter().flat_map(|&w| guest.operands(w)).collect();
    for (value, field) in case.registers.iter_mut().zip(&layout) {
        if !used.contains(&field.register) {
            *value = 0;
        }
    }
    // What makes no difference to the result goes as well.
    let effect = |case: &Case| plan.run_alone(case, n).map(|o| changes(&layout, case, &o));
    let full = effect(&case)?;
    for k in 0..layout.len() {
        let mut simpler = case.clone();
        simpler.registers[k] = 0;
        if case.registers[k] != 0 && effect(&simpler).as_ref() == Some(&full) {
            case = simpler;
        }
    }
    Some(case)
}

/// Registers (by place in the layout) and bytes (by offset) that changed, with their new values.
type Changes = (Vec<(usize, u128)>, Vec<(usize, u8)>);

/// What an outcome has changed.
fn changes(layout: &[guest::Field], case: &Case, outcome: &Outcome) -> Changes {
    let registers = (0..layout.len())
        .filter(|&k| case.registers[k] != outcome.registers[k])
        .map(|k| (k, outcome.registers[k]))
        .collect();
    let bytes = (0..WINDOW)
        .filter(|&k| case.memory[k] != outcome.memory[k])
        .map(|k| (k, outcome.memory[k]))
        .collect();
    (registers, bytes)
}

fn to_vector(plan: &Plan, guest: &dyn Guest, case: &Case, n: usize, outcome: &Outcome) -> Vector {
    let layout = guest.layout();
    let table = guest.isa().registers().registers;
    let name = |k: usize| table[layout[k].register].name.to_string();
    let (registers, bytes) = changes(&layout, case, outcome);
    let mut stored: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut run = 0;
    for (k, byte) in bytes {
        let addr = plan.window(n) + k as u64;
        match stored.get_mut(&run) {
            Some(bytes) if run + bytes.len() as u64 == addr => bytes.push(byte),
            _ => {
                run = addr;
                stored.insert(addr, vec![byte]);
            }
        }
    }
    let memory = case
        .words
        .iter()
        .any(|&w| matches!(guest.address_use(w), AddressUse::Memory(_)));
    Vector {
        pc: plan.code_address(n),
        words: case.words.clone(),
        inputs: (0..layout.len())
            .filter(|&k| case.registers[k] != 0)
            .map(|k| (name(k), case.registers[k]))
            .collect(),
        memory: memory.then(|| plan.window(n)),
        outputs: registers
            .into_iter()
            .map(|(k, value)| (name(k), value))
            .collect(),
        stored,
    }
}

/// Writes vectors for every row to `tests/vectors`, with the results of the reference emulator.
fn write_vectors(guest: &dyn Guest, files: &dyn Fn(&'static str) -> &'static str) {
    let plan = Plan::new(guest, LENGTH);
    let mut rng = Rng::with_seed(number("EMU_SEED", 1));
    let (mut cases, mut without) = (Vec::new(), Vec::new());
    for row in guest.rows().into_iter().enumerate() {
        let before = cases.len();
        // An instruction that may trap does so with many operands.
        for _ in 0..8 * VECTORS {
            if cases.len() < before + VECTORS {
                cases.extend(sparse_case(&plan, guest, row, cases.len(), &mut rng));
            }
        }
        if cases.len() == before {
            without.push(row.1);
        }
    }
    println!(
        "{}: {} vectors, rows without: {without:?}",
        guest.isa().name(),
        cases.len()
    );
    let theirs = run_oracle(&plan, guest, &cases);
    let ours = run(&plan, guest, Kind::Interpreter, &cases).unwrap();
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut last = "";
    for (n, case) in cases.iter().enumerate() {
        assert_eq!(ours[n], theirs[n], "{case:x?}");
        let text = texts.entry(files(case.rows[0])).or_default();
        if case.rows[0] != last {
            last = case.rows[0];
            *text += &format!("# {last}\n");
        }
        let line = to_vector(&plan, guest, case, n, &theirs[n]).to_string();
        assert_eq!(Vector::parse(&line).unwrap().to_string(), line);
        *text += &line;
        text.push('\n');
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(guest.isa().name());
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in texts {
        std::fs::write(folder.join(file).with_extension("txt"), text).unwrap();
    }
}

fn compare(guest: &dyn Guest, default_insns: u64) {
    let seed = number("EMU_SEED", 1);
    let wanted = number("EMU_INSNS", default_insns);
    let filter = std::env::var("EMU_ROW").unwrap_or_default();
    let mut rng = Rng::with_seed(seed);
    let rows: Vec<_> = guest
        .rows()
        .into_iter()
        .enumerate()
        .filter(|(_, name)| name.contains(&filter))
        .collect();
    let plan = Plan::new(guest, LENGTH);
    let (mut done, mut failing) = (0, 0);
    let mut covered: BTreeMap<&str, u64> = BTreeMap::new();
    let mut explained = BTreeMap::new();
    let mut reports: BTreeMap<(u8, &str), String> = BTreeMap::new();
    while done < wanted {
        let cases: Vec<Case> = (0..BATCH)
            .map(|n| generate(&plan, guest, &rows, n, LENGTH, &mut rng))
            .collect();
        for case in &cases {
            done += case.words.len() as u64;
            for row in &case.rows {
                *covered.entry(row).or_default() += 1;
            }
        }
        let theirs = run_oracle(&plan, guest, &cases);
        assert_eq!(theirs.len(), cases.len(), "the reference did not finish");
        for kind in Kind::ALL {
            let ours = run(&plan, guest, kind, &cases).unwrap_or_else(|(pc, exit)| {
                let case = find_failing(&plan, guest, kind, &cases);
                panic!("{kind:?}: {exit:?} at {pc:#x} in {case:x?}")
            });
            for (n, case) in cases.iter().enumerate() {
                if !differences(guest, &case.words, &ours[n], &theirs[n], &mut explained).is_empty()
                {
                    failing += 1;
                    if reports.len() < 40 {
                        let (row, text) = report(guest, kind, case, n);
                        reports
                            .entry((kind as u8, row))
                            .or_insert(format!("{kind:?}: {text}"));
                    }
                }
            }
        }
    }
    let without: Vec<_> = rows
        .iter()
        .map(|r| r.1)
        .filter(|r| !covered.contains_key(r))
        .collect();
    println!(
        "{}: seed {seed}, {done} instructions, {} rows, not run: {without:?}",
        guest.isa().name(),
        covered.len()
    );
    for (why, count) in explained {
        println!("  {count} times: {why}");
    }
    assert!(
        reports.is_empty(),
        "{failing} cases differ:\n{}",
        reports.into_values().collect::<Vec<_>>().join("\n")
    );
}

#[test]
#[ignore = "needs qemu-user"]
fn aarch64_agrees_with_qemu() {
    compare(&aarch64::Aarch64Guest, 200_000);
}

#[test]
#[ignore = "writes tests/vectors; needs qemu-user"]
fn write_aarch64_vectors() {
    write_vectors(&aarch64::Aarch64Guest, &aarch64::vector_file);
}

#[test]
#[ignore = "writes tests/vectors; needs qemu-user"]
fn write_mips_vectors() {
    for guest in [&mips::BIG, &mips::LITTLE, &mips::BIG_FR1] {
        write_vectors(guest, &mips::vector_file);
    }
}
