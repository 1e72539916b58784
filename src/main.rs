//! The command line of `emu`.

fn main() {
    let args = std::env::args_os().skip(1).collect();
    std::process::exit(emu::cli::main(args));
}
