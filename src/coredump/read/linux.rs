//! The notes of Linux.

use super::{Core, CoreProcess, Error, up_to_nul};
use crate::abi::GuestStruct;
use crate::coredump::elf::Note;
use crate::ir::CpuState;
use crate::os::linux::core::{CORE, LINUX, Prpsinfo, nt, read_file_note};
use crate::os::linux::isa::LinuxIsa;

impl Core {
    pub(super) fn take_linux_note(
        &mut self,
        isa: &'static LinuxIsa,
        note: Note,
    ) -> Result<(), Error> {
        match (note.owner.as_str(), note.kind) {
            (CORE, nt::PRSTATUS) => self.take_prstatus(isa, &note.data)?,
            (CORE, nt::PRPSINFO) => {
                self.process = Prpsinfo::read(isa.abi, &note.data)
                    .ok()
                    .map(|p| CoreProcess {
                        pid: p.pr_pid.max(0) as u32,
                        parent: p.pr_ppid.max(0) as u32,
                        uid: p.pr_uid,
                        gid: p.pr_gid,
                        name: up_to_nul(&p.pr_fname),
                        args: up_to_nul(&p.pr_psargs),
                    });
            }
            // Of the thread that was hit, which comes first.
            (CORE, nt::SIGINFO) => {
                if let Some(thread) = self.threads.first_mut() {
                    thread.siginfo.get_or_insert(note.data);
                }
            }
            (CORE, nt::AUXV) => self.auxv = note.data,
            (CORE, nt::FILE) => match read_file_note(isa.abi, &note.data) {
                Some(files) => self.files = files,
                None => self
                    .warnings
                    .push("its list of mapped files makes no sense".into()),
            },
            (CORE | LINUX, kind) => self.take_set(isa, &note.owner, kind, &note.data),
            // The type of note that FreeBSD's cores have, in a file that says that it is Linux's.
            ("FreeBSD", nt::PRSTATUS) => {
                return Err(Error::Damaged(
                    "its notes are FreeBSD's, but its header (EI_OSABI) does not say so".into(),
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn take_prstatus(&mut self, isa: &'static LinuxIsa, data: &[u8]) -> Result<(), Error> {
        let mut cpu = CpuState::new();
        let table = self.isa.registers();
        let Some(status) = isa.read_prstatus(table, data, &mut cpu) else {
            return Err(Error::Damaged(format!(
                "NT_PRSTATUS has {} bytes, {} expected",
                data.len(),
                isa.prstatus_size()
            )));
        };
        let known = table
            .registers
            .iter()
            .map(|r| r.gregset.is_some())
            .collect();
        // Where no note says so, Status does.
        let mode = (isa.fp_mode_of_status)(&cpu);
        (isa.set_fp_mode)(&mut cpu, mode);
        self.add_thread(cpu, known, status.pr_pid, status.pr_cursig.into());
        Ok(())
    }

    fn take_set(&mut self, isa: &'static LinuxIsa, owner: &str, kind: u32, data: &[u8]) {
        let mut sets = isa.register_sets.iter();
        let Some(set) = sets.find(|s| s.owner == owner && s.note == kind) else {
            return;
        };
        let machine = self.isa;
        let Some(thread) = self.thread_of_set(set, data) else {
            return;
        };
        let call = isa.read_register_set(set, thread.table, data, &mut thread.cpu);
        thread.call = thread.call.or(call);
        // The set may have changed how the registers are seen.
        thread.table = machine.registers_in_mode(thread.cpu.mode);
        thread.mark_known(set);
    }
}
