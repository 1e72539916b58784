//! The name and the class that a user has logged in with. A program that the process executes, and its children, keep them.

use super::credentials::superuser_only;
use super::own::{Own, hex, unhex};
use crate::abi::{Errno, SysResult};
use crate::os::freebsd::decode::files::text;
use crate::os::freebsd::of;
use crate::os::{
    ArgType, Call,
    Run::Handler,
    Support::{Full, Partial},
    *,
};

crate::syscalls! {
    getlogin(namebuf: ArgType::Decoded(Dir::Out, text), namelen: UINT) -> NUM, Full, Handler(name);
    setlogin(namebuf: STR) -> NUM, Partial("of the process and what descends from it, not of all its session"), Handler(set_name);
    getloginclass(namebuf: ArgType::Decoded(Dir::Out, text), namelen: SIZE) -> NUM, Full, Handler(class);
    setloginclass(namebuf: STR) -> NUM, Full, Handler(set_class);
}

/// MAXLOGNAME: a name and its NUL.
const MOST: usize = 33;

/// What has been set.
#[derive(Clone, Default)]
pub(super) struct Set {
    name: Option<Vec<u8>>,
    class: Option<Vec<u8>>,
}

/// What the process has set, or one that it descends from.
#[derive(Default)]
pub struct Login(pub(super) Own<Set>);

impl Login {
    /// For the program that is executed next; empty if nothing is set.
    pub fn to_text(&self, vforked: bool) -> String {
        if !self.0.is_used() {
            return String::new();
        }
        let parts = self.0.with(vforked, |set| {
            [&set.name, &set.class].map(|part| part.as_ref().map_or(String::new(), |p| hex(p)))
        });
        parts.join(",")
    }

    /// Takes over what [`Login::to_text`] of the program before has told.
    pub fn inherit(&self, text: &str) {
        let (name, class) = text.split_once(',').unwrap_or_default();
        let part = |text: &str| unhex(text).filter(|part| !part.is_empty());
        let set = Set {
            name: part(name),
            class: part(class),
        };
        self.0.with(false, |own| *own = set);
    }
}

/// What is set for the calling process.
fn known(call: &Call<'_>) -> Set {
    let vforked = call.thread.is_vfork_child();
    let set = of(call.thread).filter(|os| os.login.0.is_used());
    set.map_or_else(Set::default, |os| {
        os.login.0.with(vforked, |set| set.clone())
    })
}

/// Sets something, which is the superuser's to do.
fn change(call: &Call<'_>, action: impl FnOnce(&mut Set)) -> SysResult {
    if let Some(os) = of(call.thread) {
        os.login.0.with(call.thread.is_vfork_child(), action);
    }
    Ok(0)
}

/// Gives the guest a name of which it has room for as much as argument 1 says.
fn give(call: &mut Call<'_>, mut name: Vec<u8>, too_short: Errno) -> SysResult {
    name.push(0);
    if name.len() as u64 > call.arg(1) {
        return Err(too_short);
    }
    call.write_bytes(call.arg(0), &name)?;
    Ok(0)
}

/// Where none has been set, the environment of the emulator tells who has logged in on the host.
fn name(call: &mut Call<'_>) -> SysResult {
    let host = || {
        let name = std::env::var_os("LOGNAME").or_else(|| std::env::var_os("USER"));
        name.map_or_else(
            || b"root".to_vec(),
            std::os::unix::ffi::OsStringExt::into_vec,
        )
    };
    let name = known(call).name.unwrap_or_else(host);
    give(call, name, Errno::ERANGE)
}

fn set_name(call: &mut Call<'_>) -> SysResult {
    superuser_only()?;
    let name = call.read_str(call.arg(0))?.into_bytes();
    if name.len() >= MOST {
        return Err(Errno::EINVAL);
    }
    change(call, |set| set.name = Some(name))
}

fn class(call: &mut Call<'_>) -> SysResult {
    let class = known(call).class.unwrap_or_else(|| b"default".to_vec());
    give(call, class, Errno::ENAMETOOLONG)
}

fn set_class(call: &mut Call<'_>) -> SysResult {
    superuser_only()?;
    let class = call.read_str(call.arg(0))?.into_bytes();
    match class.len() {
        0 => Err(Errno::EINVAL),
        MOST.. => Err(Errno::ENAMETOOLONG),
        _ => change(call, |set| set.class = Some(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_goes_to_the_next_program() {
        let before = Login::default();
        assert_eq!(before.to_text(false), "");
        before
            .0
            .with(false, |set| set.class = Some(b"staff".to_vec()));
        let after = Login::default();
        after.inherit(&before.to_text(false));
        let got = after
            .0
            .with(false, |set| (set.name.clone(), set.class.clone()));
        assert_eq!(got, (None, Some(b"staff".to_vec())));
    }
}
