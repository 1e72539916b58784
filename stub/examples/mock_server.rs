//! Serves the mock inferior of the tests, to try real debuggers on: `cargo run -p emu-stub --example mock_server -- 4567`, then
//! `gdb-multiarch -ex 'target remote :4567'` or `lldb -o 'gdb-remote 4567'`. With `mips` as second argument it is a big-endian
//! MIPS.

#[path = "../tests/mock/mod.rs"]
mod mock;

use emu_stub::{Command, CommandClass, Ended, Endpoint, Listener, Server};
use mock::{Mock, insn};

static COMMANDS: &[Command] = &[Command {
    name: "plans",
    aliases: &[],
    usage: "",
    summary: "How often the mock was resumed",
    help: "",
    class: CommandClass::Inspect,
    run: |c| {
        let n = c.inferior_as::<Mock>().map_or(0, |m| m.plans.len());
        writeln!(c.out, "{n} plans").map_err(|e| emu_stub::Error::Failed(e.to_string()))
    },
}];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let endpoint = Endpoint::parse(args.next().as_deref().unwrap_or("4567"))?;
    let mut inferior = if args.next().as_deref() == Some("mips") {
        Mock::new(mock::mips_be())
    } else {
        Mock::with_code(&[
            insn::NOP,
            insn::ADD_X0_1,
            insn::STR_X0_X1,
            insn::NOP,
            insn::SVC,
            insn::ADD_X0_1,
            insn::LOOP,
            insn::UDF,
        ])
    };
    inferior.set(mock::PID, 1, mock::DATA + 0x10);
    let listener = Listener::bind(&endpoint).map_err(|e| format!("{endpoint}: {e}"))?;
    eprintln!("Listening on {}", listener.endpoint()?);
    let server = Server::new(&[COMMANDS], || Box::new(()));
    loop {
        let ended = server.serve(&mut inferior, listener.accept()?);
        eprintln!("{ended:?}");
        if ended != Ended::Disconnected {
            return Ok(());
        }
    }
}
