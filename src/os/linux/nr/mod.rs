//! Numbers of the system calls, one complete table for each architecture's ABI.

pub mod aarch64;
pub mod mips_o32;

/// Declares the numbers of an ABI: `NUMBER NAME;`, where the name is that of a row.
#[macro_export]
macro_rules! syscall_numbers {
    ($($number:literal $name:ident;)*) => {
        /// Rows by number.
        pub static NUMBERS: [Option<&'static $crate::os::Syscall>; 512] = {
            let mut table: [Option<&'static $crate::os::Syscall>; 512] = [None; 512];
            $(
                assert!(table[$number].is_none());
                table[$number] = Some(&$name);
            )*
            table
        };
    };
}
