//! Error numbers: the host's, their names and texts, and the numbers that guests know them by.
//!
//! Source: `asm-generic/errno.h`, `arch/mips/include/uapi/asm/errno.h`.

use super::Dialect;

/// The failure of a system call as the guest sees it, held as the host's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// What a guest's system call returns: a value, or the error number.
pub type SysResult<T = u64> = Result<T, Errno>;

struct Row {
    errno: Errno,
    name: &'static str,
    text: &'static str,
    mips: u16,
}

macro_rules! errnos {
    ($($name:ident = $host:literal, mips $mips:literal, $text:literal;)*) => {
        #[allow(missing_docs, reason = "the names and texts of errno(3)")]
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno($host);)*
        }

        const ROWS: &[Row] = &[
            $(Row { errno: Errno::$name, name: stringify!($name), text: $text, mips: $mips },)*
        ];
    };
}

errnos! {
    EPERM = 1, mips 1, "Operation not permitted";
    ENOENT = 2, mips 2, "No such file or directory";
    ESRCH = 3, mips 3, "No such process";
    EINTR = 4, mips 4, "Interrupted system call";
    EIO = 5, mips 5, "Input/output error";
    ENXIO = 6, mips 6, "No such device or address";
    E2BIG = 7, mips 7, "Argument list too long";
    ENOEXEC = 8, mips 8, "Exec format error";
    EBADF = 9, mips 9, "Bad file descriptor";
    ECHILD = 10, mips 10, "No child processes";
    EAGAIN = 11, mips 11, "Resource temporarily unavailable";
    ENOMEM = 12, mips 12, "Cannot allocate memory";
    EACCES = 13, mips 13, "Permission denied";
    EFAULT = 14, mips 14, "Bad address";
    ENOTBLK = 15, mips 15, "Block device required";
    EBUSY = 16, mips 16, "Device or resource busy";
    EEXIST = 17, mips 17, "File exists";
    EXDEV = 18, mips 18, "Invalid cross-device link";
    ENODEV = 19, mips 19, "No such device";
    ENOTDIR = 20, mips 20, "Not a directory";
    EISDIR = 21, mips 21, "Is a directory";
    EINVAL = 22, mips 22, "Invalid argument";
    ENFILE = 23, mips 23, "Too many open files in system";
    EMFILE = 24, mips 24, "Too many open files";
    ENOTTY = 25, mips 25, "Inappropriate ioctl for device";
    ETXTBSY = 26, mips 26, "Text file busy";
    EFBIG = 27, mips 27, "File too large";
    ENOSPC = 28, mips 28, "No space left on device";
    ESPIPE = 29, mips 29, "Illegal seek";
    EROFS = 30, mips 30, "Read-only file system";
    EMLINK = 31, mips 31, "Too many links";
    EPIPE = 32, mips 32, "Broken pipe";
    EDOM = 33, mips 33, "Numerical argument out of domain";
    ERANGE = 34, mips 34, "Numerical result out of range";
    EDEADLK = 35, mips 45, "Resource deadlock avoided";
    ENAMETOOLONG = 36, mips 78, "File name too long";
    ENOLCK = 37, mips 46, "No locks available";
    ENOSYS = 38, mips 89, "Function not implemented";
    ENOTEMPTY = 39, mips 93, "Directory not empty";
    ELOOP = 40, mips 90, "Too many levels of symbolic links";
    ENOMSG = 42, mips 35, "No message of desired type";
    EIDRM = 43, mips 36, "Identifier removed";
    ECHRNG = 44, mips 37, "Channel number out of range";
    EL2NSYNC = 45, mips 38, "Level 2 not synchronized";
    EL3HLT = 46, mips 39, "Level 3 halted";
    EL3RST = 47, mips 40, "Level 3 reset";
    ELNRNG = 48, mips 41, "Link number out of range";
    EUNATCH = 49, mips 42, "Protocol driver not attached";
    ENOCSI = 50, mips 43, "No CSI structure available";
    EL2HLT = 51, mips 44, "Level 2 halted";
    EBADE = 52, mips 50, "Invalid exchange";
    EBADR = 53, mips 51, "Invalid request descriptor";
    EXFULL = 54, mips 52, "Exchange full";
    ENOANO = 55, mips 53, "No anode";
    EBADRQC = 56, mips 54, "Invalid request code";
    EBADSLT = 57, mips 55, "Invalid slot";
    EBFONT = 59, mips 59, "Bad font file format";
    ENOSTR = 60, mips 60, "Device not a stream";
    ENODATA = 61, mips 61, "No data available";
    ETIME = 62, mips 62, "Timer expired";
    ENOSR = 63, mips 63, "Out of streams resources";
    ENONET = 64, mips 64, "Machine is not on the network";
    ENOPKG = 65, mips 65, "Package not installed";
    EREMOTE = 66, mips 66, "Object is remote";
    ENOLINK = 67, mips 67, "Link has been severed";
    EADV = 68, mips 68, "Advertise error";
    ESRMNT = 69, mips 69, "Srmount error";
    ECOMM = 70, mips 70, "Communication error on send";
    EPROTO = 71, mips 71, "Protocol error";
    EMULTIHOP = 72, mips 74, "Multihop attempted";
    EDOTDOT = 73, mips 73, "RFS specific error";
    EBADMSG = 74, mips 77, "Bad message";
    EOVERFLOW = 75, mips 79, "Value too large for defined data type";
    ENOTUNIQ = 76, mips 80, "Name not unique on network";
    EBADFD = 77, mips 81, "File descriptor in bad state";
    EREMCHG = 78, mips 82, "Remote address changed";
    ELIBACC = 79, mips 83, "Can not access a needed shared library";
    ELIBBAD = 80, mips 84, "Accessing a corrupted shared library";
    ELIBSCN = 81, mips 85, ".lib section in a.out corrupted";
    ELIBMAX = 82, mips 86, "Attempting to link in too many shared libraries";
    ELIBEXEC = 83, mips 87, "Cannot exec a shared library directly";
    EILSEQ = 84, mips 88, "Invalid or incomplete multibyte or wide character";
    ERESTART = 85, mips 91, "Interrupted system call should be restarted";
    ESTRPIPE = 86, mips 92, "Streams pipe error";
    EUSERS = 87, mips 94, "Too many users";
    ENOTSOCK = 88, mips 95, "Socket operation on non-socket";
    EDESTADDRREQ = 89, mips 96, "Destination address required";
    EMSGSIZE = 90, mips 97, "Message too long";
    EPROTOTYPE = 91, mips 98, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, mips 99, "Protocol not available";
    EPROTONOSUPPORT = 93, mips 120, "Protocol not supported";
    ESOCKTNOSUPPORT = 94, mips 121, "Socket type not supported";
    EOPNOTSUPP = 95, mips 122, "Operation not supported";
    EPFNOSUPPORT = 96, mips 123, "Protocol family not supported";
    EAFNOSUPPORT = 97, mips 124, "Address family not supported by protocol";
    EADDRINUSE = 98, mips 125, "Address already in use";
    EADDRNOTAVAIL = 99, mips 126, "Cannot assign requested address";
    ENETDOWN = 100, mips 127, "Network is down";
    ENETUNREACH = 101, mips 128, "Network is unreachable";
    ENETRESET = 102, mips 129, "Network dropped connection on reset";
    ECONNABORTED = 103, mips 130, "Software caused connection abort";
    ECONNRESET = 104, mips 131, "Connection reset by peer";
    ENOBUFS = 105, mips 132, "No buffer space available";
    EISCONN = 106, mips 133, "Transport endpoint is already connected";
    ENOTCONN = 107, mips 134, "Transport endpoint is not connected";
    ESHUTDOWN = 108, mips 143, "Cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, mips 144, "Too many references: cannot splice";
    ETIMEDOUT = 110, mips 145, "Connection timed out";
    ECONNREFUSED = 111, mips 146, "Connection refused";
    EHOSTDOWN = 112, mips 147, "Host is down";
    EHOSTUNREACH = 113, mips 148, "No route to host";
    EALREADY = 114, mips 149, "Operation already in progress";
    EINPROGRESS = 115, mips 150, "Operation now in progress";
    ESTALE = 116, mips 151, "Stale file handle";
    EUCLEAN = 117, mips 135, "Structure needs cleaning";
    ENOTNAM = 118, mips 137, "Not a XENIX named type file";
    ENAVAIL = 119, mips 138, "No XENIX semaphores available";
    EISNAM = 120, mips 139, "Is a named type file";
    EREMOTEIO = 121, mips 140, "Remote I/O error";
    EDQUOT = 122, mips 1133, "Disk quota exceeded";
    ENOMEDIUM = 123, mips 159, "No medium found";
    EMEDIUMTYPE = 124, mips 160, "Wrong medium type";
    ECANCELED = 125, mips 158, "Operation canceled";
    ENOKEY = 126, mips 161, "Required key not available";
    EKEYEXPIRED = 127, mips 162, "Key has expired";
    EKEYREVOKED = 128, mips 163, "Key has been revoked";
    EKEYREJECTED = 129, mips 164, "Key was rejected by service";
    EOWNERDEAD = 130, mips 165, "Owner died";
    ENOTRECOVERABLE = 131, mips 166, "State not recoverable";
    ERFKILL = 132, mips 167, "Operation not possible due to RF-kill";
    EHWPOISON = 133, mips 168, "Memory page has hardware error";
}

impl Errno {
    /// The number that a guest of this dialect knows the error by.
    pub fn to_guest(self, dialect: Dialect) -> u32 {
        match dialect {
            Dialect::Mips => self.row().map_or(self.0 as u32, |r| r.mips.into()),
            _ => self.0 as u32,
        }
    }

    /// The error that a guest of this dialect means by `number`.
    pub fn from_guest(dialect: Dialect, number: u32) -> Errno {
        match dialect {
            Dialect::Mips => ROWS
                .iter()
                .find(|r| u32::from(r.mips) == number)
                .map_or(Errno(number as i32), |r| r.errno),
            _ => Errno(number as i32),
        }
    }

    /// Its name, `ENOENT`; "" for a number without one.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |r| r.name)
    }

    /// Its text, `No such file or directory`.
    pub fn text(self) -> &'static str {
        self.row().map_or("Unknown error", |r| r.text)
    }

    fn row(self) -> Option<&'static Row> {
        // Rows are in order of the number, with two holes (41, 58), so a row is never after its number.
        let at = (self.0.max(0) as usize).min(ROWS.len());
        ROWS[..at].iter().rev().take(3).find(|r| r.errno == self)
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.row() {
            Some(r) => f.write_str(r.name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_and_survives_the_round_trip() {
        for r in ROWS {
            assert_eq!(r.errno.name(), r.name);
            for d in [Dialect::Generic, Dialect::Arm, Dialect::Mips] {
                assert_eq!(Errno::from_guest(d, r.errno.to_guest(d)), r.errno);
            }
        }
        assert_eq!(Errno::ENOSYS.to_guest(Dialect::Mips), 89);
        assert_eq!(Errno::EDQUOT.to_guest(Dialect::Mips), 1133);
        assert_eq!(Errno(4095).name(), "");
        assert_eq!(Errno(-1).name(), "");
    }
}
