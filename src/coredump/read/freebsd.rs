//! The notes of FreeBSD.

use super::{Core, CoreProcess, Error, up_to_nul};
use crate::abi::{GuestStruct, Kind, read_int};
use crate::coredump::elf::Note;
use crate::ir::CpuState;
use crate::os::core::FileMapping;
use crate::os::freebsd::core::{self, OWNER, Prpsinfo, Thrmisc, nt};
use crate::os::freebsd::isa::FreeBsdIsa;
use crate::os::freebsd::procinfo::{KinfoProc, KinfoVmentry};

impl Core {
    pub(super) fn take_freebsd_note(
        &mut self,
        isa: &'static FreeBsdIsa,
        note: Note,
    ) -> Result<(), Error> {
        if note.owner != OWNER {
            return Ok(());
        }
        let a = isa.abi;
        match note.kind {
            nt::PRSTATUS => self.take_status(isa, &note.data)?,
            nt::PRPSINFO => {
                if let Ok(p) = Prpsinfo::read(a, &note.data) {
                    let process = self.process.get_or_insert_default();
                    process.pid = p.pr_pid.max(0) as u32;
                    process.name = up_to_nul(&p.pr_fname);
                    process.args = up_to_nul(&p.pr_psargs);
                }
            }
            nt::THRMISC => {
                if let (Some(thread), Ok(misc)) =
                    (self.threads.last_mut(), Thrmisc::read(a, &note.data))
                {
                    thread.name = String::from_utf8_lossy(&up_to_nul(&misc.pr_tname)).into_owned();
                }
            }
            nt::PTLWPINFO => {
                if let Some(thread) = self.threads.last_mut() {
                    (thread.siginfo, thread.call) = core::read_lwp_info(isa, &note.data);
                }
            }
            nt::PROCSTAT_PROC => {
                // Each thread has an entry; what is about the process is the same in all.
                let entry = note.data.get(4..4 + KinfoProc::DESC.size(a));
                if let Some(Ok(entry)) = entry.map(|bytes| KinfoProc::read(a, bytes)) {
                    self.process = Some(CoreProcess {
                        parent: entry.ki_ppid.max(0) as u32,
                        uid: entry.ki_uid,
                        gid: entry.ki_rgid,
                        ..self.process.take().unwrap_or_default()
                    });
                }
            }
            nt::PROCSTAT_VMMAP => self.take_mappings(isa, note.data.get(4..).unwrap_or_default()),
            nt::PROCSTAT_AUXV => self.auxv = note.data.get(4..).unwrap_or_default().to_vec(),
            kind => {
                let layout = core::layout(isa.name);
                let Some(set) = layout.set_of(kind) else {
                    return Ok(());
                };
                if let Some(thread) = self.thread_of_set(set, &note.data) {
                    let cpu = &mut thread.cpu;
                    set.read(a, thread.table, &note.data, cpu, |_, _, _| {});
                    thread.mark_known(set);
                }
            }
        }
        Ok(())
    }

    fn take_status(&mut self, isa: &'static FreeBsdIsa, data: &[u8]) -> Result<(), Error> {
        let layout = core::layout(isa.name);
        let mut cpu = CpuState::new();
        let table = self.isa.registers();
        let Some(status) = layout.read_prstatus(isa, table, data, &mut cpu) else {
            return Err(Error::Damaged(format!(
                "NT_PRSTATUS has {} bytes, {} expected",
                data.len(),
                layout.prstatus_size(isa)
            )));
        };
        let known = table
            .registers
            .iter()
            .map(|r| layout.general.has(table, r.name))
            .collect();
        self.add_thread(cpu, known, status.pr_pid, status.pr_cursig);
        Ok(())
    }

    /// Records of mapped files, each as long as it says.
    fn take_mappings(&mut self, isa: &'static FreeBsdIsa, mut records: &[u8]) {
        let head = KinfoVmentry::DESC.size(isa.abi);
        while records.len() > head {
            let size = read_int(isa.abi, Kind::U32, records) as usize;
            let Some((record, rest)) = records.split_at_checked(size) else {
                break;
            };
            let Some((entry, path)) = record.split_at_checked(head) else {
                break;
            };
            records = rest;
            let Ok(entry) = KinfoVmentry::read(isa.abi, entry) else {
                continue;
            };
            let path = up_to_nul(path);
            if path.is_empty() || entry.kve_end <= entry.kve_start {
                continue;
            }
            self.files.push(FileMapping {
                start: entry.kve_start,
                end: entry.kve_end,
                offset: entry.kve_offset,
                path,
            });
        }
        if !records.is_empty() {
            let text = "its list of mappings (NT_PROCSTAT_VMMAP) makes no sense at the end";
            self.warnings.push(text.into());
        }
    }
}
