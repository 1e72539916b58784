//! XML documents: target description, libraries, threads (gdb manual, "Target Descriptions", "Library List Format", "Library List
//! Format for SVR4 Targets", "Thread List Format").

use std::fmt::Write;

use crate::inferior::{Libraries, TargetDescription, ThreadInfo, Tid};
use crate::register::{RegisterInfo, RegisterRole, RegisterType};

/// A text as the value of an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 has no way to say other control characters.
            c if (c as u32) < 32 && !matches!(c, '\t' | '\n' | '\r') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

/// target.xml. The features stand in the order of their first register, each register with its number; lldb's attributes
/// (`generic`, `dwarf_regnum` ...) are passed over by gdb.
pub(crate) fn target(t: &TargetDescription) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n",
    );
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "  <architecture>{}</architecture>",
        escape(&t.gdb_arch)
    );
    if !t.gdb_osabi.is_empty() {
        let _ = writeln!(out, "  <osabi>{}</osabi>", escape(&t.gdb_osabi));
    }
    let mut features: Vec<&str> = Vec::new();
    for r in &t.registers {
        if !features.contains(&r.feature) {
            features.push(r.feature);
        }
    }
    for feature in features {
        let _ = writeln!(out, "  <feature name=\"{}\">", escape(feature));
        let members = || {
            let all = t.registers.iter().enumerate();
            all.filter(move |(_, r)| r.feature == feature)
        };
        write_types(&mut out, members().map(|(_, r)| r));
        for (n, r) in members() {
            write_register(&mut out, n, r);
        }
        out.push_str("  </feature>\n");
    }
    out.push_str("</target>\n");
    out
}

/// Definitions of the vector and flag types that a feature's registers have.
fn write_types<'r>(out: &mut String, registers: impl Iterator<Item = &'r RegisterInfo>) {
    let mut defined: Vec<String> = Vec::new();
    for r in registers {
        let id = type_of(r);
        match r.kind {
            RegisterType::Vector if !defined.contains(&id) => write_vector(out, r.bits),
            RegisterType::Flags(fields) if !defined.contains(&id) => {
                let _ = writeln!(out, "    <flags id=\"{id}\" size=\"{}\">", r.size());
                for f in fields {
                    let _ = writeln!(
                        out,
                        "      <field name=\"{}\" start=\"{}\" end=\"{}\"/>",
                        escape(f.name),
                        f.first_bit,
                        f.last_bit
                    );
                }
                out.push_str("    </flags>\n");
            }
            _ => continue,
        }
        defined.push(id);
    }
}

/// A union of all lane widths: `d`, `s`, `h`, `b` and `q`, each as `f` (floating point), `u` and `s` (signed), as gdb's users know
/// it from AArch64.
fn write_vector(out: &mut String, bits: u16) {
    const LANES: [(char, u16, Option<&str>); 5] = [
        ('d', 64, Some("ieee_double")),
        ('s', 32, Some("ieee_single")),
        ('h', 16, Some("ieee_half")),
        ('b', 8, None),
        ('q', 128, None),
    ];
    let lanes = || LANES.iter().filter(|(_, width, _)| *width <= bits);
    for (name, width, float) in lanes() {
        let count = bits / width;
        let kinds = [
            ("f", float.map(str::to_string)),
            ("u", Some(format!("uint{width}"))),
            ("s", Some(format!("int{width}"))),
        ];
        let kinds = || kinds.iter().filter_map(|(k, t)| Some((k, t.as_ref()?)));
        for (kind, element) in kinds() {
            let _ = writeln!(
                out,
                "    <vector id=\"v{bits}{name}{kind}\" type=\"{element}\" count=\"{count}\"/>"
            );
        }
        let _ = writeln!(out, "    <union id=\"v{bits}{name}\">");
        for (kind, _) in kinds() {
            let _ = writeln!(
                out,
                "      <field name=\"{kind}\" type=\"v{bits}{name}{kind}\"/>"
            );
        }
        out.push_str("    </union>\n");
    }
    let _ = writeln!(out, "    <union id=\"vec{bits}\">");
    for (name, ..) in lanes() {
        let _ = writeln!(out, "      <field name=\"{name}\" type=\"v{bits}{name}\"/>");
    }
    out.push_str("    </union>\n");
}

fn type_of(r: &RegisterInfo) -> String {
    match r.kind {
        RegisterType::Int => "int".into(),
        RegisterType::CodePtr => "code_ptr".into(),
        RegisterType::DataPtr => "data_ptr".into(),
        RegisterType::Float => match r.bits {
            16 => "ieee_half".into(),
            32 => "ieee_single".into(),
            64 => "ieee_double".into(),
            80 => "i387_ext".into(),
            _ => "int".into(),
        },
        RegisterType::Vector => format!("vec{}", r.bits),
        RegisterType::Flags(_) => format!("{}_flags", escape(r.name)),
    }
}

fn write_register(out: &mut String, n: usize, r: &RegisterInfo) {
    let name = escape(r.name);
    let _ = write!(
        out,
        "    <reg name=\"{name}\" bitsize=\"{}\" regnum=\"{n}\" type=\"{}\"",
        r.bits,
        type_of(r)
    );
    let mut attribute = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(out, " {key}=\"{}\"", escape(value));
        }
    };
    attribute("group", r.group);
    attribute("altname", r.alt_name);
    attribute("encoding", encoding(r));
    attribute("format", format_of(r));
    attribute("generic", &r.role.map_or(String::new(), generic));
    let number = |n: Option<u16>| n.map_or(String::new(), |n| n.to_string());
    attribute("ehframe_regnum", &number(r.eh_frame));
    attribute("dwarf_regnum", &number(r.dwarf));
    out.push_str("/>\n");
}

/// lldb's name of how a register's bits are to be read.
pub(crate) fn encoding(r: &RegisterInfo) -> &'static str {
    match r.kind {
        RegisterType::Float => "ieee754",
        RegisterType::Vector => "vector",
        _ => "uint",
    }
}

/// lldb's name of how a register is shown.
pub(crate) fn format_of(r: &RegisterInfo) -> &'static str {
    match r.kind {
        RegisterType::Float => "float",
        RegisterType::Vector => "vector-uint8",
        _ => "hex",
    }
}

/// lldb's name of a role; "" for one that it has no name for.
pub(crate) fn generic(role: RegisterRole) -> String {
    match role {
        RegisterRole::Pc => "pc".into(),
        RegisterRole::Sp => "sp".into(),
        RegisterRole::Fp => "fp".into(),
        RegisterRole::Ra => "ra".into(),
        RegisterRole::Flags => "flags".into(),
        RegisterRole::Tp => "tp".into(),
        RegisterRole::Arg(n @ 1..=8) => format!("arg{n}"),
        RegisterRole::Arg(_) => String::new(),
    }
}

/// The list of libraries. `on_host` gives their paths on the host, for lldb, which opens them itself. `r_debug` is the address of
/// the linker's list, which is gdb's name for the namespace (`lmid`); gdb 13 and later insist on one.
pub(crate) fn libraries(list: &Libraries, r_debug: u64, with_main: bool, on_host: bool) -> String {
    let mut out = String::from("<library-list-svr4 version=\"1.0\"");
    if let (Some(main), true) = (list.main_link_map, with_main) {
        let _ = write!(out, " main-lm=\"{main:#x}\"");
    }
    out.push_str(">\n");
    for l in &list.libraries {
        let host = l.host_path.as_ref().filter(|_| on_host);
        let name = host.map_or(l.name.clone(), |p| p.display().to_string());
        let _ = writeln!(
            out,
            "  <library name=\"{}\" lm=\"{:#x}\" l_addr=\"{:#x}\" l_ld=\"{:#x}\" lmid=\"{r_debug:#x}\"/>",
            escape(&name),
            l.link_map,
            l.load_bias,
            l.dynamic
        );
    }
    out.push_str("</library-list-svr4>\n");
    out
}

/// The list of libraries without link maps: where the first segment of each is.
pub(crate) fn library_list(list: &Libraries) -> String {
    let mut out = String::from("<library-list>\n");
    for l in &list.libraries {
        let _ = writeln!(
            out,
            "  <library name=\"{}\"><segment address=\"{:#x}\"/></library>",
            escape(&l.name),
            l.start
        );
    }
    out.push_str("</library-list>\n");
    out
}

/// The list of threads, with the process where several are told apart.
pub(crate) fn threads(list: &[(Option<u64>, Tid, ThreadInfo)]) -> String {
    let mut out = String::from("<?xml version=\"1.0\"?>\n<threads>\n");
    for (pid, tid, info) in list {
        let id = pid.map_or(format!("{tid:x}"), |pid| format!("p{pid:x}.{tid:x}"));
        let _ = write!(out, "  <thread id=\"{id}\"");
        if !info.name.is_empty() {
            let _ = write!(out, " name=\"{}\"", escape(&info.name));
        }
        let _ = writeln!(out, ">{}</thread>", escape(&info.state));
    }
    out.push_str("</threads>\n");
    out
}
