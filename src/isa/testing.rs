//! A small flat guest memory for unit tests of front ends and engines.

use super::{CodeSource, FetchFault};
use crate::ir::{MemFault, Memory};

/// `data` is mapped at guest address `base`; everything else faults.
#[derive(Clone, Debug)]
pub struct FlatMemory {
    /// Guest address of the first byte.
    pub base: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

impl FlatMemory {
    /// Memory with `data` at `base`.
    pub fn new(base: u64, data: Vec<u8>) -> Self {
        FlatMemory { base, data }
    }

    fn range(
        &self,
        addr: u64,
        len: usize,
        write: bool,
    ) -> Result<std::ops::Range<usize>, MemFault> {
        let start = addr.wrapping_sub(self.base);
        let fault = MemFault {
            addr,
            write,
            code: 1,
            bus: false,
        };
        let end = start.checked_add(len as u64).ok_or(fault)?;
        if end > self.data.len() as u64 {
            Err(fault)
        } else {
            Ok(start as usize..end as usize)
        }
    }
}

impl Memory for FlatMemory {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        let range = self.range(addr, buf.len(), false)?;
        buf.copy_from_slice(&self.data[range]);
        Ok(())
    }

    fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        let range = self.range(addr, data.len(), true)?;
        self.data[range].copy_from_slice(data);
        Ok(())
    }

    fn compare_exchange(
        &mut self,
        addr: u64,
        size: usize,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault> {
        let range = self.range(addr, size, true)?;
        let mut bytes = [0; 16];
        bytes[..size].copy_from_slice(&self.data[range.clone()]);
        let old = u128::from_le_bytes(bytes);
        if old == expected {
            self.data[range].copy_from_slice(&new.to_le_bytes()[..size]);
        }
        Ok(old)
    }

    fn fence(&mut self) {}
}

impl CodeSource for FlatMemory {
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault> {
        let mut b = [0; 4];
        self.read(pc, &mut b).map_err(|_| FetchFault)?;
        Ok(u32::from_le_bytes(b))
    }

    fn fetch16(&mut self, pc: u64) -> Result<u16, FetchFault> {
        let mut b = [0; 2];
        self.read(pc, &mut b).map_err(|_| FetchFault)?;
        Ok(u16::from_le_bytes(b))
    }
}
