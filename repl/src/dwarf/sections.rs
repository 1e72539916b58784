//! Sections of an ELF file, compressed ones too; and where a file says that its debugging information is.

use goblin::container::{Container, Ctx};
use goblin::elf::compression_header::{CompressionHeader, ELFCOMPRESS_ZLIB};
use goblin::elf::{Elf, SectionHeader, note::NT_GNU_BUILD_ID, section_header};
use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes of a section at most, once it is not compressed any more.
const MAX_SECTION: u64 = 2 << 30;
/// `ELFCOMPRESS_ZSTD` (gABI).
const ELFCOMPRESS_ZSTD: u32 = 2;

/// An ELF file in memory.
pub struct Image<'d> {
    /// Its headers.
    pub elf: Elf<'d>,
    data: &'d [u8],
}

/// A section: its address and what is in it.
pub type Section<'d> = (u64, Cow<'d, [u8]>);

impl<'d> Image<'d> {
    /// From the contents of a file.
    ///
    /// # Errors
    /// It is no ELF file; the text says why.
    pub fn parse(data: &'d [u8]) -> Result<Image<'d>, String> {
        let elf = Elf::parse(data).map_err(|e| e.to_string())?;
        Ok(Image { elf, data })
    }

    fn header(&self, name: &str) -> Option<&SectionHeader> {
        let mut headers = self.elf.section_headers.iter();
        headers.find(|s| self.elf.shdr_strtab.get_at(s.sh_name) == Some(name))
    }

    /// The section of that name; `.zdebug_x`, as compilers wrote it once, is taken for `.debug_x`.
    ///
    /// # Errors
    /// It is compressed in a way that is not known, or damaged; the text says what.
    pub fn section(&self, name: &str) -> Result<Option<Section<'d>>, String> {
        let contents = |header: &SectionHeader| {
            let range = header.file_range().and_then(|r| self.data.get(r));
            range.unwrap_or_default()
        };
        if let Some(header) = self.header(name) {
            let bytes = contents(header);
            let plain = if header.sh_flags & u64::from(section_header::SHF_COMPRESSED) == 0 {
                Cow::Borrowed(bytes)
            } else {
                Cow::Owned(self.decompress(bytes).map_err(|e| format!("{name}: {e}"))?)
            };
            return Ok(Some((header.sh_addr, plain)));
        }
        let old = name.strip_prefix(".debug_").map(|n| format!(".zdebug_{n}"));
        let Some(header) = old.and_then(|old| self.header(&old)) else {
            return Ok(None);
        };
        // "ZLIB", the size as a big-endian number, and a stream of zlib.
        let bytes = contents(header);
        let (Some(b"ZLIB"), Some(size), Some(rest)) =
            (bytes.get(..4), bytes.get(4..12), bytes.get(12..))
        else {
            return Ok(Some((header.sh_addr, Cow::Borrowed(bytes))));
        };
        let size = size.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        Ok(Some((header.sh_addr, Cow::Owned(zlib(rest, size)?))))
    }

    fn decompress(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let container = if self.elf.is_64 {
            Container::Big
        } else {
            Container::Little
        };
        let endian = if self.elf.little_endian {
            goblin::container::Endian::Little
        } else {
            goblin::container::Endian::Big
        };
        let ctx = Ctx::new(container, endian);
        let header = CompressionHeader::parse(bytes, 0, ctx).map_err(|e| e.to_string())?;
        let stream = bytes
            .get(CompressionHeader::size(ctx)..)
            .unwrap_or_default();
        match header.ch_type {
            ELFCOMPRESS_ZLIB => zlib(stream, header.ch_size),
            ELFCOMPRESS_ZSTD => zstd(stream, header.ch_size),
            other => Err(format!(
                "compressed in a way that is not known ({other}); 'objcopy --decompress-debug-sections' makes it readable"
            )),
        }
    }

    /// The identity of the build, if the linker gave one.
    pub fn build_id(&self) -> Option<&'d [u8]> {
        let notes = self.elf.iter_note_headers(self.data).into_iter();
        let sections = self.elf.iter_note_sections(self.data, None).into_iter();
        let mut all = notes.chain(sections).flatten().flatten();
        let note = all.find(|n| n.n_type == NT_GNU_BUILD_ID && n.name == "GNU")?;
        (note.desc.len() > 1).then_some(note.desc)
    }

    /// The name in a section that is a link to another file, and what follows it.
    fn link(&self, section: &str) -> Option<(String, Vec<u8>)> {
        let (_, bytes) = self.section(section).ok()??;
        let end = bytes.iter().position(|b| *b == 0)?;
        let name = String::from_utf8_lossy(&bytes[..end]).into_owned();
        (!name.is_empty()).then(|| (name, bytes[end + 1..].to_vec()))
    }

    /// The file whose debugging information this one's refers to (`dwz` makes such).
    pub fn alternative(&self) -> Option<String> {
        self.link(".gnu_debugaltlink").map(|(name, _)| name)
    }

    /// Whether it has debugging information itself.
    pub fn has_dwarf(&self) -> bool {
        self.header(".debug_info").is_some() || self.header(".zdebug_info").is_some()
    }
}

fn zlib(stream: &[u8], size: u64) -> Result<Vec<u8>, String> {
    let limit = usize::try_from(size.min(MAX_SECTION)).unwrap_or(usize::MAX);
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(stream, limit)
        .map_err(|e| format!("compressed by zlib, and damaged: {e}"))
}

fn zstd(stream: &[u8], size: u64) -> Result<Vec<u8>, String> {
    let damaged = |e: &dyn std::fmt::Display| format!("compressed by zstd, and damaged: {e}");
    let decoder = ruzstd::decoding::StreamingDecoder::new(stream).map_err(|e| damaged(&e))?;
    let mut bytes = Vec::new();
    let mut all = decoder.take(size.min(MAX_SECTION));
    all.read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
    Ok(bytes)
}

/// The checksum of `.gnu_debuglink`: CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            c >> 1 ^ (0xedb8_8320 & (c & 1).wrapping_neg())
        })
    })
}

/// Where distributions install debugging information.
const DEBUG_FOLDER: &str = "/usr/lib/debug";

/// Looks for the file with the debugging information of the one at `path`, which the guest knows as `name`: by the identity of its
/// build, then by the name that it gives, as gdb does; below `prefix` first.
pub fn find_separate(
    image: &Image<'_>,
    path: &Path,
    name: &Path,
    prefix: Option<&Path>,
) -> Option<(PathBuf, Vec<u8>)> {
    let below = |root: Option<&Path>, path: &Path| {
        let root = root.unwrap_or(Path::new("/"));
        root.join(path.strip_prefix("/").unwrap_or(path))
    };
    let roots = || prefix.map(Some).into_iter().chain([None]);
    if let Some(id) = image.build_id() {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let file = format!(
            "{DEBUG_FOLDER}/.build-id/{}/{}.debug",
            hex(&id[..1]),
            hex(&id[1..])
        );
        for root in roots() {
            let candidate = below(root, Path::new(&file));
            if let Ok(data) = std::fs::read(&candidate)
                && Image::parse(&data).is_ok_and(|other| other.build_id() == Some(id))
            {
                return Some((candidate, data));
            }
        }
    }
    let (file, rest) = image.link(".gnu_debuglink")?;
    // The checksum is at the next multiple of four, in the file's byte order.
    let at = (file.len() + 1).next_multiple_of(4) - (file.len() + 1);
    let sum: [u8; 4] = rest.get(at..at + 4)?.try_into().ok()?;
    let sum = match image.elf.little_endian {
        true => u32::from_le_bytes(sum),
        false => u32::from_be_bytes(sum),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let named = name.parent().unwrap_or(Path::new("/"));
    let beside = [folder.join(&file), folder.join(".debug").join(&file)];
    let installed = roots().map(|root| {
        let folder = below(None, named);
        let inside = Path::new(DEBUG_FOLDER).join(folder.strip_prefix("/").unwrap_or(&folder));
        below(root, &inside.join(&file))
    });
    let mut all = beside.into_iter().chain(installed);
    all.find_map(|candidate| {
        let data = std::fs::read(&candidate).ok()?;
        (crc32(&data) == sum).then_some((candidate, data))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_ethernet() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn damaged_streams_are_refused() {
        assert!(zlib(b"not zlib", 100).is_err());
        assert!(zstd(b"not zstd", 100).is_err());
        // More than the header says is cut or refused, never kept.
        let long = miniz_oxide::deflate::compress_to_vec_zlib(&[7; 1000], 6);
        assert!(zlib(&long, 10).is_err());
        assert_eq!(zlib(&long, 1000), Ok(vec![7; 1000]));
    }
}
