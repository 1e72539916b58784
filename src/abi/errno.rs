//! Error numbers: the host's, their names and texts, and the numbers that guests know them by.
//!
//! Source: `asm-generic/errno.h`, `arch/mips/include/uapi/asm/errno.h`; FreeBSD `sys/errno.h`. An error that FreeBSD doesn't have is
//! told to its programs as the nearest one that it has.

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
    bsd: u16,
}

macro_rules! errnos {
    ($($name:ident = $host:literal, mips $mips:literal, bsd $bsd:literal, $text:literal;)*) => {
        #[allow(missing_docs, reason = "the names and texts of errno(3)")]
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno($host);)*
        }

        const ROWS: &[Row] = &[
            $(Row { errno: Errno::$name, name: stringify!($name), text: $text, mips: $mips, bsd: $bsd },)*
        ];
    };
}

errnos! {
    EPERM = 1, mips 1, bsd 1, "Operation not permitted";
    ENOENT = 2, mips 2, bsd 2, "No such file or directory";
    ESRCH = 3, mips 3, bsd 3, "No such process";
    EINTR = 4, mips 4, bsd 4, "Interrupted system call";
    EIO = 5, mips 5, bsd 5, "Input/output error";
    ENXIO = 6, mips 6, bsd 6, "No such device or address";
    E2BIG = 7, mips 7, bsd 7, "Argument list too long";
    ENOEXEC = 8, mips 8, bsd 8, "Exec format error";
    EBADF = 9, mips 9, bsd 9, "Bad file descriptor";
    ECHILD = 10, mips 10, bsd 10, "No child processes";
    EAGAIN = 11, mips 11, bsd 35, "Resource temporarily unavailable";
    ENOMEM = 12, mips 12, bsd 12, "Cannot allocate memory";
    EACCES = 13, mips 13, bsd 13, "Permission denied";
    EFAULT = 14, mips 14, bsd 14, "Bad address";
    ENOTBLK = 15, mips 15, bsd 15, "Block device required";
    EBUSY = 16, mips 16, bsd 16, "Device or resource busy";
    EEXIST = 17, mips 17, bsd 17, "File exists";
    EXDEV = 18, mips 18, bsd 18, "Invalid cross-device link";
    ENODEV = 19, mips 19, bsd 19, "No such device";
    ENOTDIR = 20, mips 20, bsd 20, "Not a directory";
    EISDIR = 21, mips 21, bsd 21, "Is a directory";
    EINVAL = 22, mips 22, bsd 22, "Invalid argument";
    ENFILE = 23, mips 23, bsd 23, "Too many open files in system";
    EMFILE = 24, mips 24, bsd 24, "Too many open files";
    ENOTTY = 25, mips 25, bsd 25, "Inappropriate ioctl for device";
    ETXTBSY = 26, mips 26, bsd 26, "Text file busy";
    EFBIG = 27, mips 27, bsd 27, "File too large";
    ENOSPC = 28, mips 28, bsd 28, "No space left on device";
    ESPIPE = 29, mips 29, bsd 29, "Illegal seek";
    EROFS = 30, mips 30, bsd 30, "Read-only file system";
    EMLINK = 31, mips 31, bsd 31, "Too many links";
    EPIPE = 32, mips 32, bsd 32, "Broken pipe";
    EDOM = 33, mips 33, bsd 33, "Numerical argument out of domain";
    ERANGE = 34, mips 34, bsd 34, "Numerical result out of range";
    EDEADLK = 35, mips 45, bsd 11, "Resource deadlock avoided";
    ENAMETOOLONG = 36, mips 78, bsd 63, "File name too long";
    ENOLCK = 37, mips 46, bsd 77, "No locks available";
    ENOSYS = 38, mips 89, bsd 78, "Function not implemented";
    ENOTEMPTY = 39, mips 93, bsd 66, "Directory not empty";
    ELOOP = 40, mips 90, bsd 62, "Too many levels of symbolic links";
    ENOMSG = 42, mips 35, bsd 83, "No message of desired type";
    EIDRM = 43, mips 36, bsd 82, "Identifier removed";
    ECHRNG = 44, mips 37, bsd 22, "Channel number out of range";
    EL2NSYNC = 45, mips 38, bsd 22, "Level 2 not synchronized";
    EL3HLT = 46, mips 39, bsd 5, "Level 3 halted";
    EL3RST = 47, mips 40, bsd 5, "Level 3 reset";
    ELNRNG = 48, mips 41, bsd 22, "Link number out of range";
    EUNATCH = 49, mips 42, bsd 6, "Protocol driver not attached";
    ENOCSI = 50, mips 43, bsd 22, "No CSI structure available";
    EL2HLT = 51, mips 44, bsd 5, "Level 2 halted";
    EBADE = 52, mips 50, bsd 22, "Invalid exchange";
    EBADR = 53, mips 51, bsd 22, "Invalid request descriptor";
    EXFULL = 54, mips 52, bsd 28, "Exchange full";
    ENOANO = 55, mips 53, bsd 6, "No anode";
    EBADRQC = 56, mips 54, bsd 22, "Invalid request code";
    EBADSLT = 57, mips 55, bsd 22, "Invalid slot";
    EBFONT = 59, mips 59, bsd 22, "Bad font file format";
    ENOSTR = 60, mips 60, bsd 25, "Device not a stream";
    ENODATA = 61, mips 61, bsd 87, "No data available";
    ETIME = 62, mips 62, bsd 60, "Timer expired";
    ENOSR = 63, mips 63, bsd 55, "Out of streams resources";
    ENONET = 64, mips 64, bsd 50, "Machine is not on the network";
    ENOPKG = 65, mips 65, bsd 78, "Package not installed";
    EREMOTE = 66, mips 66, bsd 71, "Object is remote";
    ENOLINK = 67, mips 67, bsd 91, "Link has been severed";
    EADV = 68, mips 68, bsd 5, "Advertise error";
    ESRMNT = 69, mips 69, bsd 5, "Srmount error";
    ECOMM = 70, mips 70, bsd 5, "Communication error on send";
    EPROTO = 71, mips 71, bsd 92, "Protocol error";
    EMULTIHOP = 72, mips 74, bsd 90, "Multihop attempted";
    EDOTDOT = 73, mips 73, bsd 5, "RFS specific error";
    EBADMSG = 74, mips 77, bsd 89, "Bad message";
    EOVERFLOW = 75, mips 79, bsd 84, "Value too large for defined data type";
    ENOTUNIQ = 76, mips 80, bsd 17, "Name not unique on network";
    EBADFD = 77, mips 81, bsd 9, "File descriptor in bad state";
    EREMCHG = 78, mips 82, bsd 54, "Remote address changed";
    ELIBACC = 79, mips 83, bsd 2, "Can not access a needed shared library";
    ELIBBAD = 80, mips 84, bsd 8, "Accessing a corrupted shared library";
    ELIBSCN = 81, mips 85, bsd 8, ".lib section in a.out corrupted";
    ELIBMAX = 82, mips 86, bsd 8, "Attempting to link in too many shared libraries";
    ELIBEXEC = 83, mips 87, bsd 8, "Cannot exec a shared library directly";
    EILSEQ = 84, mips 88, bsd 86, "Invalid or incomplete multibyte or wide character";
    ERESTART = 85, mips 91, bsd 4, "Interrupted system call should be restarted";
    ESTRPIPE = 86, mips 92, bsd 32, "Streams pipe error";
    EUSERS = 87, mips 94, bsd 68, "Too many users";
    ENOTSOCK = 88, mips 95, bsd 38, "Socket operation on non-socket";
    EDESTADDRREQ = 89, mips 96, bsd 39, "Destination address required";
    EMSGSIZE = 90, mips 97, bsd 40, "Message too long";
    EPROTOTYPE = 91, mips 98, bsd 41, "Protocol wrong type for socket";
    ENOPROTOOPT = 92, mips 99, bsd 42, "Protocol not available";
    EPROTONOSUPPORT = 93, mips 120, bsd 43, "Protocol not supported";
    ESOCKTNOSUPPORT = 94, mips 121, bsd 44, "Socket type not supported";
    EOPNOTSUPP = 95, mips 122, bsd 45, "Operation not supported";
    EPFNOSUPPORT = 96, mips 123, bsd 46, "Protocol family not supported";
    EAFNOSUPPORT = 97, mips 124, bsd 47, "Address family not supported by protocol";
    EADDRINUSE = 98, mips 125, bsd 48, "Address already in use";
    EADDRNOTAVAIL = 99, mips 126, bsd 49, "Cannot assign requested address";
    ENETDOWN = 100, mips 127, bsd 50, "Network is down";
    ENETUNREACH = 101, mips 128, bsd 51, "Network is unreachable";
    ENETRESET = 102, mips 129, bsd 52, "Network dropped connection on reset";
    ECONNABORTED = 103, mips 130, bsd 53, "Software caused connection abort";
    ECONNRESET = 104, mips 131, bsd 54, "Connection reset by peer";
    ENOBUFS = 105, mips 132, bsd 55, "No buffer space available";
    EISCONN = 106, mips 133, bsd 56, "Transport endpoint is already connected";
    ENOTCONN = 107, mips 134, bsd 57, "Transport endpoint is not connected";
    ESHUTDOWN = 108, mips 143, bsd 58, "Cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, mips 144, bsd 59, "Too many references: cannot splice";
    ETIMEDOUT = 110, mips 145, bsd 60, "Connection timed out";
    ECONNREFUSED = 111, mips 146, bsd 61, "Connection refused";
    EHOSTDOWN = 112, mips 147, bsd 64, "Host is down";
    EHOSTUNREACH = 113, mips 148, bsd 65, "No route to host";
    EALREADY = 114, mips 149, bsd 37, "Operation already in progress";
    EINPROGRESS = 115, mips 150, bsd 36, "Operation now in progress";
    ESTALE = 116, mips 151, bsd 70, "Stale file handle";
    EUCLEAN = 117, mips 135, bsd 97, "Structure needs cleaning";
    ENOTNAM = 118, mips 137, bsd 22, "Not a XENIX named type file";
    ENAVAIL = 119, mips 138, bsd 2, "No XENIX semaphores available";
    EISNAM = 120, mips 139, bsd 17, "Is a named type file";
    EREMOTEIO = 121, mips 140, bsd 5, "Remote I/O error";
    EDQUOT = 122, mips 1133, bsd 69, "Disk quota exceeded";
    ENOMEDIUM = 123, mips 159, bsd 6, "No medium found";
    EMEDIUMTYPE = 124, mips 160, bsd 6, "Wrong medium type";
    ECANCELED = 125, mips 158, bsd 85, "Operation canceled";
    ENOKEY = 126, mips 161, bsd 2, "Required key not available";
    EKEYEXPIRED = 127, mips 162, bsd 13, "Key has expired";
    EKEYREVOKED = 128, mips 163, bsd 13, "Key has been revoked";
    EKEYREJECTED = 129, mips 164, bsd 13, "Key was rejected by service";
    EOWNERDEAD = 130, mips 165, bsd 96, "Owner died";
    ENOTRECOVERABLE = 131, mips 166, bsd 95, "State not recoverable";
    ERFKILL = 132, mips 167, bsd 16, "Operation not possible due to RF-kill";
    EHWPOISON = 133, mips 168, bsd 5, "Memory page has hardware error";
}

/// Added to the number of an error that only FreeBSD has.
const FREEBSD_ONLY: i32 = 0x2000;

macro_rules! freebsd_errnos {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        #[allow(missing_docs, reason = "the names and texts of FreeBSD's errno(2)")]
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno(FREEBSD_ONLY + $number);)*
        }

        const BSD_ROWS: &[(Errno, &str, &str)] = &[$((Errno::$name, stringify!($name), $text),)*];
    };
}

freebsd_errnos! {
    EPROCLIM = 67, "Too many processes";
    EBADRPC = 72, "RPC struct is bad";
    ERPCMISMATCH = 73, "RPC version wrong";
    EPROGUNAVAIL = 74, "RPC program not available";
    EPROGMISMATCH = 75, "Program version wrong";
    EPROCUNAVAIL = 76, "Bad procedure for program";
    EFTYPE = 79, "Inappropriate file type or format";
    EAUTH = 80, "Authentication error";
    ENEEDAUTH = 81, "Need authenticator";
    ENOATTR = 87, "Attribute not found";
    EDOOFUS = 88, "Programming error";
    ENOTCAPABLE = 93, "Capabilities insufficient";
    ECAPMODE = 94, "Not permitted in capability mode";
    EINTEGRITY = 97, "Integrity check failed";
}

impl Errno {
    /// The number that a guest of this dialect knows the error by.
    pub fn to_guest(self, dialect: Dialect) -> u32 {
        match dialect {
            Dialect::Mips => self.row().map_or(self.0 as u32, |r| r.mips.into()),
            Dialect::FreeBsd if self.0 >= FREEBSD_ONLY => (self.0 - FREEBSD_ONLY) as u32,
            Dialect::FreeBsd => self.row().map_or(self.0 as u32, |r| r.bsd.into()),
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
            Dialect::FreeBsd => match BSD_ROWS
                .iter()
                .find(|(e, ..)| e.0 - FREEBSD_ONLY == number as i32)
            {
                Some((errno, ..)) => *errno,
                None => ROWS
                    .iter()
                    .find(|r| u32::from(r.bsd) == number)
                    .map_or(Errno(number as i32), |r| r.errno),
            },
            _ => Errno(number as i32),
        }
    }

    /// Its name, `ENOENT`; "" for a number without one.
    pub fn name(self) -> &'static str {
        match (self.row(), self.freebsd_row()) {
            (Some(r), _) => r.name,
            (None, Some(r)) => r.1,
            (None, None) => "",
        }
    }

    /// Its text, `No such file or directory`.
    pub fn text(self) -> &'static str {
        match (self.row(), self.freebsd_row()) {
            (Some(r), _) => r.text,
            (None, Some(r)) => r.2,
            (None, None) => "Unknown error",
        }
    }

    fn freebsd_row(self) -> Option<&'static (Errno, &'static str, &'static str)> {
        BSD_ROWS.iter().find(|r| r.0 == self)
    }

    fn row(self) -> Option<&'static Row> {
        // Rows are in order of the number, with two holes (41, 58), so a row is never after its number.
        let at = (self.0.max(0) as usize).min(ROWS.len());
        ROWS[..at].iter().rev().take(3).find(|r| r.errno == self)
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match () {
            () if !self.name().is_empty() => f.write_str(self.name()),
            () => write!(f, "Errno({})", self.0),
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
        assert_eq!(Errno::EAGAIN.to_guest(Dialect::FreeBsd), 35);
        assert_eq!(Errno::from_guest(Dialect::FreeBsd, 11), Errno::EDEADLK);
        assert_eq!(Errno::ENOTCAPABLE.to_guest(Dialect::FreeBsd), 93);
        for number in 1..=97 {
            // 99 errors less the two numbers that are not assigned.
            let errno = Errno::from_guest(Dialect::FreeBsd, number);
            assert_eq!(errno.to_guest(Dialect::FreeBsd), number, "{errno:?}");
        }
        assert_eq!(Errno(4095).name(), "");
        assert_eq!(Errno(-1).name(), "");
    }
}
